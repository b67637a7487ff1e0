package io.deem.verify;

import io.deem.diffusion.NoiseSchedule;
import io.deem.graph.Engine;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.TrainingScope;
import io.deem.graph.TrainingSession;
import io.deem.graph.Value;
import io.deem.model.AutoencoderKl;
import io.deem.model.ConvNextEncoder;
import io.deem.model.LatentDiffusion;
import io.deem.model.MaskPooling;
import io.deem.model.MmfsNet;
import io.deem.model.PerceiverResampler;
import io.deem.model.RegionLoss;
import io.deem.model.UNet;
import io.deem.model.VisualTokenizer;
import io.deem.weights.TensorSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Images to tokens where a region is described by tokens of its own: each step, the denoiser's
 * error inside the regions, and the gradients of that alone and of a loss over everything.
 */
final class MaskAlignCheck implements FixtureCheck {

  private static final String UNREACHED = "trainable_without_grad";

  /** The map whose pixels are the encoder's tokens. */
  private static final int TOKEN_MAP = 2;

  @Override
  public String kind() {
    return "mask align";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("region_mask", "mid.mask_feats", "mid.shape_mask", "mid.qformer_inputs");
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Reference reference = report.against(fixture.io(), engine.name());
    Networks networks = Networks.of(fixture);
    try (Session session = engine.open(fixture.weights())) {
      try (Scope scope = session.scope()) {
        outputs(networks, new Replay(fixture.io(), scope, reference));
      }
      if (session instanceof TrainingSession training) {
        training.trainable(
            name ->
                fixture.has("grad." + name)
                    || fixture.has("grad_sniffer." + name)
                    || unreached(fixture).contains(name));
        try (TrainingScope scope = training.trainingScope()) {
          gradients(networks, new Replay(fixture.io(), scope, reference), scope);
        }
        for (String name : unreached(fixture)) {
          // Only what a block reads is loaded, and nothing else gets a gradient.
          boolean reached = training.trainableParams().contains(name);
          report.equal("no gradient reaches " + name, engine.name(), false, reached);
        }
      }
    }
  }

  private static List<String> unreached(Fixture fixture) {
    Sizes config = new Sizes(fixture.config());
    return config.has(UNREACHED) ? config.texts(UNREACHED) : List.of();
  }

  /** The networks; {@code plain} is the tokenizer as it would be without tokens for regions. */
  private record Networks(
      VisualTokenizer tokenizer, VisualTokenizer plain, LatentDiffusion diffusion) {

    static Networks of(Fixture fixture) {
      Sizes config = new Sizes(fixture.config());
      Sizes visual = config.section("visual_tokenizer");
      CompleteModelSizes sizes =
          new CompleteModelSizes(
              config.section("dims"),
              visual.section("perceiver_config"),
              config.integer("image_size"),
              fixture.weights());
      LatentDiffusion diffusion =
          new LatentDiffusion(
              new AutoencoderKl(sizes.autoencoder(), CompleteModelSizes.VAE),
              new UNet(sizes.denoiser(), CompleteModelSizes.UNET),
              new MmfsNet(sizes.residuals(), CompleteModelSizes.RESIDUALS),
              CompleteModel.schedule(fixture.config()),
              CompleteModel.prediction(fixture.config()));
      MaskPooling.Config pooling =
          new MaskPooling.Config(config.integer("mask_shape"), config.integer("mask_mlp_hidden"));
      int grid = visual.integer("grid_size");
      return new Networks(
          tokenizer(sizes, grid, Optional.of(pooling)),
          tokenizer(sizes, grid, Optional.empty()),
          diffusion);
    }

    private static VisualTokenizer tokenizer(
        CompleteModelSizes sizes, int grid, Optional<MaskPooling.Config> pooling) {
      String prefix = CompleteModelSizes.TOKENIZER;
      return new VisualTokenizer(
          new VisualTokenizer.Config(
              grid,
              sizes.extent(prefix + "proj_t.weight", 0),
              sizes.extent(prefix + "proj_i.weight", 0),
              pooling),
          new ConvNextEncoder(sizes.sniffer(), CompleteModelSizes.SNIFFER),
          new PerceiverResampler(sizes.visualResampler(), CompleteModelSizes.RESAMPLER),
          prefix);
    }
  }

