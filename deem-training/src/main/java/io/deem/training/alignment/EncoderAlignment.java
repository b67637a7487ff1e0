package io.deem.training.alignment;

import io.deem.Alignment;
import io.deem.AlignmentPlan;
import io.deem.AlignmentReport;
import io.deem.Cancellation;
import io.deem.Fidelity;
import io.deem.ProgressListener;
import io.deem.graph.Param;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelFolder;
import io.deem.spi.AlignmentRunner;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.LearningRateSchedule;
import io.deem.training.Optimizer;
import io.deem.training.TrainingLoop;
import io.deem.weights.ElementType;
import io.deem.weights.HalfPrecision;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Aligns the image encoder of a model in a libtorch session of its own, so that whoever uses the
 * model meanwhile notices nothing but the load.
 *
 * <p>What moves: with DEEM's feedback the encoder, the resampler, what joins them and the
 * projection to the condition; with DIVA's the encoder; with GenHancer's the linear layers of the
 * encoder, by low-rank adapters, and their biases. The language model, its cross-attention, the
 * diffusion model and the residuals into it never move.
 */
public final class EncoderAlignment implements AlignmentRunner {

  private static final double FINAL_RATE = 0.1;
  private static final int WARMUP_PARTS = 20;
  private static final int EVALUATIONS = 5;
  private static final int BUFFER_BYTES = 1 << 20;

  private final Supplier<TorchEngine> engine;
  private final ModelFolder model;
  private final Supplier<TensorSource> weights;
  private final Consumer<Map<String, float[]>> apply;
  private final Runnable open;

  /**
   * Alignments of a model.
   *
   * @param engine gives what it runs on, which an application that never aligns need not load
   * @param model stays open as long as alignments run or are to be saved
   * @param weights the model's present weights
   * @param apply gives the model new values of some parameters
   * @param open throws if the model is closed
   */
  public EncoderAlignment(
      Supplier<TorchEngine> engine,
      ModelFolder model,
      Supplier<TensorSource> weights,
      Consumer<Map<String, float[]>> apply,
      Runnable open) {
    this.engine = engine;
    this.model = model;
    this.weights = weights;
    this.apply = apply;
    this.open = open;
  }

