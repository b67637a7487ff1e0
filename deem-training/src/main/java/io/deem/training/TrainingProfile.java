package io.deem.training;

import io.deem.diffusion.PredictionType;
import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.AutoencoderKl;
import io.deem.model.ConvNextEncoder;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.Freezing;
import io.deem.model.InterleavedBatch;
import io.deem.model.LlamaDecoder;
import io.deem.model.MmfsNet;
import io.deem.model.ModelPart;
import io.deem.model.PerceiverResampler;
import io.deem.model.UNet;
import io.deem.model.VisualTokenizer;
import io.deem.random.RandomSource;
import io.deem.torch.Precision;
import io.deem.torch.Recording;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Measures training: steps a second, the arithmetic that they achieve beside the peak of a matrix
 * product in the same process, and where the time goes.
 *
 * <p>Steps are counted without any measurement inside. The split comes from further steps whose
 * backward pass goes block by block; it computes the same.
 */
public final class TrainingProfile {

  private static final int PEAK_SIDE = 1536;
  private static final int PEAK_RUNS = 5;

  /** Where time goes. */
  public enum Part {
    /** The image encoder and what adapts its maps. */
    ENCODER,
    /** The resamplers of images and of text. */
    RESAMPLER,
    /** The language model with its cross-attention and heads. */
    LANGUAGE_MODEL,
    /** Autoencoder, UNet and the residuals into it. */
    DIFFUSION,
    /** Clipping and AdamW. */
    OPTIMISER,
    /** Data, JNI and Java. */
    EVERYTHING_ELSE
  }

  /**
   * The work to measure.
   *
   * @param rows of a batch, each an image and text
   * @param textLength tokens of text in a row
   * @param warmup steps before the measurement
   * @param steps that are measured, and again for the split
   */
  public record Load(int rows, int textLength, int warmup, int steps) {}

  /**
   * A part's share.
   *
   * @param seconds of a step
   * @param gflop of a step; 0 for parts without products
   */
  public record Share(double seconds, double gflop) {}

  /**
   * What was measured.
   *
   * @param parameters of the model
   * @param trainable those that learn
   * @param stepsPerSecond without any measurement inside
   * @param gflopPerStep of products, from the graph; nothing is computed twice
   * @param gflopPerSecond what the steps achieve
   * @param peakGflopPerSecond of a square matrix product of the same precision, best of a few
   * @param parts by part; their seconds add up to those of a step with the split
   * @param peakResidentBytes of the process
   */
  public record Result(
      Precision precision,
      long parameters,
      long trainable,
      double stepsPerSecond,
      double gflopPerStep,
      double gflopPerSecond,
      double peakGflopPerSecond,
      Map<Part, Share> parts,
      long peakResidentBytes) {

    /** The share of time that is neither products nor anything else inside libtorch's blocks. */
    public double everythingElse() {
      double all = parts.values().stream().mapToDouble(Share::seconds).sum();
      return parts.get(Part.EVERYTHING_ELSE).seconds / all;
    }
  }

  private final DeemNetwork network;
  private final Load load;

  /** A DEEM of about 100 million parameters, in the proportions of the paper's. */
  public static DeemConfig hundredMillion() {
    List<Integer> denoiser = List.of(96, 192, 288);
    int encoder = 256;
    int language = 512;
    int condition = 256;
    int queries = 32;
    return new DeemConfig(
        128,
        128,
        new InterleavedBatch.Special(1, 2, 31_999, 32_000, 32_001, queries),
        32_000,
        new ConvNextEncoder.Config(
            List.of(3, 3, 9, 3), List.of(64, 128, 256, 512), 7, true, encoder, 0, 1e-6),
        new PerceiverResampler.Config(queries, 384, encoder, 1536, 4, 6, 2, true, 1e-12),
        new VisualTokenizer.Config(8, language, condition),
        new LlamaDecoder.Config(
            32_006, language, 1376, 8, 8, 8, 1e-5, 10_000, 4, encoder, List.of(16, 8, 4)),
        new PerceiverResampler.Config(queries, condition, language, 1024, 1, 4, 1, false, 1e-12),
        new AutoencoderKl.Config(3, 3, 4, List.of(32, 64, 128, 128), 1, 32, 0.18215),
        new UNet.Config(
            4, 4, denoiser, List.of(3, 6, 9), List.of(true, true, false), condition, 1, 32, 1e-5),
        new MmfsNet.Config(denoiser, 1, encoder, 64, 4, 8, 4, 8, List.of(32, 16, 8, 4)),
        PredictionType.EPSILON);
  }

