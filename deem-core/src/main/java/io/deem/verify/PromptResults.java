package io.deem.verify;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.deem.generation.GenerationConfig;
import io.deem.random.StoredDraws;
import io.deem.text.TokenBatch;
import io.deem.text.prompt.MaskedImage;
import io.deem.text.prompt.PromptBatch;
import io.deem.text.prompt.RegionMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Compares batches with a fixture's, image by image and id by id. Images are handled by their names
 * in the fixture.
 *
 * @param prefix of the stored results in the tokenizer's mode
 */
record PromptResults(Fixture fixture, String prefix, Reference reference, Report report) {

  private static final String IMAGES = "images.";
  private static final String DECODER_IMAGES = "images_dec.";

  /** How many tokens an image has. */
  int tokensPerImage() {
    return new Sizes(fixture.config()).integer("num_img_token");
  }

  /** Rows with their images, and what belongs to them. */
  void batch(String name, PromptBatch<String> batch) {
    text(name, batch.text(), batch.mask());
    images(name, batch.images());
    counts(name + ".num_image_per_seq", batch.imagesPerRow());
    if (has(name + ".ignore_prompt_token_offset")) {
      counts(name + ".ignore_prompt_token_offset", batch.promptLengths());
    }
    if (has(name + ".gt_text_ids")) {
      ids(name + ".gt_text_ids", batch.labels(), batch.text().rows(), batch.text().length());
    }
    boolean text = batch.objective() == PromptBatch.Objective.TEXT;
    scalar(name, text ? "loss_img_weight" : "loss_txt_weight", new JsonPrimitive(0.0));
  }

  /** Ids and attention of rows. */
  void text(String name, TokenBatch text, long[] mask) {
    ids(name + ".text_ids", text.ids(), text.rows(), text.length());
    ids(name + ".attention_mask", mask, text.rows(), text.length());
  }

  /** Images of both sizes in their order, and their masks where masks are stored. */
  void images(String name, List<MaskedImage<String>> images) {
    List<String> names = images.stream().map(MaskedImage::image).collect(Collectors.toList());
    stack(name + ".image_tensors", IMAGES, names);
    stack(name + ".image_tensors_dec", DECODER_IMAGES, names);
    String masks = name + ".image_tensors_mask";
    if (!has(masks) || images.isEmpty()) {
      return;
    }
    long[] size = fixture.io().info(IMAGES + names.get(0)).shape();
    int height = Math.toIntExact(size[1]);
    int width = Math.toIntExact(size[2]);
    float[] values = new float[images.size() * height * width];
    for (int i = 0; i < images.size(); i++) {
      RegionMask mask = images.get(i).mask().orElseGet(() -> RegionMask.whole(height, width));
      System.arraycopy(mask.values(), 0, values, i * height * width, height * width);
    }
    reference.output(prefix + masks, values, images.size(), 1, height, width);
  }

  private void stack(String name, String from, List<String> images) {
    if (!has(name) || images.isEmpty()) {
      return;
    }
    long[] size = fixture.io().info(from + images.get(0)).shape();
    int length = Math.toIntExact(size[0] * size[1] * size[2]);
    float[] values = new float[images.size() * length];
    for (int i = 0; i < images.size(); i++) {
      float[] image = fixture.io().floats(from + images.get(i), size);
      System.arraycopy(image, 0, values, i * length, length);
    }
    reference.output(prefix + name, values, images.size(), size[0], size[1], size[2]);
  }

  /** Integers, which must be equal. */
  void ids(String name, long[] values, long... shape) {
    reference.ids(prefix + name, values, shape);
  }

  /** Integers in one row. */
  void counts(String name, int... values) {
    ids(name, Arrays.stream(values).asLongStream().toArray(), values.length);
  }

  /** Whether the fixture has a result in this mode. */
  boolean has(String name) {
    return fixture.has(prefix + name);
  }

