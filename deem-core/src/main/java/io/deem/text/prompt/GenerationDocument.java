package io.deem.text.prompt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * A document that is continued by turns with text and images that a model generates. Immutable.
 *
 * @param sentences as they stand in the text, image tokens among them
 * @param document the tokens so far and the images
 */
public record GenerationDocument<I>(List<String> sentences, Document<I> document) {

  /** Copies the sentences. */
  public GenerationDocument {
    sentences = List.copyOf(sentences);
  }

  /**
   * Begins with sentences and images.
   *
   * @param places for each image the index of its sentence
   * @param imageFirst for each image whether it stands before its sentence
   * @throws IllegalArgumentException if there is no image, or the lists differ in length
   */
  public static <I> GenerationDocument<I> of(
      PromptFormat format,
      List<String> sentences,
      List<I> images,
      int[] places,
      List<Boolean> imageFirst) {
    if (images.isEmpty() || images.size() != places.length || places.length != imageFirst.size()) {
      throw new IllegalArgumentException(
          images.size()
              + " images with "
              + places.length
              + " places and "
              + imageFirst.size()
              + " sides; there must be at least one, and as many of each");
    }
    List<String> placed =
        new DocumentWriter(format, DocumentWriter.Options.PRETRAINING)
            .placed(sentences, places, imageFirst);
    String text = PromptFormat.withoutSpacesAtImages(String.join(" ", placed));
    long[] ids = format.tokenizer().encode(text);
    if (ids.length > format.longest()) {
      ids = Arrays.copyOf(ids, format.longest());
    }
    return new GenerationDocument<>(placed, new Document<>(ids, images));
  }

  /** The image that is generated next, or was last: the last one. */
  public int targetImage() {
    return document.images().size() - 1;
  }

  /**
   * A document after a turn of text.
   *
   * @param document the longer document
   * @param imageNext whether an image is to be generated next, in the place of the placeholder
   * @param stopped whether the model ended its text
   */
  public record Continued<I>(GenerationDocument<I> document, boolean imageNext, boolean stopped) {}

  /**
   * Adds what a model wrote. An end token is not kept; a start of an image is followed by its
   * tokens.
   *
   * @param generated a begin-of-sequence token and the new tokens
   * @param forceImage whether an image follows in any case
   * @param placeholder what stands for an image that is not generated yet; the reference's is grey
   *     (0.5 everywhere)
   */
  public Continued<I> continued(
      PromptFormat format, long[] generated, boolean forceImage, I placeholder) {
    long[] text = Arrays.copyOfRange(generated, Math.min(1, generated.length), generated.length);
    boolean stopped = text.length > 0 && text[text.length - 1] == format.end();
    if (stopped) {
      text = Arrays.copyOf(text, text.length - 1);
    }
    boolean image = text.length > 0 && text[text.length - 1] == format.imageStart();
    if (forceImage && !image) {
      text = LongStream.concat(Arrays.stream(text), LongStream.of(format.imageStart())).toArray();
      image = true;
    }
    LongStream tokens = LongStream.concat(Arrays.stream(document.ids()), Arrays.stream(text));
    List<I> images = new ArrayList<>(document.images());
    if (image) {
      long token = format.imageToken();
      tokens =
          LongStream.concat(
              tokens, LongStream.generate(() -> token).limit(format.tokensPerImage()));
      images.add(placeholder);
    }
    Document<I> longer = new Document<>(tokens.toArray(), images);
    return new Continued<>(new GenerationDocument<>(sentences, longer), image, stopped);
  }
}
