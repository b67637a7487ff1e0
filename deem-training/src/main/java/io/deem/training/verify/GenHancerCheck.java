package io.deem.training.verify;

import com.google.gson.JsonElement;
import io.deem.graph.Block;
import io.deem.graph.BlockRewriting;
import io.deem.graph.Dim;
import io.deem.graph.Engine;
import io.deem.graph.Graph;
import io.deem.graph.Shape;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.image.Normalization;
import io.deem.lora.AdaptedWeights;
import io.deem.lora.LowRankAdaptation;
import io.deem.model.ClipActivation;
import io.deem.model.ClipVitEncoder;
import io.deem.model.FluxEncoder;
import io.deem.model.FluxTransformer;
import io.deem.model.GenHancerFeedback;
import io.deem.model.ImageScaling;
import io.deem.nn.Linear;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.verify.Fixture;
import io.deem.verify.FixtureCheck;
import io.deem.verify.Reference;
import io.deem.verify.Report;
import io.deem.verify.Sizes;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.TensorSource;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * GenHancer's training step with continuous latents: what goes in, then for each stage the
 * prediction, the loss and the gradients, the second stage with low-rank adapters in the encoder.
 */
public final class GenHancerCheck implements FixtureCheck {

  private static final String CLIP = "clip_vis.model.";
  private static final String PROJECTORS = "clip_vis.";
  private static final String DENOISER = "dit.";
  private static final String STORED_FACTORS = "lora.";
  private static final String BASE_LAYER = ".base_layer";

  /** Made by ServiceLoader. */
  public GenHancerCheck() {}

  @Override
  public String kind() {
    return "genhancer";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("image", "rand.vae_noise", "rand.t_normal", "rand.x0", "stage1.loss")
        && fixture.model().map(m -> m.contains(DENOISER + "img_in.weight")).orElse(false);
  }

  @Override
  public boolean runsOn(Engine engine) {
    return engine instanceof TorchEngine;
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Case check = new Case(fixture, report.against(fixture.io(), engine.name()));
    LowRankAdaptation lora = check.lora();
    TensorSource adapted = check.adapted(lora);
    Predicate<String> others =
        name -> name.startsWith(DENOISER) || name.startsWith(PROJECTORS + "project_");
    Predicate<String> adapters = lora.learnt(true);
    stage(engine, fixture.weights(), BlockRewriting.NONE, check, "stage1", others);
    stage(engine, adapted, lora, check, "stage2_all", others.or(adapters));
    stage(engine, adapted, lora, check, "stage2_only", adapters);
    check.merged(lora, adapted);
  }

  private static void stage(
      Engine engine,
      TensorSource weights,
      BlockRewriting rewriting,
      Case check,
      String name,
      Predicate<String> learns) {
    try (TorchSession session = TorchEngines.of(engine).open(weights, rewriting)) {
      session.trainable(learns);
      try (TrainingScope scope = session.trainingScope()) {
        check.stage(scope, name);
      }
    }
  }

  private static final class Case {

    final TensorSource io;
    final TensorSource weights;
    final Reference reference;
    final Sizes config;
    final Sizes dims;
    final ClipVitEncoder clip;
    final FluxEncoder autoencoder;
    final FluxTransformer denoiser;
    final GenHancerFeedback feedback;
    final Block projection;
    final ImageScaling scaling = new ImageScaling();

    Case(Fixture fixture, Reference reference) {
      this.io = fixture.io();
      this.weights = fixture.weights();
      this.reference = reference;
      this.config = new Sizes(fixture.config());
      this.dims = config.section("dims");
      clip = new ClipVitEncoder(clip(config.section("clip_vision")), CLIP);
      Sizes vae = config.section("vae");
      autoencoder =
          new FluxEncoder(
              new FluxEncoder.Config(
                  vae.integer("ch"),
                  vae.integers("ch_mult"),
                  vae.integer("num_res_blocks"),
                  dims.integer("z_channels"),
                  vae.number("scale_factor"),
                  vae.number("shift_factor")),
              "vae.");
      int hidden = dims.integer("hidden");
      denoiser =
          new FluxTransformer(
              new FluxTransformer.Config(
                  dims.integer("in_channels"),
                  dims.integer("clip_dim"),
                  dims.integer("t5_dim"),
                  hidden,
                  dims.integer("heads"),
                  (int) (hidden * dims.number("mlp_ratio")),
                  dims.integer("depth"),
                  dims.integer("depth_single_blocks"),
                  dims.integers("axes_dim"),
                  dims.number("theta")),
              DENOISER);
      int embed = dims.integer("clip_embed");
      feedback =
          new GenHancerFeedback(
              denoiser,
              embed,
              PROJECTORS,
              2,
              config.number("scale_factor"),
              dims.number("guidance"));
      int width = clip.config().width();
      Linear linear = Linear.withoutBias(CLIP + "visual_projection", width, embed);
      projection =
          Graph.block(
              "visual projection",
              g -> List.of(linear.apply(g.input("pooled", Shape.of(Dim.symbol("batch"), width)))));
    }

    private static ClipVitEncoder.Config clip(Sizes sizes) {
      return new ClipVitEncoder.Config(
          sizes.integer("image_size"),
          sizes.integer("patch_size"),
          sizes.integer("hidden_size"),
          sizes.integer("intermediate_size"),
          sizes.integer("num_hidden_layers"),
          sizes.integer("num_attention_heads"),
          ClipActivation.named(sizes.text("hidden_act")),
          sizes.number("layer_norm_eps"));
    }

