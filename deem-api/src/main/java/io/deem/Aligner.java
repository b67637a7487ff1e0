package io.deem;

import io.deem.spi.AlignmentRunner;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Makes a model see images of a new kind better, from the images alone: no text, no labels. A
 * diffusion model's error, when it is told what the image encoder saw, is the teacher.
 *
 * <pre>{@code
 * try (Alignment alignment =
 *     deem.aligner()
 *         .strategy(AlignmentStrategy.DEEM)
 *         .images(Paths.get("my-pictures"))
 *         .steps(300)
 *         .align(progress -> System.err.println(progress.step()))) {
 *   System.out.println(alignment.report());
 *   alignment.save(Paths.get("models/aligned"));
 * }
 * }</pre>
 *
 * <p>Immutable: each method returns another aligner. Some of the images are held out; fidelity is
 * measured on them before, during and after, and the weights that did best are the result, those
 * from before included. The open model stays as it is until {@link Alignment#apply}. An aligner is
 * safe for use from many threads, but alignments run at once share the processor and gain nothing.
 */
public final class Aligner {

  private final AlignmentRunner runner;
  private final AlignmentPlan plan;

  /** An aligner with default settings; applications get theirs from {@link Deem#aligner}. */
  public Aligner(AlignmentRunner runner) {
    this(Objects.requireNonNull(runner, "runner"), AlignmentPlan.DEFAULT);
  }

  private Aligner(AlignmentRunner runner, AlignmentPlan plan) {
    this.runner = runner;
    this.plan = plan;
  }

  /** Whose feedback; by default DEEM's. */
  public Aligner strategy(AlignmentStrategy strategy) {
    return with(draft -> draft.strategy = strategy);
  }

  /** Images to learn from. */
  public Aligner images(ImageSet images) {
    return with(draft -> draft.images = Objects.requireNonNull(images, "images"));
  }

  /** Images in memory to learn from. */
  public Aligner images(List<Image> images) {
    return images(ImageSet.of(images));
  }

  /**
   * The images of a folder to learn from; see {@link ImageSet#in}.
   *
   * @throws IOException if there is no such folder
   */
  public Aligner images(Path folder) throws IOException {
    return images(ImageSet.in(folder));
  }

  /** Steps of the optimiser in all, at least 1; by default 300. */
  public Aligner steps(int steps) {
    return with(draft -> draft.steps = steps);
  }

  /** Images in a step, at least 1; by default 8. */
  public Aligner batchSize(int batchSize) {
    return with(draft -> draft.batchSize = batchSize);
  }

  /** The learning rate of what is aligned; 0, the default, for the strategy's own. */
  public Aligner learningRate(double learningRate) {
    return with(draft -> draft.learningRate = learningRate);
  }

  /** The seed of all randomness; by default 0. */
  public Aligner seed(long seed) {
    return with(draft -> draft.seed = seed);
  }

  /** The share of the images to measure on, between 0 and 1; by default a tenth. */
  public Aligner heldOut(double share) {
    return with(draft -> draft.heldOutShare = share);
  }

  /** Steps between measurements; 0, the default, for a fifth of all steps. */
  public Aligner evaluateEvery(int steps) {
    return with(draft -> draft.evaluateEvery = steps);
  }

  /** The share of the images that may be unreadable, from 0 to 1; by default a hundredth. */
  public Aligner mostBroken(double share) {
    return with(draft -> draft.mostBroken = share);
  }

  /**
   * A folder for checkpoints: a run that was stopped and is started again with the same settings,
   * model and images goes on from the last one, and ends with the same bits. By default none.
   */
  public Aligner work(Path folder) {
    return with(draft -> draft.work = folder);
  }

  /** The settings. */
  public AlignmentPlan plan() {
    return plan;
  }

  /** Aligns; see {@link #align(ProgressListener, Cancellation)}. */
  public Alignment align() throws IOException {
    return align(ProgressListener.NONE, new Cancellation());
  }

  /** Aligns; see {@link #align(ProgressListener, Cancellation)}. */
  public Alignment align(ProgressListener listener) throws IOException {
    return align(listener, new Cancellation());
  }

  /**
   * Aligns, on the calling thread.
   *
   * @param listener told after each step
   * @param cancellation looked at before each step; with a work folder the state is saved first
   * @return the result, to be closed
   * @throws IllegalStateException if no images were given, or the model is closed
   * @throws IllegalArgumentException if the images are too few to hold some out
   * @throws IOException if more images than may be are unreadable, or checkpoints are of another
   *     run or cannot be written
   * @throws java.util.concurrent.CancellationException if cancelled, or the thread is interrupted
   */
  public Alignment align(ProgressListener listener, Cancellation cancellation) throws IOException {
    Objects.requireNonNull(listener, "listener");
    Objects.requireNonNull(cancellation, "cancellation");
    if (plan.images() == null) {
      throw new IllegalStateException("no images were given to align to");
    }
    return runner.align(plan, listener, cancellation);
  }

  private Aligner with(Consumer<AlignmentPlan.Draft> change) {
    return new Aligner(runner, plan.with(change));
  }
}
