package io.deem.text.prompt;

import io.deem.random.Permutations;
import io.deem.random.RandomSource;
import io.deem.text.SpecialTokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** Makes documents of sentences and images, as the sets MMC4 and LAION are read. */
public final class DocumentWriter {

  private static final double SINGLE_IMAGE_DROPPED = 0.5;

  private final PromptFormat format;
  private final Options options;

  /** Prepares documents of a model. */
  public DocumentWriter(PromptFormat format, Options options) {
    this.format = format;
    this.options = options;
  }

  /**
   * What to take of a document.
   *
   * @param leastSimilarity images that match their sentence less are dropped
   * @param mostImages images to keep, chosen by chance where there are more
   * @param imageFirst probability that an image stands before its sentence, in [0, 1]
   */
  public record Options(double leastSimilarity, int mostImages, double imageFirst) {

    /** The values of the reference's pre-training: 0.24, 6 and 0.5. */
    public static final Options PRETRAINING = new Options(0.24, 6, 0.5);
  }

  /**
   * An image of a document.
   *
   * @param image what stands for it
   * @param sentence the index of the sentence that it matches
   * @param similarity how well it matches
   */
  public record Picture<I>(I image, int sentence, double similarity) {}

  /**
   * Makes a document.
   *
   * @param random draws the order from which images are kept, for each kept image whether it stands
   *     before its sentence, and whether a document with one image is kept
   * @return nothing if no image is left, or if half of all documents with one image are dropped and
   *     this is of that half
   * @throws IllegalArgumentException if an image matches a sentence that is not there
   */
  public <I> Optional<Document<I>> interleaved(
      List<String> sentences, List<Picture<I>> pictures, RandomSource random) {
    List<Picture<I>> similar =
        pictures.stream()
            .filter(p -> p.similarity >= options.leastSimilarity)
            .collect(Collectors.toList());
    if (similar.isEmpty()) {
      return Optional.empty();
    }
    List<Picture<I>> kept =
        Arrays.stream(Permutations.shuffled(similar.size(), random))
            .limit(options.mostImages)
            .mapToObj(similar::get)
            .sorted(Comparator.comparingInt(Picture::sentence))
            .collect(Collectors.toList());
    List<Boolean> first = new ArrayList<>();
    kept.forEach(picture -> first.add(random.uniform() < options.imageFirst));
    int[] places = kept.stream().mapToInt(Picture::sentence).toArray();
    String text = String.join(" ", placed(sentences, places, first));
    text = PromptFormat.withoutSpacesAtImages(text) + SpecialTokens.END;
    if (kept.size() == 1 && random.uniform() < SINGLE_IMAGE_DROPPED) {
      return Optional.empty();
    }
    return Optional.of(
        new Document<>(
            format.tokenizer().encode(text),
            kept.stream().map(Picture::image).collect(Collectors.toList())));
  }

  /** The sentences with image tokens before or after those that have images. */
  List<String> placed(List<String> sentences, int[] places, List<Boolean> first) {
    List<String> placed = new ArrayList<>(sentences);
    for (int i = 0; i < places.length; i++) {
      if (places[i] < 0 || places[i] >= placed.size()) {
        throw new IllegalArgumentException(
            "an image at sentence " + places[i] + " of " + placed.size());
      }
      String sentence = placed.get(places[i]);
      String image = format.image();
      placed.set(places[i], first.get(i) ? image + sentence : sentence + image);
    }
    return placed;
  }

  /**
   * Makes a document of one captioned image. A caption that is too long is cut so that the image
   * stays.
   *
   * @param caption its parts; they are joined by spaces and written in lower case
   * @param random draws whether the image stands before its caption
   */
  public <I> Document<I> captioned(I image, List<String> caption, RandomSource random) {
    boolean first = random.uniform() < options.imageFirst;
    String words = String.join(" ", caption).toLowerCase(Locale.ROOT);
    String text = first ? format.image() + words : words + format.image();
    long[] ids = format.tokenizer().encode(text + SpecialTokens.END);
    int excess = ids.length - format.longest();
    if (excess > 0 && first) {
      ids = Arrays.copyOf(ids, format.longest());
    } else if (excess > 0) {
      // The image's start and tokens, and the end.
      int tail = Math.min(format.tokensPerImage() + 2, format.longest());
      ids =
          LongStream.concat(
                  Arrays.stream(ids, 0, format.longest() - tail),
                  Arrays.stream(ids, ids.length - tail, ids.length))
              .toArray();
    }
    return new Document<>(ids, List.of(image));
  }
}