    LowRankAdaptation lora() {
      Sizes sizes = config.section("lora");
      Set<String> layers = new HashSet<>();
      for (JsonElement module : sizes.config().getAsJsonArray("modules")) {
        layers.add(CLIP + module.getAsString());
      }
      return new LowRankAdaptation(
          sizes.integer("r"), sizes.number("alpha"), sizes.number("dropout"), layers::contains);
    }

    TensorSource adapted(LowRankAdaptation lora) {
      OverlaidTensors adapted = new OverlaidTensors(weights, weights.origin());
      for (String name : weights.names()) {
        if (name.startsWith(STORED_FACTORS)) {
          String plain = name.substring(STORED_FACTORS.length());
          if (!lora.learnt(false).test(plain)) {
            throw new IllegalArgumentException("config.json: lora.modules does not name " + plain);
          }
          adapted.with(plain, weights.info(name).shape(), () -> weights.floats(name));
        }
      }
      return adapted;
    }

    void stage(TrainingScope scope, String stage) {
      boolean first = stage.equals("stage1");
      Value image = scope.floats(io.floats("image"), io.info("image").shape());
      Value seen = scaling.normalised(scope, image, Normalization.CLIP, clip.config().imageSize());
      Value pooled = clip.forward(scope, seen).pooled();
      Value classToken = scope.run1(projection, pooled);
      Value signed =
          scaling.normalised(scope, image, Normalization.SIGNED, Math.toIntExact(image.shape()[2]));
      Value noise = scope.floats(io.floats("rand.vae_noise"), io.info("rand.vae_noise").shape());
      Value latents = autoencoder.encode(scope, signed, noise);
      int rows = Math.toIntExact(latents.shape()[2] / 2);
      int columns = Math.toIntExact(latents.shape()[3] / 2);
      Value packed = feedback.pack(scope, latents);
      GenHancerFeedback.Step step =
          feedback.step(
              scope,
              classToken,
              packed,
              rows,
              columns,
              new GenHancerFeedback.Draws(io.floats("rand.t_normal"), io.floats("rand.x0")));
      if (first) {
        output("mid.clip_input", seen);
        output("mid.pooler_output", pooled);
        output("mid.class_token", classToken);
        output("mid.x1", packed);
        output("mid.txt", step.text());
        output("mid.vec", step.vector());
        output("mid.x_t", step.noisy());
        output("mid.target", step.target());
        tables(rows, columns);
      } else if (stage.equals("stage2_all")) {
        output("stage2.class_token", classToken);
      }
      output(stage + ".model_pred", step.predicted());
      reference.output(stage + ".loss", step.loss().floats(), io.info(stage + ".loss").shape());
      scope.backward(step.loss());
      gradients(scope, stage + ".grad.");
    }

    /** Times, their sinusoids, coordinates and rotations, as the reference lays them out. */
    private void tables(int rows, int columns) {
      float[] draws = io.floats("rand.t_normal");
      float[] times = new float[draws.length];
      float[] guidances = new float[draws.length];
      for (int i = 0; i < times.length; i++) {
        times[i] = feedback.time(draws[i]);
        guidances[i] = (float) dims.number("guidance");
      }
      int images = times.length;
      reference.output("mid.t", times, images);
      reference.output("mid.time_embedding", FluxTransformer.sinusoids(times), images, 256);
      reference.output("mid.guidance_embedding", FluxTransformer.sinusoids(guidances), images, 256);
      float[] places = FluxTransformer.coordinates(rows, columns);
      float[] ofText = java.util.Arrays.copyOf(places, 3);
      float[] ofImage = java.util.Arrays.copyOfRange(places, 3, places.length);
      reference.output("mid.txt_ids", repeated(ofText, images), images, 1, 3);
      reference.output("mid.img_ids", repeated(ofImage, images), images, (long) rows * columns, 3);
      FluxTransformer.Positions positions =
          FluxTransformer.positions(denoiser.config(), rows, columns);
      float[] matrices = new float[4 * positions.cos().length];
      for (int i = 0; i < positions.cos().length; i++) {
        matrices[4 * i] = positions.cos()[i];
        matrices[4 * i + 1] = -positions.sin()[i];
        matrices[4 * i + 2] = positions.sin()[i];
        matrices[4 * i + 3] = positions.cos()[i];
      }
      reference.output(
          "mid.pe",
          repeated(matrices, images),
          images,
          1,
          positions.tokens(),
          denoiser.config().depth() / 2,
          2,
          2);
    }

    private static float[] repeated(float[] values, int times) {
      float[] result = new float[values.length * times];
      for (int i = 0; i < times; i++) {
        System.arraycopy(values, 0, result, i * values.length, values.length);
      }
      return result;
    }

    void merged(LowRankAdaptation lora, TensorSource adapted) {
      String prefix = "stage2.merged.";
      TensorSource merged = AdaptedWeights.merged(weights, adapted, lora);
      for (String name : io.names()) {
        if (name.startsWith(prefix)) {
          String weight = CLIP + name.substring(prefix.length());
          reference.output(name, merged.floats(weight), merged.info(weight).shape());
        }
      }
    }

    private void output(String name, Value value) {
      reference.output(name, value.floats(), value.shape());
    }

    private void gradients(TrainingScope scope, String stored) {
      for (String name : io.names()) {
        if (name.startsWith(stored)) {
          Value gradient = scope.gradient(name.substring(stored.length()).replace(BASE_LAYER, ""));
          if (gradient == null) {
            reference.gradient(name, new float[0], 0);
          } else {
            reference.gradient(name, gradient.floats(), gradient.shape());
          }
        }
      }
    }
  }
}
