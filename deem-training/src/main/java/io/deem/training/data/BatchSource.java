package io.deem.training.data;

import io.deem.model.InterleavedBatch;
import io.deem.random.RandomSource;
import io.deem.text.TokenBatch;
import io.deem.text.prompt.MaskedImage;
import io.deem.text.prompt.PromptBatch;
import io.deem.text.prompt.RegionMask;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The batches of a run: each a function of the seed and its number alone, whichever thread makes it
 * and whatever was made before. A batch comes from one of the mixed data sets; each data set is
 * gone through epoch by epoch, in a new {@linkplain SampleOrder order} each time. A broken sample
 * is replaced by another one of its data set, which the same numbers decide.
 *
 * <p>Safe for use from many threads.
 */
public final class BatchSource {

  /**
   * Samples that may be left out in a row, broken or by chance, before the data set is given up.
   */
  private static final int MOST_LEFT_OUT = 1000;

  private static final int ROW_RANDOM = 1;
  private static final int SAMPLE_RANDOM = 2;

  /**
   * A data set of a mixture.
   *
   * @param data what there is
   * @param task what is learnt from it
   * @param weight its share of the batches, relative to the others'
   * @param batchSize samples in a batch
   * @param augmentation how its pictures are varied
   */
  public record Part(
      DataSet data, Task task, double weight, int batchSize, Augmentation augmentation) {

    /** Checks the numbers. */
    public Part {
      if (batchSize < 1) {
        throw new IllegalArgumentException("a batch of " + batchSize + " samples");
      }
      if (data.size() < 1) {
        throw new IllegalArgumentException(data.name() + ": has no samples");
      }
    }

    /** A data set whose pictures stay as they are. */
    public Part(DataSet data, Task task, double weight, int batchSize) {
      this(data, task, weight, batchSize, Augmentation.NONE);
    }
  }

  private final List<Part> parts;
  private final BatchFormat format;
  private final long seed;
  private final MixtureOrder order;

  /**
   * The batches of a mixture.
   *
   * @param parts at least one
   * @param format what the model takes
   * @param seed decides orders, mixture, prompts and augmentation
   */
  public BatchSource(List<Part> parts, BatchFormat format, long seed) {
    this.parts = List.copyOf(parts);
    this.format = format;
    this.seed = seed;
    this.order = new MixtureOrder(parts.stream().mapToDouble(Part::weight).toArray(), seed);
  }

  /** The mixed data sets. */
  public List<Part> parts() {
    return parts;
  }

  /** Samples of all data sets together. */
  public long samples() {
    return parts.stream().mapToLong(part -> part.data.size()).sum();
  }

  /**
   * A batch.
   *
   * @param number from 0
   * @throws IOException if a data set has nothing that can be learnt from
   */
  public Batch batch(long number) throws IOException {
    MixtureOrder.Turn turn = order.at(number);
    Part part = parts.get(turn.part());
    return make(number, turn, part, (PreparedTask<?>) part.task);
  }

