package io.deem.model;

import io.deem.diffusion.NoiseSchedule;
import io.deem.graph.Block;
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
  private static final double DROP_PROBABILITY = 0.1;

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
   * How a training step computes its losses.
   *
   * @param weights of the losses
   * @param normaliseTwice whether the image decoder learns images that were moved from [0, 1] to
   *     [-1, 1] twice, so that they reach from -3 to 1. The reference does this by mistake; it is
   *     needed to repeat its numbers and to go on training its checkpoints
   * @param conditionDropout probability that an image is drawn from the negative condition, for
   *     classifier-free guidance, from 0 to 1
   */
  public record Options(LossWeights weights, boolean normaliseTwice, double conditionDropout) {

    /** Options with the paper's condition dropout, 0.1. */
    public Options(LossWeights weights, boolean normaliseTwice) {
      this(weights, normaliseTwice, DROP_PROBABILITY);
    }

    /** The paper's weights, images normalised once. */
    public static final Options PAPER = new Options(LossWeights.PAPER, false);
  }

  /**
   * What a training step learns from.
   *
   * @param batch the text, with a place for each image
   * @param images for the encoder, [images, 3, size, size] from 0 to 1
   * @param drawn the same images for the image decoder, [images, 3, size, size] from 0 to 1
   * @param regions what the encoder sees of each image, [images, 1, size, size], 1 inside and 0
   *     outside; null for whole images
   * @param targets the text that is learnt; see {@link InterleavedBatch#textTargets}
   * @param imageLoss for each image whether next-image prediction counts it; null for all
   * @param known what is known about the images already
   */
  public record Example(
      InterleavedBatch batch,
      Value images,
      Value drawn,
      Value regions,
      InterleavedBatch.TextTargets targets,
      boolean[] imageLoss,
      Known known) {

    /** An example of which nothing is known. */
    public Example(
        InterleavedBatch batch,
        Value images,
        Value drawn,
        Value regions,
        InterleavedBatch.TextTargets targets,
        boolean[] imageLoss) {
      this(batch, images, drawn, regions, targets, imageLoss, Known.NOTHING);
    }

    /** An example of whole images. */
    public Example(
        InterleavedBatch batch,
        Value images,
        Value drawn,
        InterleavedBatch.TextTargets targets,
        boolean[] imageLoss) {
      this(batch, images, drawn, null, targets, imageLoss);
    }
  }

  /**
   * What parts that do not learn have made of an example's images before.
   *
   * @param trunk of {@link Example#images}, whole; see {@link VisualTokenizer#trunk}; null if it is
   *     not known
   * @param latents of {@link Example#drawn}; null if they are not known
   */
  public record Known(List<Value> trunk, LatentDiffusion.Latents latents) {
    /** Nothing is known. */
    public static final Known NOTHING = new Known(null, null);
  }

  /**
   * The losses of a step; each is a scalar, or null if its weight is 0.
   *
   * @param total the weighted sum
   */
  public record Losses(Value total, Value text, Value image, Value consistency) {}

  /**
   * What the language model made of text and images.
   *
   * @param embedded its input, [rows, length, width]
   * @param images what its cross-attention saw; null without images
   * @param stream its normalised output, [rows, length, width]
   */
  public record Reading(Value embedded, LlamaDecoder.Images images, Value stream) {}

  /**
   * Next-image prediction.
   *
   * @param conditions what the text says about each image
   * @param told the tokens of these, some replaced by the negative condition
   * @param denoising of the images
   */
  public record Prediction(
      ImageConditions.Conditions conditions, Value told, LatentDiffusion.Denoising denoising) {}

  /**
   * A training step's forward pass; what a loss of weight 0 would need is null.
   *
   * @param seen what the encoder made of the images
   * @param feedback the denoiser told what the encoder saw
   */
  public record Step(
      VisualTokenizer.Tokens seen,
      LatentDiffusion.Denoising feedback,
      Reading reading,
      Prediction prediction,
      Losses losses) {}

  private final DeemConfig config;
  private final VisualTokenizer eyes;
  private final InterleavedDecoder language;
  private final ImageContext context;
  private final ImageConditions conditions;
  private final LatentDiffusion diffusion;
  private final RegionLoss regionLoss = new RegionLoss();
  private final Map<MapSize, Block> weightedMeans = new ConcurrentHashMap<>();
  private final Map<List<Double>, Block> totals = new ConcurrentHashMap<>();

  /** The model of a configuration. */
  public DeemNetwork(DeemConfig config) {
    this.config = config;
    eyes =
        new VisualTokenizer(
            config.visualTokenizer(),
            config.encoder().network(VISUAL + "sniffer."),
            new PerceiverResampler(config.visualResampler(), VISUAL + "perceiver_resampler.", true),
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
    conditions = new ImageConditions(context, config.encoder().featureWidth());
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

  /** What the image decoder is told. */
  public ImageConditions conditions() {
    return conditions;
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

  /**
   * The matrices that reading and writing text spends its time on, and that bear being stored in
   * few bits: those of the linear layers of the language model, its head and the resampler that
   * reads images for it, and the embedding table.
   */
  public List<Param> matrices() {
    Set<Param> matrices = new LinkedHashSet<>(eyes.resamplerMatrices());
    matrices.addAll(language.decoder().matrices());
    matrices.addAll(language.head().matrices());
    matrices.add(language.decoder().embeddings());
    return List.copyOf(matrices);
  }

  /** The losses of a training step, images normalised once. */
  public Losses losses(Scope scope, Example example, LossWeights weights, RandomSource random) {
    return step(scope, example, new Options(weights, false), random).losses();
  }

  /** The forward pass of a training step. */
  public Step step(Scope scope, Example example, Options options, RandomSource random) {
    LossWeights weights = options.weights;
    VisualTokenizer.Tokens seen = see(scope, example);
    LatentDiffusion.Latents latents = example.known.latents();
    boolean once = weights.consistency > 0 || (weights.image > 0 && !options.normaliseTwice);
    if (latents == null && once) {
      latents = diffusion.latents(scope, example.drawn);
    }
    LatentDiffusion.Denoising feedback = null;
    Value consistency = null;
    if (weights.consistency > 0) {
      feedback = feedback(scope, example.drawn.shape(), latents, seen, random);
      consistency = consistency(scope, feedback.error(), example.regions);
    }
    Reading reading = null;
    Prediction prediction = null;
    Value text = null;
    Value image = null;
    if (weights.text > 0 || weights.image > 0) {
      reading = reading(scope, example.batch, seen);
      if (weights.text > 0) {
        text = language.textLoss(scope, reading.stream, example.targets);
      }
      if (weights.image > 0) {
        LatentDiffusion.Latents drawn =
            options.normaliseTwice
                ? diffusion.latents(scope, diffusion.centred(scope, example.drawn))
                : latents;
        prediction = nextImage(scope, example, drawn, seen, reading.stream, options, random);
        image = weightedMean(scope, prediction.denoising.error(), counted(example));
      }
    }
    Value total = sum(scope, weights, text, image, consistency);
    Losses losses = new Losses(total, text, image, consistency);
    return new Step(seen, feedback, reading, prediction, losses);
  }

  /** The language model's output for text and images, [rows, length, width]. */
  public Value read(Scope scope, InterleavedBatch batch, VisualTokenizer.Tokens seen) {
    return reading(scope, batch, seen).stream;
  }

  /** Runs the language model on text and images. */
  public Reading reading(Scope scope, InterleavedBatch batch, VisualTokenizer.Tokens seen) {
    Value embedded = language.embed(scope, batch, seen.tokens());
    LlamaDecoder.Images images = language.images(scope, batch, seen.maps());
    return new Reading(embedded, images, language.forward(scope, batch, embedded, images));
  }

  /**
   * Consistency semantic regularisation: how badly the denoiser, told what the encoder saw of an
   * image, denoises that very image.
   *
   * @param drawn [images, 3, size, size] from 0 to 1
   */
  public Value consistency(
      Scope scope, Value drawn, VisualTokenizer.Tokens seen, RandomSource random) {
    LatentDiffusion.Latents latents = diffusion.latents(scope, drawn);
    LatentDiffusion.Denoising feedback = feedback(scope, drawn.shape(), latents, seen, random);
    return consistency(scope, feedback.error(), null);
  }

  private VisualTokenizer.Tokens see(Scope scope, Example example) {
    return example.known.trunk() == null
        ? eyes.forward(scope, example.images, example.regions)
        : eyes.forward(scope, example.known.trunk(), example.images, example.regions);
  }

  private LatentDiffusion.Denoising feedback(
      Scope scope,
      long[] images,
      LatentDiffusion.Latents latents,
      VisualTokenizer.Tokens seen,
      RandomSource random) {
    LatentDiffusion.Draws draws = draw(random, images, true);
    LatentDiffusion.Condition condition =
        new LatentDiffusion.Condition(seen.condition(), seen.maskedMaps(), null);
    Value clean = diffusion.sample(scope, latents, draws.latentNoise());
    return diffusion.denoise(scope, clean, condition, draws);
  }

  private Value consistency(Scope scope, Value error, Value regions) {
    if (regions != null) {
      return regionLoss.mean(scope, error, regions);
    }
    float[] all = new float[(int) error.shape()[0]];
    Arrays.fill(all, 1);
    return weightedMean(scope, error, all);
  }

  private Prediction nextImage(
      Scope scope,
      Example example,
      LatentDiffusion.Latents latents,
      VisualTokenizer.Tokens seen,
      Value stream,
      Options options,
      RandomSource random) {
    InterleavedBatch batch = example.batch;
    ImageConditions.Conditions said =
        conditions.of(scope, stream, seen.maps(), batch.imageContexts());
    float[] chances = new float[batch.images()];
    random.uniform(chances);
    boolean[] dropped = new boolean[chances.length];
    for (int i = 0; i < dropped.length; i++) {
      dropped[i] = chances[i] < (float) options.conditionDropout;
    }
    Value told = context.drop(scope, said.tokens(), dropped);
    LatentDiffusion.Draws draws = draw(random, example.drawn.shape(), false);
    Value clean = diffusion.sample(scope, latents, draws.latentNoise());
    LatentDiffusion.Condition condition =
        new LatentDiffusion.Condition(told, said.maps(), said.visible());
    return new Prediction(said, told, diffusion.denoise(scope, clean, condition, draws));
  }

  /** 1 for an image that next-image prediction counts, else 0. */
  private static float[] counted(Example example) {
    int[] lengths = example.batch.imageContexts().lengths();
    float[] counted = new float[lengths.length];
    for (int i = 0; i < counted.length; i++) {
      boolean counts = example.imageLoss == null || example.imageLoss[i];
      counted[i] = counts && lengths[i] >= SHORTEST_CONTEXT ? 1 : 0;
    }
    return counted;
  }

  private LatentDiffusion.Draws draw(RandomSource random, long[] images, boolean consistency) {
    long latents = 1;
    for (long extent : diffusion.latentShape(images)) {
      latents *= extent;
    }
    return LatentDiffusion.Draws.draw(
        random, (int) images[0], Math.toIntExact(latents), consistency);
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