  private static Value input(Replay replay, String name) {
    return replay.scope().floats(replay.io().floats(name), replay.io().info(name).shape());
  }

  // ---------------------------------------------------------------- results

  private static void outputs(Networks networks, Replay replay) {
    Scope scope = replay.scope();
    Value image = input(replay, "image");
    Value regions = input(replay, "region_mask");
    VisualTokenizer.Tokens seen = networks.tokenizer.forward(scope, image, regions);
    for (int i = 0; i < seen.maps().size(); i++) {
      firstRows("mid.multiscale_" + i, seen.maps().get(i), replay);
      replay.output("mid.pooled_" + i, seen.region().pooled().get(i));
    }
    replay.output("mid.shape_mask", seen.region().shape());
    replay.output("mid.mask_feats", seen.region().tokens());
    replay.output("mid.qformer_inputs", seen.encoded());
    replay.output("mid.visual_perceiver", seen.read());
    replay.output("mid.proj_i", seen.condition());
    replay.output("out.vis_embed", seen.tokens());
    replay.output("out.image_embeds", pixels(scope, seen.maps().get(TOKEN_MAP)));
    replay.output("noalign.vis_embed", networks.plain.forward(scope, image, regions).tokens());
    float loss = denoise(networks.diffusion, seen, replay).scalar();
    replay.reference().output("out.loss_sniffer", new float[] {loss}, 1);
    double total = loss + product(seen.tokens().floats(), replay.io().floats("grad_vis_embed"));
    replay.reference().output("out.total", new float[] {(float) total}, 1);
  }

  /** Some maps are stored for the first images only. */
  private static void firstRows(String name, Value map, Replay replay) {
    long[] shape = replay.io().info(name).shape();
    int length = replay.io().floats(name).length;
    replay.reference().output(name, Arrays.copyOf(map.floats(), length), shape);
  }

  /** A map as a sequence of its pixels. */
  private static Value pixels(Scope scope, Value map) {
    return scope.run1(
        Graph.block(
            "pixels of a map",
            g -> List.of(g.input("map", Shape.of(map.shape())).flatten(2, 3).transpose(1, 2))),
        map);
  }

  private static double product(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /** The denoiser's error inside the regions, with the stored draws; compares each step. */
  private static Value denoise(
      LatentDiffusion diffusion, VisualTokenizer.Tokens seen, Replay replay) {
    Scope scope = replay.scope();
    LatentDiffusion.Draws draws = draws(replay.io());
    long[] steps = Arrays.stream(draws.timesteps()).asLongStream().toArray();
    Value latents = diffusion.encode(scope, input(replay, "image_dec"), draws.latentNoise());
    Value error = diffusion.denoisingError(scope, latents, condition(seen), draws);
    replay.reference().ids("mid.timesteps", steps, steps.length);
    replay.output("mid.noisy_latents", diffusion.noised(scope, latents, draws).latents());
    replay.output("mid.sd_loss", error);
    return new RegionLoss().mean(scope, error, input(replay, "region_mask"));
  }

  private static LatentDiffusion.Condition condition(VisualTokenizer.Tokens seen) {
    return new LatentDiffusion.Condition(seen.condition(), seen.maskedMaps(), null);
  }

  private static LatentDiffusion.Draws draws(TensorSource io) {
    int[] steps =
        Arrays.stream(io.longs("rand.timesteps_raw"))
            .mapToInt(step -> NoiseSchedule.consistencyTimestep(Math.toIntExact(step)))
            .toArray();
    return new LatentDiffusion.Draws(io.floats("rand.vae_noise"), io.floats("rand.noise"), steps);
  }

  // ---------------------------------------------------------------- gradients

  private static void gradients(Networks networks, Replay replay, TrainingScope scope) {
    VisualTokenizer.Tokens seen =
        networks.tokenizer.forward(scope, input(replay, "image"), input(replay, "region_mask"));
    LatentDiffusion.Draws draws = draws(replay.io());
    Value error =
        networks.diffusion.errorMap(scope, input(replay, "image_dec"), condition(seen), draws);
    Value loss = new RegionLoss().mean(scope, error, input(replay, "region_mask"));
    scope.backward(loss, scope.floats(new float[] {1}), true);
    replay.parameterGradients("grad_sniffer.", scope);
    scope.backward(seen.tokens(), input(replay, "grad_vis_embed"), false);
    replay.parameterGradients(scope);
  }
}
