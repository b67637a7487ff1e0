package io.deem.training.alignment;

import io.deem.AlignmentPlan;
import io.deem.graph.BlockRewriting;
import io.deem.graph.Param;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.lora.AdaptedWeights;
import io.deem.lora.LowRankAdaptation;
import io.deem.model.DeemNetwork;
import io.deem.model.FluxTransformer;
import io.deem.model.GenHancerFeedback;
import io.deem.random.RandomSource;
import io.deem.torch.TorchSession;
import io.deem.training.AdamW;
import io.deem.training.InitialWeights;
import io.deem.training.ParameterGroup;
import io.deem.training.SessionWeights;
import io.deem.training.TrainingTask;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * GenHancer's scheme on a DEEM: a small denoiser of the latents of the model's own autoencoder
 * learns from scratch, from the class token alone; then, with it, low-rank adapters of the encoder.
 * Both stages get half of the steps; the first learns ten times as fast, as GenHancer's do.
 */
final class ClassTokenFeedback implements Feedback {

  /** GenHancer's own is 1e-5, for millions of images. */
  private static final double LEARNING_RATE = 1e-4;

  private static final double FIRST_STAGE_FACTOR = 10;
  private static final double WEIGHT_DECAY = 0.01;
  private static final int RANK = 16;
  private static final double DROPOUT = 0.1;
  private static final double GUIDANCE = 4;
  private static final int WIDE = 1536;
  private static final String PREFIX = "alignment.";

  private final DeemNetwork network;
  private final AlignmentPlan plan;
  private final ModelImages images;
  private final LocalTokens tokens;
  private final GenHancerFeedback feedback;
  private final LowRankAdaptation lora;
  private final List<Param> adapted;

  ClassTokenFeedback(DeemNetwork network, AlignmentPlan plan, ModelImages images) {
    this.network = network;
    this.plan = plan;
    this.images = images;
    this.tokens = new LocalTokens(network);
    int channels = network.config().autoencoder().latentChannels();
    int condition = network.config().denoiser().crossAttentionDim();
    int patch = patch();
    FluxTransformer denoiser =
        new FluxTransformer(sizes(channels * patch * patch, condition), PREFIX + "dit.");
    this.feedback = new GenHancerFeedback(denoiser, tokens.width(), PREFIX, patch, 1, GUIDANCE);
    List<Param> encoder = MovedParams.encoder(network);
    Set<String> layers = new HashSet<>();
    for (Param param : encoder) {
      if (param.name().endsWith(".weight") && param.shape().rank() == 2) {
        layers.add(param.name().substring(0, param.name().length() - ".weight".length()));
      }
    }
    this.lora = new LowRankAdaptation(RANK, RANK, DROPOUT, layers::contains);
    this.adapted =
        encoder.stream()
            .filter(param -> layers.contains(param.name().replaceAll("\\.(weight|bias)$", "")))
            .toList();
  }

  static double learningRate(AlignmentPlan plan) {
    return plan.learningRate() > 0 ? plan.learningRate() : LEARNING_RATE;
  }

  /** Two latents a side make a token, as in FLUX, if that comes out even. */
  private int patch() {
    int side = network.config().drawnSize() / network.diffusion().autoencoder().stride();
    return side % 2 == 0 ? 2 : 1;
  }

  /**
   * GenHancer's lightweight denoiser for a condition as wide as Stable Diffusion's; for narrower
   * ones as much narrower.
   */
  private static FluxTransformer.Config sizes(int channels, int condition) {
    int wide = 3 * condition;
    int depth = wide >= WIDE ? 128 : 32;
    int heads = Math.max(2, wide / depth);
    List<Integer> axes = depth == 128 ? List.of(16, 56, 56) : List.of(4, 14, 14);
    int hidden = heads * depth;
    return new FluxTransformer.Config(
        channels, 3 * condition / 4, 4 * condition, hidden, heads, 4 * hidden, 2, 4, axes, 10_000);
  }

  @Override
  public List<Phase> phases() {
    Predicate<String> added = name -> name.startsWith(PREFIX);
    int first = plan.steps() / 2;
    double rate = learningRate(plan);
    List<Phase> phases = new ArrayList<>();
    if (first > 0) {
      phases.add(phase("denoiser", first, false, added, FIRST_STAGE_FACTOR * rate, new Task(0)));
    }
    phases.add(
        phase(
            "adapters",
            plan.steps() - first,
            true,
            added.or(lora.learnt(true)),
            rate,
            new Task(first)));
    return phases;
  }

  private static Phase phase(
      String name,
      int steps,
      boolean moves,
      Predicate<String> learns,
      double rate,
      TrainingTask task) {
    return new Phase(
        name,
        steps,
        moves,
        learns,
        session ->
            new AdamW(
                session,
                AdamW.Config.DEFAULT,
                List.of(new ParameterGroup("", rate, WEIGHT_DECAY)),
                param -> true),
        task);
  }

  @Override
  public BlockRewriting rewriting() {
    return lora;
  }

  @Override
  public TensorSource weights(TensorSource model) {
    InitialWeights fresh = new InitialWeights(feedback.params(), plan.seed()).fill(".scale", 1);
    // A modulation that starts at zero leaves the streams as they are, and a last layer at zero
    // says nothing, so that learning starts calmly (Peebles and Xie 2023, "adaLN-Zero").
    for (String name : fresh.names()) {
      if (name.contains("_mod.lin.")
          || name.contains(".modulation.lin.")
          || name.contains(".final_layer.")) {
        fresh.fill(name, 0);
      }
    }
    OverlaidTensors all =
        new OverlaidTensors(AdaptedWeights.fresh(model, lora, plan.seed()), fresh.origin());
    for (String name : fresh.names()) {
      all.with(name, fresh.info(name).shape(), () -> fresh.floats(name));
    }
    return all;
  }

  @Override
  public List<Param> moved() {
    return adapted;
  }

  @Override
  public Map<String, float[]> values(TorchSession session, TensorSource model) {
    TensorSource factors = SessionWeights.factors(session, model, lora);
    TensorSource merged = AdaptedWeights.merged(model, factors, lora);
    Map<String, float[]> values = new LinkedHashMap<>();
    for (Param param : adapted) {
      boolean weight = param.shape().rank() == 2;
      values.put(param.name(), weight ? merged.floats(param.name()) : session.load(param).floats());
    }
    return values;
  }

  private final class Task implements TrainingTask {

    /** Steps of earlier phases, so that batches go on. */
    private final int before;

    Task(int before) {
      this.before = before;
    }

    @Override
    public int itemsPerStep() {
      return plan.batchSize();
    }

    @Override
    public Losses losses(TrainingScope scope, long step, RandomSource random) {
      ModelImages.Batch batch = images.batch(scope, before + step);
      float[] noise = new float[images.latents()];
      random.gaussian(noise);
      Value latents = network.diffusion().encode(scope, batch.drawn(), noise);
      Value packed = feedback.pack(scope, latents);
      Value token = tokens.first(scope, network.eyes().forward(scope, batch.seen(), null));
      int rows = Math.toIntExact(latents.shape()[2]) / patch();
      int columns = Math.toIntExact(latents.shape()[3]) / patch();
      GenHancerFeedback.Draws draws =
          GenHancerFeedback.draw(random, plan.batchSize(), noise.length);
      Value loss = feedback.step(scope, token, packed, rows, columns, draws).loss();
      return new Losses(loss, Map.of("flow", loss));
    }
  }
}
