package io.deem.model;

import io.deem.diffusion.NoiseSchedule;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.random.RandomSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The whole model: images to tokens, text and tokens to text, text to images, and the three losses
 * that train it (Luo et al. 2025, "DEEM"). Parameter names are those of the reference's
 * checkpoints.
 */
public final class DeemNetwork {

  private static final String VISUAL = "visual_tokenizer.";
  private static final Dim BATCH = Dim.symbol("batch");

  /** Contexts shorter than this say nothing about an image, so it does not count. */
  private static final int SHORTEST_CONTEXT = 3;

  /**
   * Probability that an image is drawn from the negative condition, for classifier-free guidance.
   */
  private static final float DROP_PROBABILITY = 0.1f;

  /**
   * The weights of the losses.
   *
   * @param text next-token prediction
   * @param image next-image prediction
   * @param consistency consistency semantic regularisation, the diffusion model's feedback
   */
  public record LossWeights(double text, double image, double consistency) {
    /** The paper's: 1, 5 and 5. */
    public static final LossWeights PAPER = new LossWeights(1, 5, 5);
  }

  /**
   * What a training step learns from.
   *
   * @param batch the text, with a place for each image
   * @param images for the encoder, [images, 3, size, size] from 0 to 1
   * @param drawn the same images for the image decoder, [images, 3, size, size] from 0 to 1
   * @param targets the text that is learnt; see {@link InterleavedBatch#textTargets}
   * @param imageLoss for each image whether next-image prediction counts it; null for all
   */
  public record Example(
      InterleavedBatch batch,
      Value images,
      Value drawn,
      InterleavedBatch.TextTargets targets,
      boolean[] imageLoss) {}

  /**
   * The losses of a step; each is a scalar, or null if its weight is 0.
   *
   * @param total the weighted sum
   */
  public record Losses(Value total, Value text, Value image, Value consistency) {}

  private final DeemConfig config;
  private final VisualTokenizer eyes;
  private final InterleavedDecoder language;
  private final ImageContext context;
  private final LatentDiffusion diffusion;
  private final Map<MapSize, Block> weightedMeans = new ConcurrentHashMap<>();
  private final Map<MapSize, Block> selections = new ConcurrentHashMap<>();
  private final Map<List<Double>, Block> totals = new ConcurrentHashMap<>();

  /** The model of a configuration. */
  public DeemNetwork(DeemConfig config) {
    this.config = config;
    ConvNextEncoder encoder = new ConvNextEncoder(config.encoder(), VISUAL + "sniffer.");
    eyes =
        new VisualTokenizer(
            config.visualTokenizer(),
            encoder,
            new PerceiverResampler(config.visualResampler(), VISUAL + "perceiver_resampler."),
            VISUAL);
    LlamaDecoder.Config llama = config.languageModel();
    int added = llama.vocabulary() - config.originalVocabulary();
    language =
        new InterleavedDecoder(
            new LlamaDecoder(llama, "mm_decoder."),
            TextHead.extended(llama.vocabulary(), added, llama.width(), "text_decoder."),
            config.special().tokensPerImage(),
            Param.of("soi_token", 1, llama.width()));
    PerceiverResampler.Config read = config.contextResampler();
    context =
        new ImageContext(
            llama.width(),
            new PerceiverResampler(read, "image_decoder.perceiver_resampler."),
            "",
            Param.of("image_decoder.neg_prompt_embeds", 1, read.queries(), read.width()));
    diffusion =
        new LatentDiffusion(
            new AutoencoderKl(config.autoencoder(), VISUAL + "encoder.vae."),
            new UNet(config.denoiser(), VISUAL + "encoder.unet."),
            new MmfsNet(config.denoiserResiduals(), VISUAL + "encoder.mmfs_module."),
            NoiseSchedule.stableDiffusion(),
            config.prediction());
  }

  /** The sizes. */
  public DeemConfig config() {
    return config;
  }

  /** Images to tokens. */
  public VisualTokenizer eyes() {
    return eyes;
  }

  /** Text and tokens to text. */
  public InterleavedDecoder language() {
    return language;
  }

  /** Text to the image decoder's condition. */
  public ImageContext context() {
    return context;
  }

  /** The image decoder. */
  public LatentDiffusion diffusion() {
    return diffusion;
  }

  /** All parameters, each once. */
  public List<Param> params() {
    Set<Param> params = new LinkedHashSet<>(eyes.params());
    params.addAll(language.params());
    params.addAll(context.params());
    params.addAll(diffusion.params());
    return List.copyOf(params);
  }

  /** The losses of a training step. */
  public Losses losses(Scope scope, Example example, LossWeights weights, RandomSource random) {
    VisualTokenizer.Tokens seen = eyes.forward(scope, example.images, null);
    Value consistency =
        weights.consistency > 0 ? consistency(scope, example.drawn, seen, random) : null;
    Value text = null;
    Value image = null;
    if (weights.text > 0 || weights.image > 0) {
      Value stream = read(scope, example.batch, seen);
      if (weights.text > 0) {
        text = language.textLoss(scope, stream, example.targets);
      }
      if (weights.image > 0) {
        image = nextImage(scope, example, seen, stream, random);
      }
    }
    Value total = sum(scope, weights, text, image, consistency);
    return new Losses(total, text, image, consistency);
  }

