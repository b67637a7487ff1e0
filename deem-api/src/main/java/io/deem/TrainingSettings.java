package io.deem;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a {@link Trainer} was told. What is empty is as the stage's recipe has it.
 *
 * @param stage which recipe
 * @param data what is learnt from; the weights are shares of the batches
 * @param validation held-out data; with it checkpoints are measured and the best stays
 * @param output the run's folder: checkpoints, metrics, report and the trained model
 * @param recipe a JSON file with entries of the recipe to replace
 * @param steps of the optimiser; warm-up shrinks or grows with them
 * @param batch samples of one forward pass
 * @param accumulation forward passes of one step
 * @param adapterRank rank of low-rank adapters of the language model, which then stays as it is;
 *     empty for what the recipe has
 * @param seed of all randomness
 * @param precision of products
 * @param gradientCheckpointing whether less memory is worth a second forward pass
 * @param eightBitMoments whether the optimiser keeps its moments in 8 bits
 * @param checkpointEvery steps between checkpoints
 * @param keptCheckpoints how many of the newest stay
 * @param redraws pictures that the report shows redrawn; each takes a while on large models
 * @param resume whether to go on with the run that the output folder has
 * @param cache a folder that keeps, from epoch to epoch and from run to run, what frozen parts make
 *     of pictures; empty to compute it each time
 */
public record TrainingSettings(
    Stage stage,
    List<Data> data,
    Optional<Data> validation,
    Optional<Path> output,
    Optional<Path> recipe,
    OptionalInt steps,
    OptionalInt batch,
    OptionalInt accumulation,
    OptionalInt adapterRank,
    long seed,
    Precision precision,
    boolean gradientCheckpointing,
    boolean eightBitMoments,
    int checkpointEvery,
    int keptCheckpoints,
    int redraws,
    boolean resume,
    Optional<Path> cache) {

  /**
   * Stage one, seed 0, a checkpoint every 100 steps of which two stay, nothing to learn from yet.
   */
  public static final TrainingSettings DEFAULT =
      new TrainingSettings(
          Stage.IMAGE_TEXT_ALIGNMENT,
          List.of(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          OptionalInt.empty(),
          OptionalInt.empty(),
          OptionalInt.empty(),
          OptionalInt.empty(),
          0,
          Precision.AUTO,
          false,
          false,
          100,
          2,
          4,
          false,
          Optional.empty());

  /**
   * A data set.
   *
   * @param format {@code folder} for a folder with {@code data.jsonl} or pictures alone; otherwise
   *     the name of a published layout, such as {@code llava} or {@code coco-captions}
   * @param files the folder, or the layout's annotation files
   * @param images the folder of the pictures, for layouts that name pictures elsewhere
   * @param weight its share relative to the others'
   */
  public record Data(String format, List<Path> files, Optional<Path> images, double weight) {

    /** A folder. */
    public static Data folder(Path path, double weight) {
      return new Data("folder", List.of(path), Optional.empty(), weight);
    }

    public Data {
      files = List.copyOf(files);
      if (!(weight > 0 && weight < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("a weight must be more than 0, not " + weight);
      }
    }
  }

  /** The arithmetic of products; everything else is 32-bit, and so are the weights that learn. */
  public enum Precision {
    /** bfloat16 where the processor has instructions for it, else 32 bits. */
    AUTO,
    /** 32 bits. */
    FP32,
    /** bfloat16, whether or not it is fast here. */
    BF16
  }

  public TrainingSettings {
    data = List.copyOf(data);
    steps.ifPresent(n -> atLeastOne("steps", n));
    batch.ifPresent(n -> atLeastOne("batch", n));
    accumulation.ifPresent(n -> atLeastOne("accumulation", n));
    adapterRank.ifPresent(n -> atLeastOne("adapterRank", n));
    atLeastOne("checkpointEvery", checkpointEvery);
    atLeastOne("keptCheckpoints", keptCheckpoints);
    if (redraws < 0) {
      throw new IllegalArgumentException("redraws must be at least 0, not " + redraws);
    }
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, not " + value);
    }
  }
}