  private TrainingProfile(DeemNetwork network, Load load) {
    this.network = network;
    this.load = load;
  }

  /** Measures the first stage of a model of this shape, from random weights. */
  public static Result measure(DeemConfig config, Precision precision, Load load)
      throws java.io.IOException {
    DeemNetwork network = new DeemNetwork(config);
    return new TrainingProfile(network, load).measure(precision);
  }

  private Result measure(Precision precision) throws java.io.IOException {
    Recipe recipe = Recipe.IMAGE_TEXT_ALIGNMENT;
    try (TorchSession session =
            new TorchEngine(precision).open(new InitialWeights(network.params(), 1));
        AdamW optimizer =
            new AdamW(
                session,
                recipe.optimizer(),
                recipe.groups(),
                AdamW.decaying(Freezing::inLayerNorm))) {
      session.trainable(recipe.freezing());
      network.params().forEach(session::load);
      double peak = peak(session);
      for (int i = 0; i < load.warmup; i++) {
        step(session, optimizer, Recording.STEP, i, null);
      }
      long start = System.nanoTime();
      for (int i = 0; i < load.steps; i++) {
        step(session, optimizer, Recording.STEP, i, null);
      }
      double perStep = seconds(start) / load.steps;
      Map<Part, Share> parts = split(session, optimizer, recipe, precision);
      double gflop = parts.values().stream().mapToDouble(Share::gflop).sum();
      long all = network.params().stream().mapToLong(p -> p.shape().size().value()).sum();
      long trainable =
          network.params().stream()
              .filter(p -> recipe.freezing().test(p.name()))
              .mapToLong(p -> p.shape().size().value())
              .sum();
      return new Result(
          precision,
          all,
          trainable,
          1 / perStep,
          gflop,
          gflop / perStep,
          peak,
          parts,
          MemoryModel.peakResidentBytes());
    }
  }

  private Map<Part, Share> split(
      TorchSession session, AdamW optimizer, Recipe recipe, Precision precision) {
    Clock clock = new Clock();
    step(session, optimizer, Recording.BLOCKS, 0, new Clock());
    long start = System.nanoTime();
    for (int i = 0; i < load.steps; i++) {
      step(session, optimizer, Recording.BLOCKS, i, clock);
    }
    double whole = seconds(start);
    Map<Part, Double> flops = new EnumMap<>(Part.class);
    ShapeScope shapes = new ShapeScope(recipe.freezing(), precision, false);
    losses(shapes, 0);
    Clock names = new Clock();
    for (ShapeScope.Visit visit : shapes.visits()) {
      double gflop = (visit.cost().forwardFlops() + visit.cost().backwardFlops()) / 1e9;
      flops.merge(names.part(visit.block()), gflop, Double::sum);
    }
    Map<Part, Share> parts = new EnumMap<>(Part.class);
    double known = 0;
    for (Part part : Part.values()) {
      double seconds = clock.nanos.getOrDefault(part, 0L) / 1e9;
      known += seconds;
      parts.put(part, new Share(seconds / load.steps, flops.getOrDefault(part, 0.0)));
    }
    parts.put(Part.EVERYTHING_ELSE, new Share((whole - known) / load.steps, 0));
    return parts;
  }

  /** Adds up time by part. */
  private static final class Clock {

    private final Map<Part, Long> nanos = new EnumMap<>(Part.class);
    private Part last = Part.ENCODER;

    void ran(Block block, long time) {
      nanos.merge(part(block), time, Long::sum);
    }

