package io.deem;

import io.deem.spi.TrainingEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * Trains a model on one's own data, by the paper's recipes. Immutable: every method that sets
 * something returns another trainer.
 *
 * <pre>{@code
 * TrainingReport report =
 *     deem.trainer()
 *         .stage(Stage.IMAGE_TEXT_ALIGNMENT)
 *         .data(Paths.get("photos"))
 *         .validation(Paths.get("held-out"))
 *         .output(Paths.get("run"))
 *         .steps(500)
 *         .train(ProgressListener.NONE, new Cancellation());
 * report.save(Paths.get("report.html"));
 * }</pre>
 *
 * <p>The open model stays as it is; the trained one is a model folder in the output folder.
 */
public final class Trainer {

  private final TrainingEngine engine;
  private final TrainingSettings s;

  /** A trainer with the default settings; called by runtimes. */
  public Trainer(TrainingEngine engine) {
    this(engine, TrainingSettings.DEFAULT);
  }

  /** A trainer with settings. */
  public Trainer(TrainingEngine engine, TrainingSettings settings) {
    this.engine = Objects.requireNonNull(engine, "engine");
    this.s = Objects.requireNonNull(settings, "settings");
  }

  /** What was set so far. */
  public TrainingSettings settings() {
    return s;
  }

  /** Which recipe; by default {@link Stage#IMAGE_TEXT_ALIGNMENT}. */
  public Trainer stage(Stage stage) {
    Objects.requireNonNull(stage, "stage");
    return changed(to -> to.stage = stage);
  }

  /** Adds a folder with {@code data.jsonl} to learn from. */
  public Trainer data(Path folder) {
    return data(folder, 1);
  }

  /** Adds a data set with its share relative to the others'. */
  public Trainer data(Path folder, double weight) {
    return data(TrainingSettings.Data.folder(folder, weight));
  }

  /** Adds a data set of any layout. */
  public Trainer data(TrainingSettings.Data data) {
    return changed(to -> to.data.add(data));
  }

  /** A folder with held-out data, so that the best checkpoint stays. */
  public Trainer validation(Path folder) {
    return validation(TrainingSettings.Data.folder(folder, 1));
  }

  /** Held-out data of any layout. */
  public Trainer validation(TrainingSettings.Data data) {
    return changed(to -> to.validation = Optional.of(data));
  }

  /** The run's folder. */
  public Trainer output(Path folder) {
    return changed(to -> to.output = Optional.of(folder));
  }

  /** A JSON file with entries of the stage's recipe to replace. */
  public Trainer recipe(Path file) {
    return changed(to -> to.recipe = Optional.of(file));
  }

  /** Steps of the optimiser. */
  public Trainer steps(int steps) {
    return changed(to -> to.steps = OptionalInt.of(steps));
  }

  /** Samples of one forward pass. */
  public Trainer batch(int samples) {
    return changed(to -> to.batch = OptionalInt.of(samples));
  }

  /** Forward passes whose gradients are averaged for one step. */
  public Trainer accumulation(int passes) {
    return changed(to -> to.accumulation = OptionalInt.of(passes));
  }

  /**
   * Leaves the language model's matrices as they are and trains low-rank adapters of them (LoRA),
   * of the linear layers of its attention and MLPs: less memory, and a small file, {@code
   * adapters.safetensors}, of what was learnt. The trained model has them merged in. Other layers,
   * alpha and dropout are entries of the recipe, {@code adapters}.
   *
   * @param rank of the change of each matrix, often 8 to 64
   */
  public Trainer lora(int rank) {
    return changed(to -> to.adapterRank = OptionalInt.of(rank));
  }

  /** Steps between checkpoints; by default 100. */
  public Trainer checkpointEvery(int steps) {
    return changed(to -> to.checkpointEvery = steps);
  }

  /** Goes on with the run that the output folder has. */
  public Trainer resume(boolean resume) {
    return changed(to -> to.resume = resume);
  }

  /** The seed of all randomness; by default 0. */
  public Trainer seed(long seed) {
    return changed(to -> to.seed = seed);
  }

  /** The arithmetic of products. */
  public Trainer precision(TrainingSettings.Precision precision) {
    return changed(to -> to.precision = precision);
  }

  /** Keeps the results of blocks only and computes what is inside them again when it is needed. */
  public Trainer gradientCheckpointing(boolean on) {
    return changed(to -> to.gradientCheckpointing = on);
  }

  /** Keeps the optimiser's moments in 8 bits. */
  public Trainer eightBitMoments(boolean on) {
    return changed(to -> to.eightBitMoments = on);
  }

  /** How many of the newest checkpoints stay; by default 2. */
  public Trainer keepCheckpoints(int count) {
    return changed(to -> to.keptCheckpoints = count);
  }

  /** How many pictures the report shows redrawn; by default 4. */
  public Trainer redraws(int count) {
    return changed(to -> to.redraws = count);
  }

  /**
   * Keeps on disk what parts that do not learn make of pictures: the autoencoder's latents, 4 to 16
   * KiB a picture of 64 to 128 pixels and 128 KiB at 512, and in the stages that freeze it what a
   * convolutional image encoder sees, some MiB a picture. Worth it where pictures come more than
   * once and are not varied; runs can share a folder. It grows to 64 GiB at most and leaves 2 GiB
   * of the disk free.
   *
   * <p>A frozen encoder then sees without stochastic depth, and results differ in their last bits,
   * so that a run goes on only with or without, as it began.
   */
  public Trainer cache(Path folder) {
    return changed(to -> to.cache = Optional.of(folder));
  }

  /**
   * Trains.
   *
   * @param listener told after each step
   * @param cancellation ends the training after the step that runs, when its state has been saved
   * @throws IOException if the data, the output folder or a checkpoint cannot be read or written,
   *     or the folder has another run; one line
   * @throws java.util.concurrent.CancellationException if cancelled
   * @throws IllegalArgumentException if a setting is missing or does not fit the others
   */
  public TrainingReport train(ProgressListener listener, Cancellation cancellation)
      throws IOException {
    return engine.train(s, listener, cancellation);
  }

  /** What {@link #train} would take of memory at its peak; nothing is trained. */
  public MemoryEstimate estimate() throws IOException {
    return engine.estimate(s);
  }

  private Trainer changed(Consumer<TrainingSettingsEditor> change) {
    TrainingSettingsEditor editor = new TrainingSettingsEditor(s);
    change.accept(editor);
    return new Trainer(engine, editor.settings());
  }
}