  @Override
  public Alignment align(AlignmentPlan plan, ProgressListener listener, Cancellation cancellation)
      throws IOException {
    open.run();
    long start = System.nanoTime();
    AlignmentImages images = AlignmentImages.read(plan, cancellation);
    TensorSource before = weights.get();
    Feedback feedback = feedback(plan, images);
    String parent = model.description().name() + " sha256:" + digest(model.folder());
    String recipe = recipe(plan, images, before, feedback);
    BestWeights best = BestWeights.open(plan.work(), recipe, feedback.moved());
    try (TorchSession session = engine.get().open(feedback.weights(before), feedback.rewriting())) {
      HeldOutFidelity fidelity = new HeldOutFidelity(session, model, images, cancellation);
      if (!best.has(0)) {
        best.add(0, fidelity.measure(), Map.of());
      }
      Run run = new Run(plan, feedback, session, before, fidelity, best, listener);
      run.all(recipe, cancellation);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    Map<String, float[]> values = asStored(best.best());
    AlignmentReport report =
        new AlignmentReport(
            plan.strategy(),
            plan.seed(),
            plan.steps(),
            plan.batchSize(),
            learningRate(plan),
            images.trainingCount(),
            images.heldOutCount(),
            images.unreadable(),
            images.checksum(),
            parent,
            elements(feedback.moved()),
            best.before(),
            values.isEmpty()
                ? best.before()
                : measured(overlaid(before, feedback.moved(), values), images, cancellation),
            best.bestStep(),
            best.evaluations(),
            Duration.ofNanos(System.nanoTime() - start));
    return new AlignedModel(
        model,
        report,
        overlaid(before, feedback.moved(), values),
        storedType(),
        values,
        apply,
        open);
  }

  private Feedback feedback(AlignmentPlan plan, AlignmentImages images) {
    DeemNetwork network = model.network();
    ModelImages batches = new ModelImages(network, plan, images);
    return switch (plan.strategy()) {
      case DEEM -> new ConsistencyFeedback(network, plan, batches);
      case DIVA -> new TokenFeedback(network, plan, batches);
      case GENHANCER -> new ClassTokenFeedback(network, plan, batches);
    };
  }

  private static double learningRate(AlignmentPlan plan) {
    return switch (plan.strategy()) {
      case DEEM -> ConsistencyFeedback.learningRate(plan);
      case DIVA -> TokenFeedback.learningRate(plan);
      case GENHANCER -> ClassTokenFeedback.learningRate(plan);
    };
  }

  /** The steps of a run, phase after phase. */
  private record Run(
      AlignmentPlan plan,
      Feedback feedback,
      TorchSession session,
      TensorSource before,
      HeldOutFidelity fidelity,
      BestWeights best,
      ProgressListener listener) {

    void all(String recipe, Cancellation cancellation) throws IOException {
      int done = 0;
      int index = 0;
      for (Feedback.Phase phase : feedback.phases()) {
        session.trainable(phase.learns());
        Path checkpoints = plan.work() == null ? null : plan.work().resolve(phase.name());
        TrainingLoop.Plan loop =
            new TrainingLoop.Plan(
                "align: " + phase.name(),
                recipe + ", phase " + phase.name(),
                phase.steps(),
                plan.seed() + 7919L * index,
                new LearningRateSchedule(phase.steps() / WARMUP_PARTS, phase.steps(), FINAL_RATE),
                checkpoints,
                Math.max(1, phase.steps() / EVALUATIONS));
        int earlier = done;
        try (Optimizer optimizer = phase.optimizer().apply(session)) {
          new TrainingLoop(session, optimizer, loop)
              .run(
                  phase.task(),
                  progress -> {
                    if (phase.movesModel()) {
                      evaluate(phase, Math.toIntExact(progress.step()), earlier);
                    }
                    listener.onProgress(progress);
                  },
                  cancellation);
        }
        done += phase.steps();
        index++;
      }
    }

    private void evaluate(Feedback.Phase phase, int step, int earlier) {
      int every =
          plan.evaluateEvery() > 0 ? plan.evaluateEvery() : Math.max(1, plan.steps() / EVALUATIONS);
      if ((earlier + step) % every != 0 && step != phase.steps()) {
        return;
      }
      try {
        best.add(earlier + step, fidelity.measure(), feedback.values(session, before));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private Fidelity measured(TensorSource aligned, AlignmentImages images, Cancellation cancellation)
      throws IOException {
    try (TorchSession session = engine.get().open(aligned)) {
      return new HeldOutFidelity(session, model, images, cancellation).measure();
    }
  }

  private static TensorSource overlaid(
      TensorSource before, List<Param> moved, Map<String, float[]> values) {
    OverlaidTensors aligned = new OverlaidTensors(before, "an alignment");
    for (Param param : moved) {
      float[] value = values.get(param.name());
      if (value != null) {
        aligned.with(param.name(), param.shape().extents(), () -> value);
      }
    }
    return aligned;
  }

  // ---------------------------------------------------------------- the stored type

  /** BF16 if that is what all of the model's weights are stored in, else F32. */
  private ElementType storedType() {
    boolean narrow =
        model.network().params().stream()
            .allMatch(param -> model.weights().info(param.name()).type() == ElementType.BF16);
    return narrow ? ElementType.BF16 : ElementType.F32;
  }

  /** The values as they are after having been stored, so that what is measured is what is kept. */
  private Map<String, float[]> asStored(Map<String, float[]> values) {
    if (storedType() == ElementType.F32) {
      return values;
    }
    Map<String, float[]> rounded = new LinkedHashMap<>();
    values.forEach(
        (name, exact) -> {
          float[] result = new float[exact.length];
          for (int i = 0; i < result.length; i++) {
            result[i] = HalfPrecision.fromBfloat16(HalfPrecision.toBfloat16(exact[i]));
          }
          rounded.put(name, result);
        });
    return rounded;
  }

  // ---------------------------------------------------------------- provenance

  /** Everything that decides the outcome. */
  private static String recipe(
      AlignmentPlan plan, AlignmentImages images, TensorSource before, Feedback feedback) {
    MessageDigest digest = AlignmentImages.sha256();
    for (Param param : feedback.moved()) {
      float[] values = before.floats(param.name());
      ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES));
      bytes.asFloatBuffer().put(values);
      digest.update(bytes);
    }
    return "strategy "
        + plan.strategy()
        + ", steps "
        + plan.steps()
        + ", batch "
        + plan.batchSize()
        + ", learning rate "
        + learningRate(plan)
        + ", seed "
        + plan.seed()
        + ", held out "
        + plan.heldOutShare()
        + ", images "
        + images.checksum()
        + ", weights "
        + HexFormat.of().formatHex(digest.digest());
  }

  /** SHA-256 of a model's weight files, in the order of their names. */
  private static String digest(Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files =
          all.filter(file -> file.getFileName().toString().endsWith(".safetensors"))
              .sorted()
              .toList();
    }
    MessageDigest digest = AlignmentImages.sha256();
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    for (Path file : files) {
      try (FileChannel channel = FileChannel.open(file)) {
        while (channel.read(buffer.clear()) >= 0) {
          digest.update(buffer.flip());
        }
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static long elements(List<Param> params) {
    long sum = 0;
    for (Param param : params) {
      long elements = 1;
      for (long extent : param.shape().extents()) {
        elements = Math.multiplyExact(elements, extent);
      }
      sum += elements;
    }
    return sum;
  }
}
