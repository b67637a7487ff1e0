package io.deem.mini;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * The pictures of the concepts: one of 128x128 pixels for every concept and opened style. Pictures
 * are decoded when first asked for, cut out from their white ground, and kept. Thread-safe.
 */
public final class EmojiCorpus {

  private record Key(EmojiStyle style, String concept) {}

  private final Concepts concepts;
  private final Map<EmojiStyle, TarPictures> pictures;
  private final Map<Key, Glyph> glyphs = new ConcurrentHashMap<>();

  private EmojiCorpus(Concepts concepts, Map<EmojiStyle, TarPictures> pictures) {
    this.concepts = concepts;
    this.pictures = pictures;
  }

  /**
   * Opens a corpus folder: {@code concepts.jsonl} and the tar files of the styles.
   *
   * @param folder such as {@code samples/deem-mini/data/emoji}
   * @param styles which styles to open; the files of others are not touched
   * @throws IOException if a file is missing or malformed; the message names it
   */
  public static EmojiCorpus open(Path folder, Collection<EmojiStyle> styles) throws IOException {
    Map<EmojiStyle, TarPictures> pictures = new TreeMap<>();
    for (EmojiStyle style : styles) {
      pictures.put(style, TarPictures.read(folder.resolve(style.file())));
    }
    return new EmojiCorpus(Concepts.read(folder.resolve("concepts.jsonl")), pictures);
  }

  /** {@link #open(Path, Collection)} with these styles. */
  public static EmojiCorpus open(Path folder, EmojiStyle... styles) throws IOException {
    return open(folder, List.of(styles));
  }

  /**
   * Opens one style, which need not be of the corpus: a tar file in its layout, {@code ID.png} and
   * {@code ID.json} for each concept. What a picture looks like (colours, asymmetry) is taken from
   * the tar file where it says so, else from the concepts. Concepts without a picture are left out.
   *
   * @param concepts a {@code concepts.jsonl}
   * @throws IOException if a file is missing or malformed; the message names it
   */
  public static EmojiCorpus openStyle(Path concepts, Path tar) throws IOException {
    TarPictures pictures = TarPictures.read(tar);
    Concepts all = Concepts.read(concepts);
    StyleTar described = new StyleTar(tar, pictures);
    return new EmojiCorpus(described.depicted(all), Map.of(described.style(), pictures));
  }

  /** What the pictures show. */
  public Concepts concepts() {
    return concepts;
  }

  /** The opened styles. */
  public Set<EmojiStyle> styles() {
    return Set.copyOf(pictures.keySet());
  }

  /**
   * The picture of a concept as it lies in the corpus, on white.
   *
   * @throws IllegalArgumentException if the style is not open or has no such picture
   * @throws UncheckedIOException if the picture is no PNG of 128x128 pixels
   */
  public Raster picture(EmojiStyle style, Concept concept) {
    return Raster.of(decode(style, concept));
  }

  /** The picture of a concept cut out from its white ground, ready for drawing. */
  Glyph glyph(EmojiStyle style, Concept concept) {
    return glyphs.computeIfAbsent(
        new Key(style, concept.id()), key -> Glyph.cutOut(decode(style, concept)));
  }

  private BufferedImage decode(EmojiStyle style, Concept concept) {
    TarPictures tar = pictures.get(style);
    if (tar == null) {
      throw new IllegalArgumentException("The style " + style.id() + " is not open");
    }
    byte[] png = tar.get(concept.id());
    if (png == null) {
      throw new IllegalArgumentException(style.file() + " has no picture of " + concept.id());
    }
    try {
      return decode(png);
    } catch (IOException e) {
      throw new UncheckedIOException(
          style.file() + ": " + concept.id() + ".png: " + e.getMessage(), e);
    }
  }

  private static BufferedImage decode(byte[] png) throws IOException {
    // ImageIO's own choice of stream would write each picture to a temporary file.
    try (ImageInputStream stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(png))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
      if (!readers.hasNext()) {
        throw new IOException("no picture");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(stream);
        // The header is checked before memory is set aside for the pixels.
        int width = reader.getWidth(0);
        int height = reader.getHeight(0);
        if (width != Glyph.SIDE || height != Glyph.SIDE) {
          throw new IOException(width + "x" + height + " pixels, not 128x128");
        }
        return reader.read(0);
      } finally {
        reader.dispose();
      }
    }
  }
}
