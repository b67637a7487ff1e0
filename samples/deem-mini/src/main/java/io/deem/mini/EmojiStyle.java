package io.deem.mini;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * One artist's way of drawing the concepts. Training uses {@link #NOTO} and {@link #TWEMOJI}; the
 * others are never trained on, so that they can test whether perception carries over.
 *
 * @param id name of the style in {@code concepts.jsonl} and on the command line
 * @param file path of the style's tar file inside the corpus folder
 * @param trained whether training may use this style
 */
public record EmojiStyle(String id, String file, boolean trained)
    implements Comparable<EmojiStyle> {

  /** Flat and coloured, by Google. Trained on. */
  public static final EmojiStyle NOTO = new EmojiStyle("noto", "noto.tar", true);

  /** Flat and coloured, by Twitter. Trained on. */
  public static final EmojiStyle TWEMOJI = new EmojiStyle("twemoji", "twemoji.tar", true);

  /** Soft 3-D renders, by Microsoft. */
  public static final EmojiStyle FLUENT = new EmojiStyle("fluent", "fluent.tar", false);

  /** Flat colours with dark outlines. Share-alike: its files stay in a folder of their own. */
  public static final EmojiStyle OPENMOJI =
      new EmojiStyle("openmoji", "open-cc-by-sa/openmoji.tar", false);

  /** Black line art. Share-alike, like {@link #OPENMOJI}. */
  public static final EmojiStyle OPENMOJI_BLACK =
      new EmojiStyle("openmoji-black", "open-cc-by-sa/openmoji-black.tar", false);

  private static final List<EmojiStyle> CORPUS =
      List.of(NOTO, TWEMOJI, FLUENT, OPENMOJI, OPENMOJI_BLACK);

  /** The styles of the corpus. */
  public static EmojiStyle[] values() {
    return CORPUS.toArray(EmojiStyle[]::new);
  }

  /** The styles that training may use. */
  public static List<EmojiStyle> trainedStyles() {
    return CORPUS.stream().filter(EmojiStyle::trained).toList();
  }

  /**
   * The style of the corpus with this {@link #id()}.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static EmojiStyle of(String id) {
    return Arrays.stream(values())
        .filter(style -> style.id.equals(id))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("No emoji style is called '" + id + "'"));
  }

  /** The style with this id: one of the corpus, or else a further one, which nothing trains on. */
  static EmojiStyle named(String id) {
    return CORPUS.stream()
        .filter(style -> style.id.equals(id))
        .findFirst()
        .orElseGet(() -> new EmojiStyle(id, id + ".tar", false));
  }

  /** The corpus's styles in their order, then others by their ids. */
  @Override
  public int compareTo(EmojiStyle other) {
    return Comparator.comparingInt(EmojiStyle::rank)
        .thenComparing(EmojiStyle::id)
        .compare(this, other);
  }

  private int rank() {
    int place = CORPUS.indexOf(this);
    return place < 0 ? CORPUS.size() : place;
  }
}