    /** The part of a block; one without parameters belongs to what ran before it. */
    Part part(Block block) {
      if (!block.params().isEmpty()) {
        last =
            switch (ModelPart.of(block.params().get(0).name())) {
              case IMAGE_ENCODER, ENCODER_ADAPTER -> Part.ENCODER;
              case VISUAL_RESAMPLER, VISUAL_TOKENIZER, IMAGE_CONTEXT -> Part.RESAMPLER;
              case CROSS_ATTENTION, LANGUAGE_MODEL, TEXT_HEAD -> Part.LANGUAGE_MODEL;
              case AUTOENCODER, DENOISER, DENOISER_RESIDUALS -> Part.DIFFUSION;
            };
      }
      return last;
    }
  }

  private void step(
      TorchSession session, AdamW optimizer, Recording recording, long number, Clock clock) {
    try (TorchScope scope = session.trainingScope(recording)) {
      if (clock != null) {
        scope.listen((block, backward, nanos) -> clock.ran(block, nanos));
      }
      Value loss = losses(scope, number);
      if (!Float.isFinite(loss.scalar())) {
        throw new IllegalStateException("the loss of random weights is not finite");
      }
      scope.backward(loss);
    }
    long start = System.nanoTime();
    optimizer.step(1e-6);
    if (clock != null) {
      clock.nanos.merge(Part.OPTIMISER, System.nanoTime() - start, Long::sum);
    }
  }

  /** The losses of rows with an image each, of which half are described and half drawn. */
  private Value losses(TrainingScope scope, long number) {
    DeemConfig config = network.config();
    InterleavedBatch.Special special = config.special();
    List<int[]> rows = new ArrayList<>();
    for (int row = 0; row < load.rows; row++) {
      int[] ids = new int[2 + special.tokensPerImage() + load.textLength];
      Arrays.fill(ids, 5);
      ids[0] = special.beginning();
      int image = row % 2 == 0 ? 1 : 1 + load.textLength;
      Arrays.fill(ids, image, image + 1 + special.tokensPerImage(), special.image());
      ids[image] = special.imageStart();
      rows.add(ids);
    }
    InterleavedBatch batch = new InterleavedBatch(special, rows, InterleavedBatch.Padding.RIGHT);
    RandomSource random = RandomSource.seeded(number);
    Value images = pixels(scope, config.imageSize(), random);
    Value drawn =
        config.drawnSize() == config.imageSize()
            ? images
            : pixels(scope, config.drawnSize(), random);
    DeemNetwork.Example example =
        new DeemNetwork.Example(batch, images, drawn, batch.textTargets(null, false), null);
    return network.losses(scope, example, DeemNetwork.LossWeights.PAPER, random).total();
  }

  private Value pixels(Scope scope, int side, RandomSource random) {
    float[] pixels = new float[load.rows * 3 * side * side];
    random.uniform(pixels);
    return scope.floats(pixels, load.rows, 3, side, side);
  }

  /** GFLOP/s of a square matrix product, the best of a few. */
  private static double peak(TorchSession session) {
    Block product =
        Graph.block(
            "matrix product",
            g -> {
              Tensor a = g.input("a", Shape.of(PEAK_SIDE, PEAK_SIDE));
              Tensor b = g.input("b", Shape.of(PEAK_SIDE, PEAK_SIDE));
              return List.of(a.matmul(b));
            });
    float[] values = new float[PEAK_SIDE * PEAK_SIDE];
    RandomSource.seeded(1).gaussian(values);
    double best = 0;
    for (int run = 0; run < PEAK_RUNS; run++) {
      try (Scope scope = session.scope()) {
        Value a = scope.floats(values, PEAK_SIDE, PEAK_SIDE);
        Value b = scope.floats(values, PEAK_SIDE, PEAK_SIDE);
        long start = System.nanoTime();
        scope.run1(product, a, b);
        best = Math.max(best, 2.0 * PEAK_SIDE * PEAK_SIDE * PEAK_SIDE / 1e9 / seconds(start));
      }
    }
    return best;
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