  /** A result that is no tensor. */
  void scalar(String name, String field, JsonElement actual) {
    Sizes scalars = new Sizes(fixture.config()).section("scalars");
    JsonElement stored = scalars.has(name) ? scalars.section(name).config().get(field) : null;
    report.equal(prefix + name + "." + field, Verification.PLAIN_JAVA, stored, actual);
  }

  /** How a case's answers are generated, as far as both name it. */
  void generation(String name, GenerationConfig.Builder builder) {
    GenerationConfig config = builder.build();
    scalar(name, "max_length", new JsonPrimitive(config.maxNewTokens()));
    scalar(name, "min_length", new JsonPrimitive(config.minLength()));
    scalar(name, "num_beams", new JsonPrimitive(config.numBeams()));
    scalar(name, "length_penalty", new JsonPrimitive(config.lengthPenalty()));
  }

  /** The stored mask of an image, which has one plane, or of one of its planes. */
  RegionMask mask(String name, int plane) {
    long[] shape = fixture.io().info(IMAGES + name).shape();
    int height = Math.toIntExact(shape[1]);
    int width = Math.toIntExact(shape[2]);
    int size = height * width;
    float[] values = fixture.io().floats(IMAGES + name);
    return new RegionMask(
        Arrays.copyOfRange(values, plane * size, (plane + 1) * size), height, width);
  }

  /** How many planes a stored mask has. */
  int planes(String name) {
    return Math.toIntExact(fixture.io().info(IMAGES + name).shape()[0]);
  }

  /** The texts among a case's draws, each once. */
  static List<String> chosenTexts(JsonObject sample) {
    List<String> texts = new ArrayList<>();
    for (JsonElement element : sample.getAsJsonArray("draws")) {
      JsonArray draw = element.getAsJsonArray();
      if (draw.get(0).getAsString().equals("choice")
          && !texts.contains(draw.get(1).getAsString())) {
        texts.add(draw.get(1).getAsString());
      }
    }
    return texts;
  }

  /**
   * A case's draws.
   *
   * @param choices what a drawn text is chosen from
   * @param pool what a sample is drawn from has as many elements
   */
  static StoredDraws draws(JsonObject sample, List<String> choices, int pool) {
    StoredDraws draws = new StoredDraws();
    for (JsonElement element : sample.getAsJsonArray("draws")) {
      JsonArray draw = element.getAsJsonArray();
      JsonElement value = draw.get(1);
      switch (draw.get(0).getAsString()) {
        case "np_random" -> draws.thenUniform(value.getAsFloat());
        case "choice" -> draws.thenInts(choices.indexOf(value.getAsString()));
        case "shuffle" -> draws.thenInts(shuffling(ints(value)));
        case "sample" -> draws.thenInts(sampling(ints(value), pool));
        default -> throw new IllegalArgumentException("a draw of unknown kind: " + draw);
      }
    }
    return draws;
  }

  static int[] ints(JsonElement values) {
    return values.getAsJsonArray().asList().stream().mapToInt(JsonElement::getAsInt).toArray();
  }

  /** The integers from which a shuffle from the last place down makes an order. */
  private static int[] shuffling(int[] order) {
    List<Integer> current = identity(order.length);
    int[] draws = new int[Math.max(0, order.length - 1)];
    for (int last = order.length - 1, i = 0; last > 0; last--, i++) {
      draws[i] = current.indexOf(order[last]);
      Collections.swap(current, last, draws[i]);
    }
    return draws;
  }

  /** The integers from which a selection from the first place up makes a sample. */
  private static int[] sampling(int[] sample, int size) {
    List<Integer> current = identity(size);
    int[] draws = new int[sample.length];
    for (int i = 0; i < sample.length; i++) {
      int place = current.indexOf(sample[i]);
      draws[i] = place - i;
      Collections.swap(current, i, place);
    }
    return draws;
  }

  private static List<Integer> identity(int size) {
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      numbers.add(i);
    }
    return numbers;
  }
}