  /** The language model's output for text and images, [rows, length, width]. */
  public Value read(Scope scope, InterleavedBatch batch, VisualTokenizer.Tokens seen) {
    Value embedded = language.embed(scope, batch, seen.tokens());
    return language.forward(scope, batch, embedded, language.images(scope, batch, seen.maps()));
  }

  /**
   * Consistency semantic regularisation: how badly the denoiser, told what the encoder saw of an
   * image, denoises that very image.
   *
   * @param drawn [images, 3, size, size] from 0 to 1
   */
  public Value consistency(
      Scope scope, Value drawn, VisualTokenizer.Tokens seen, RandomSource random) {
    LatentDiffusion.Draws draws = draw(random, drawn.shape(), true);
    LatentDiffusion.Condition condition =
        new LatentDiffusion.Condition(seen.condition(), seen.maskedMaps(), null);
    Value error = diffusion.errorMap(scope, drawn, condition, draws);
    float[] all = new float[(int) drawn.shape()[0]];
    Arrays.fill(all, 1);
    return weightedMean(scope, error, all);
  }

  private Value nextImage(
      Scope scope,
      Example example,
      VisualTokenizer.Tokens seen,
      Value stream,
      RandomSource random) {
    InterleavedBatch.ImageContexts contexts = example.batch.imageContexts();
    int images = contexts.lengths().length;
    Value conditions = context.forward(scope, stream, contexts);
    float[] chances = new float[images];
    random.uniform(chances);
    boolean[] dropped = new boolean[images];
    float[] counted = new float[images];
    long[] previous = new long[images];
    long[] visible = new long[images];
    for (int i = 0; i < images; i++) {
      dropped[i] = chances[i] < DROP_PROBABILITY;
      boolean counts = example.imageLoss == null || example.imageLoss[i];
      counted[i] = counts && contexts.lengths()[i] >= SHORTEST_CONTEXT ? 1 : 0;
      visible[i] = contexts.previous()[i] >= 0 ? 1 : 0;
      previous[i] = Math.max(0, contexts.previous()[i]);
    }
    conditions = context.drop(scope, conditions, dropped);
    List<Value> maps = select(scope, seen.maps(), previous, visible);
    LatentDiffusion.Draws draws = draw(random, example.drawn.shape(), false);
    Value error =
        diffusion.errorMap(
            scope, example.drawn, new LatentDiffusion.Condition(conditions, maps, visible), draws);
    return weightedMean(scope, error, counted);
  }

  private LatentDiffusion.Draws draw(RandomSource random, long[] images, boolean consistency) {
    long latents = 1;
    for (long extent : diffusion.latentShape(images)) {
      latents *= extent;
    }
    return LatentDiffusion.Draws.draw(
        random, (int) images[0], Math.toIntExact(latents), consistency);
  }

  /** The maps of other images, zero where there is none. */
  private List<Value> select(Scope scope, List<Value> maps, long[] index, long[] visible) {
    int images = index.length;
    float[] keep = new float[images];
    for (int i = 0; i < images; i++) {
      keep[i] = visible[i];
    }
    Value rows = scope.longs(index, images);
    Value mask = scope.floats(keep, images, 1, 1, 1);
    return maps.stream()
        .map(
            map ->
                scope.run1(
                    selections.computeIfAbsent(MapSize.of(map), this::selection), map, rows, mask))
        .toList();
  }

  private Block selection(MapSize size) {
    Shape shape = Shape.of(BATCH, config.encoder().adapterDim(), size.height(), size.width());
    return Graph.block(
        "maps before images",
        g -> {
          Tensor map = g.input("map", shape);
          Tensor index = g.input("index", Shape.of(BATCH), DataType.INT64);
          Tensor mask = g.input("mask", Shape.of(BATCH, 1, 1, 1));
          return List.of(map.indexSelect(0, index).times(mask));
        });
  }

  /** The mean of an error map times a weight for each image. */
  private Value weightedMean(Scope scope, Value error, float[] weights) {
    Block block = weightedMeans.computeIfAbsent(MapSize.of(error), this::weightedMean);
    return scope.run1(block, error, scope.floats(weights, weights.length, 1, 1, 1));
  }

  private Block weightedMean(MapSize size) {
    int channels = config.autoencoder().latentChannels();
    return Graph.block(
        "mean error",
        g -> {
          Tensor error = g.input("error", Shape.of(BATCH, channels, size.height(), size.width()));
          return List.of(error.times(g.input("weights", Shape.of(BATCH, 1, 1, 1))).mean());
        });
  }

  private Value sum(Scope scope, LossWeights weights, Value text, Value image, Value consistency) {
    List<Value> given = new ArrayList<>();
    List<Double> factors = new ArrayList<>();
    add(text, weights.text, given, factors);
    add(image, weights.image, given, factors);
    add(consistency, weights.consistency, given, factors);
    if (given.isEmpty()) {
      throw new IllegalArgumentException("every loss weight is 0");
    }
    return scope.run(totals.computeIfAbsent(factors, DeemNetwork::total), given).get(0);
  }

  private static void add(Value loss, double weight, List<Value> given, List<Double> factors) {
    if (loss != null) {
      given.add(loss);
      factors.add(weight);
    }
  }

  private static Block total(List<Double> factors) {
    return Graph.block(
        "total loss",
        g -> {
          Tensor sum = null;
          for (int i = 0; i < factors.size(); i++) {
            Tensor part = g.input("loss" + i, Shape.of()).times(factors.get(i));
            sum = sum == null ? part : sum.plus(part);
          }
          return List.of(sum);
        });
  }
}