  private <P> Batch make(long number, MixtureOrder.Turn turn, Part part, PreparedTask<P> task)
      throws IOException {
    Eyes eyes = new Eyes(format, part.augmentation);
    List<BrokenItem> broken = new ArrayList<>();
    List<P> prepared = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < part.batchSize; i++) {
      long place = Math.addExact(Math.multiplyExact(turn.turn(), part.batchSize), i);
      prepared.add(prepare(turn.part(), part, task, place, eyes, ids, broken));
    }
    RandomSource random = random(turn.part(), ROW_RANDOM, turn.turn());
    return batch(number, part.data.name(), ids, task.rows(prepared, format, random), broken);
  }

  private <P> P prepare(
      int number,
      Part part,
      PreparedTask<P> task,
      long place,
      Eyes eyes,
      List<String> ids,
      List<BrokenItem> broken)
      throws IOException {
    long size = part.data.size();
    for (int attempt = 0; attempt < MOST_LEFT_OUT; attempt++) {
      long orderSeed = SampleOrder.mix(seed, number, attempt);
      long index = SampleOrder.at(size, orderSeed, place / size, place % size);
      RandomSource random = random(number, SAMPLE_RANDOM, place, attempt);
      String id = "#" + index;
      try {
        Sample sample = part.data.sample(index);
        id = sample.id();
        Optional<P> prepared = task.prepare(sample, eyes, random);
        if (prepared.isPresent()) {
          ids.add(id);
          return prepared.get();
        }
      } catch (IOException | IllegalArgumentException e) {
        String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        broken.add(new BrokenItem(part.data.name(), id, reason));
      }
    }
    String last =
        broken.isEmpty()
            ? "they are of another kind than its task learns"
            : "the last: " + broken.get(broken.size() - 1);
    throw new IOException(
        part.data.name() + ": none of " + MOST_LEFT_OUT + " samples can be learnt from; " + last);
  }

  private RandomSource random(long... numbers) {
    return RandomSource.seeded(SampleOrder.mix(seed, SampleOrder.mix(numbers)));
  }

  private Batch batch(
      long number,
      String dataSet,
      List<String> ids,
      PreparedTask.Rows rows,
      List<BrokenItem> broken) {
    PromptBatch<SeenImage> prompts = rows.batch();
    InterleavedBatch tokens = tokens(prompts);
    List<MaskedImage<SeenImage>> images = prompts.images();
    return new Batch(
        number,
        dataSet,
        ids,
        tokens,
        images.stream().map(each -> each.image().source().name()).toList(),
        planes(images.stream().map(each -> each.image().encoder()).toList()),
        planes(images.stream().map(each -> each.image().drawn()).toList()),
        regions(images),
        targets(rows, tokens),
        rows.learnsText(),
        rows.learnsImages(),
        format.imageSize(),
        format.drawnSize(),
        broken);
  }

  private InterleavedBatch tokens(PromptBatch<?> prompts) {
    TokenBatch text = prompts.text();
    boolean[][] real = new boolean[text.rows()][text.length()];
    for (int row = 0; row < real.length; row++) {
      // Right padding; an ordinary token may have the id that rows are padded with.
      Arrays.fill(real[row], 0, text.row(row).length, true);
    }
    return InterleavedBatch.padded(format.special(), text.ids(), real);
  }

  private static InterleavedBatch.TextTargets targets(
      PreparedTask.Rows rows, InterleavedBatch tokens) {
    PromptBatch<?> prompts = rows.batch();
    if (!rows.learnsText()) {
      return new InterleavedBatch.TextTargets(new long[0], new long[0]);
    }
    if (prompts.labels().length == 0) {
      int[] lengths = prompts.promptLengths().length == 0 ? null : prompts.promptLengths();
      return tokens.textTargets(lengths, rows.onlyAfterImages());
    }
    List<boolean[]> learnt = new ArrayList<>();
    for (int row = 0; row < prompts.text().rows(); row++) {
      boolean[] ofRow = new boolean[prompts.text().row(row).length];
      for (int i = 0; i < ofRow.length; i++) {
        ofRow[i] = prompts.labels()[row * tokens.length() + i] != PromptBatch.IGNORED;
      }
      learnt.add(ofRow);
    }
    return tokens.textTargets(learnt);
  }

  private static float[] planes(List<float[]> images) {
    int size = images.isEmpty() ? 0 : images.get(0).length;
    float[] planes = new float[Math.multiplyExact(images.size(), size)];
    for (int i = 0; i < images.size(); i++) {
      System.arraycopy(images.get(i), 0, planes, i * size, size);
    }
    return planes;
  }

  private Optional<float[]> regions(List<MaskedImage<SeenImage>> images) {
    if (images.stream().allMatch(image -> image.mask().isEmpty())) {
      return Optional.empty();
    }
    int side = format.imageSize();
    RegionMask whole = RegionMask.whole(side, side);
    return Optional.of(
        planes(
            images.stream()
                .map(image -> image.mask().map(mask -> mask.resized(side, side)).orElse(whole))
                .map(RegionMask::values)
                .toList()));
  }
}
