package io.deem.text.prompt;

import io.deem.random.RandomSource;
import io.deem.text.SpecialTokens;
import io.deem.text.TokenBatch;
import io.deem.text.TokenBatch.Side;
import io.deem.text.prompt.PromptBatch.Objective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Boxes found from descriptions, and descriptions of regions. */
public final class GroundingPrompts {

  private final PromptFormat format;

  /**
   * Prepares prompts of a model.
   *
   * @param format with a tokenizer that has {@link SpecialTokens#GROUNDING}
   */
  public GroundingPrompts(PromptFormat format) {
    this.format = format;
  }

  /** What is asked for. */
  public enum Task {
    /** The box of what a sentence describes. */
    GROUNDING,
    /** A description of a region. */
    REFERRING
  }

  /**
   * A region of an image.
   *
   * @param image the image
   * @param mask the region
   * @param box left, top, right and bottom in thousandths of the image's size, 0 to 999
   * @param description what the region shows
   */
  public record Region<I>(I image, RegionMask mask, Box box, String description) {}

  /**
   * A box in thousandths of an image's width and height.
   *
   * @param left 0 to 999, and so the others
   */
  public record Box(int left, int top, int right, int bottom) {

    /** Checks that no side is turned round. */
    public Box {
      if (left > right || top > bottom) {
        throw new IllegalArgumentException(
            String.format("a box from (%d, %d) to (%d, %d)", left, top, right, bottom));
      }
    }

    /** The box as the model writes it: {@code (012,005)(700,999)}. */
    @Override
    public String toString() {
      return String.format("(%03d,%03d)(%03d,%03d)", left, top, right, bottom);
    }
  }

  /**
   * Regions to learn from, all for the task that is drawn first.
   *
   * @param tasks what to draw from
   * @param ignoreImageStarts whether starts of images are not learnt
   * @return with labels: neither prompts nor padding nor image tokens count
   */
  public <I> PromptBatch<I> train(
      List<Task> tasks, List<Region<I>> regions, boolean ignoreImageStarts, RandomSource random) {
    Task task = tasks.get(random.uniformInt(tasks.size()));
    PromptTemplate template =
        task == Task.GROUNDING
            ? PromptTemplate.GROUNDING_TRAINING
            : PromptTemplate.REFERRING_TRAINING;
    PromptRows<I> rows = new PromptRows<>(format);
    for (Region<I> region : regions) {
      String answer =
          task == Task.GROUNDING ? "<box>" + region.box + "</box>" : " " + region.description;
      rows.addAnswered(
          template.fill(values(region)), answer + SpecialTokens.END, images(task, region));
    }
    PromptBatch<I> batch = rows.batch(Side.RIGHT, Objective.TEXT);
    return withLabels(batch, labels(batch, ignoreImageStarts));
  }

  /** Regions to find or to describe. */
  public <I> PromptBatch<I> evaluate(Task task, List<Region<I>> regions) {
    PromptTemplate template =
        task == Task.GROUNDING
            ? PromptTemplate.GROUNDING_EVALUATION
            : PromptTemplate.REFERRING_EVALUATION;
    PromptRows<I> rows = new PromptRows<>(format);
    for (Region<I> region : regions) {
      rows.add(template.fill(values(region)), images(task, region));
    }
    return rows.batch(Side.LEFT, Objective.TEXT);
  }

  private Map<String, String> values(Region<?> region) {
    return Map.of("image", format.image(), "mask", format.image(), "caption", region.description);
  }

  /** A region to describe is a second image of its row: the same picture with its mask. */
  private static <I> List<MaskedImage<I>> images(Task task, Region<I> region) {
    MaskedImage<I> whole =
        new MaskedImage<>(
            region.image, Optional.of(RegionMask.whole(region.mask.height(), region.mask.width())));
    return task == Task.GROUNDING
        ? List.of(whole)
        : List.of(whole, new MaskedImage<>(region.image, Optional.of(region.mask)));
  }

  private long[] labels(PromptBatch<?> batch, boolean ignoreImageStarts) {
    int length = batch.text().length();
    long[] labels = batch.text().ids();
    long[] mask = batch.mask();
    for (int i = 0; i < labels.length; i++) {
      boolean learnt =
          i % length >= batch.promptLengths()[i / length]
              && mask[i] != 0
              && labels[i] != SpecialTokens.PADDING_ID
              && labels[i] != format.imageToken()
              && !(ignoreImageStarts && labels[i] == format.imageStart());
      labels[i] = learnt ? labels[i] : PromptBatch.IGNORED;
    }
    return labels;
  }

  private static <I> PromptBatch<I> withLabels(PromptBatch<I> batch, long[] labels) {
    return new PromptBatch<>(
        batch.text(),
        batch.mask(),
        batch.images(),
        batch.imagesPerRow(),
        batch.promptLengths(),
        labels,
        batch.objective());
  }

  /**
   * Puts rows one after the other as long as they fit in one.
   *
   * @param rows batches of one row each, made by {@link #train}
   * @return batches of one row each, of at most {@link PromptFormat#longest} tokens where the rows
   *     themselves are no longer
   */
  public <I> List<PromptBatch<I>> pack(List<PromptBatch<I>> rows) {
    List<PromptBatch<I>> packed = new ArrayList<>();
    List<PromptBatch<I>> open = new ArrayList<>();
    int length = 0;
    for (PromptBatch<I> row : rows) {
      length += row.text().length();
      if (length > format.longest() && !open.isEmpty()) {
        packed.add(concatenate(open));
        open.clear();
        length = row.text().length();
      }
      open.add(row);
    }
    if (!open.isEmpty()) {
      packed.add(concatenate(open));
    }
    return packed;
  }

  /** Makes one row of several batches of one row. Where prompts end is in the labels only. */
  private static <I> PromptBatch<I> concatenate(List<PromptBatch<I>> rows) {
    List<MaskedImage<I>> images = new ArrayList<>();
    rows.forEach(row -> images.addAll(row.images()));
    TokenBatch text =
        text(
            List.of(
                join(rows.stream().map(row -> row.text().row(0)).collect(Collectors.toList()))));
    return new PromptBatch<>(
        text,
        text.mask(),
        images,
        new int[] {images.size()},
        new int[0],
        join(rows.stream().map(PromptBatch::labels).collect(Collectors.toList())),
        Objective.TEXT);
  }

  /** Makes a batch of several batches of one row. */
  public <I> PromptBatch<I> stack(List<PromptBatch<I>> rows) {
    TokenBatch text =
        text(rows.stream().map(row -> row.text().row(0)).collect(Collectors.toList()));
    List<MaskedImage<I>> images = new ArrayList<>();
    int[] imagesPerRow = new int[rows.size()];
    long[] labels = new long[rows.size() * text.length()];
    Arrays.fill(labels, PromptBatch.IGNORED);
    for (int row = 0; row < rows.size(); row++) {
      images.addAll(rows.get(row).images());
      imagesPerRow[row] = rows.get(row).images().size();
      long[] ofRow = rows.get(row).labels();
      System.arraycopy(ofRow, 0, labels, row * text.length(), ofRow.length);
    }
    return new PromptBatch<>(
        text, text.mask(), images, imagesPerRow, new int[0], labels, Objective.TEXT);
  }

  private static TokenBatch text(List<long[]> rows) {
    return TokenBatch.of(rows, SpecialTokens.PADDING_ID, Side.RIGHT);
  }

  private static long[] join(List<long[]> parts) {
    return parts.stream().flatMapToLong(Arrays::stream).toArray();
  }
}
