package io.deem.training.verify;

import io.deem.diffusion.NoiseSchedule;
import io.deem.diffusion.PredictionType;
import io.deem.graph.Engine;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.AutoencoderKl;
import io.deem.model.ClipTextEncoder;
import io.deem.model.DivaFeedback;
import io.deem.model.DivaFeedback.Scheme;
import io.deem.model.ImageScaling;
import io.deem.model.LatentDiffusion;
import io.deem.model.OpenClipVit;
import io.deem.model.UNet;
import io.deem.nn.Linear;
import io.deem.random.StoredDraws;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.verify.Fixture;
import io.deem.verify.FixtureCheck;
import io.deem.verify.Reference;
import io.deem.verify.Report;
import io.deem.verify.Sizes;
import io.deem.weights.TensorSource;
import java.util.Locale;

/**
 * DIVA's inner steps with OpenAI's CLIP and with DFN's: what goes in, each step's condition, noise
 * and loss, and the gradients that the steps leave.
 *
 * <p>The stored logits are not computed: they come from a CLIP text tower that the fixture leaves
 * out, and a softmax over its one class takes them out of everything else.
 */
public final class DivaCheck implements FixtureCheck {

  private static final String VISUAL = "class_model.model.visual.";

  /** Made by ServiceLoader. */
  public DivaCheck() {}

  @Override
  public String kind() {
    return "diva";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("image", "mid.vae_input", "mid.text_ids", "step0.rand.timesteps")
        && fixture.model().map(m -> m.contains(VISUAL + "class_embedding")).orElse(false);
  }

  @Override
  public boolean runsOn(Engine engine) {
    return engine instanceof TorchEngine;
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Case openAi = new Case(fixture, report.against(fixture.io(), engine.name()), "");
    try (TorchSession session = TorchEngines.of(engine).open(fixture.weights())) {
      openAi.run(session, Scheme.AS_LONG_AS_TEXT);
    }
    if (fixture.has("dfn.step0.loss")) {
      Case dfn = new Case(fixture, report.against(fixture.io(), engine.name()), "dfn.");
      try (TorchSession session = TorchEngines.of(engine).open(fixture.weights())) {
        dfn.run(session, Scheme.ALL);
      }
    }
  }

  /** One encoder: OpenAI's without a prefix, DFN's with one. */
  private static final class Case {

    final TensorSource io;
    final Reference reference;
    final String prefix;
    final Sizes config;
    final DivaSizes sizes;
    final ImageScaling scaling = new ImageScaling();

    Case(Fixture fixture, Reference reference, String prefix) {
      this.io = fixture.io();
      this.reference = reference;
      this.prefix = prefix;
      this.config = new Sizes(fixture.config());
      this.sizes = new DivaSizes(config.section("dims"), fixture.weights());
    }

    void run(TorchSession session, Scheme scheme) {
      String visual = prefix + VISUAL;
      OpenClipVit clip = new OpenClipVit(sizes.clip(visual), visual);
      Linear projection =
          Linear.of(
              prefix + "visual_proj",
              sizes.extent(prefix + "visual_proj.weight", 1),
              sizes.extent(prefix + "visual_proj.weight", 0));
      Sizes scheduler = config.section("scheduler");
      LatentDiffusion diffusion =
          new LatentDiffusion(
              new AutoencoderKl(sizes.autoencoder(), "vae."),
              new UNet(sizes.denoiser(), "unet."),
              null,
              new NoiseSchedule(
                  NoiseSchedule.Betas.valueOf(
                      scheduler.text("beta_schedule").toUpperCase(Locale.ROOT)),
                  scheduler.number("beta_start"),
                  scheduler.number("beta_end"),
                  scheduler.integer("num_train_timesteps")),
              PredictionType.valueOf(scheduler.text("prediction_type").toUpperCase(Locale.ROOT)));
      DivaFeedback feedback = new DivaFeedback(diffusion, projection, scheme);
      ClipTextEncoder text = new ClipTextEncoder(sizes.text(), "text_encoder.");
      session.trainable(
          name ->
              name.startsWith(prefix + "class_model") || name.startsWith(prefix + "visual_proj"));
      for (int step = 0; io.contains(prefix + "step" + step + ".loss"); step++) {
        try (TrainingScope scope = session.trainingScope()) {
          step(scope, step, clip, text, diffusion, feedback);
        }
      }
      try (TrainingScope scope = session.trainingScope()) {
        gradients(scope, prefix + "grad_total.");
      }
    }

    private void step(
        TrainingScope scope,
        int step,
        OpenClipVit clip,
        ClipTextEncoder text,
        LatentDiffusion diffusion,
        DivaFeedback feedback) {
      String name = prefix + "step" + step + ".";
      Value image = scope.floats(io.floats("image"), io.info("image").shape());
      Value small = scaling.resized(scope, image, clip.config().imageSize());
      Value pixels = scaling.denormalised(scope, image, ImageScaling.IMAGENET);
      long[] latentShape = diffusion.latentShape(image.shape());
      int elements = 1;
      for (long extent : latentShape) {
        elements = Math.multiplyExact(elements, Math.toIntExact(extent));
      }
      Value latents = diffusion.encode(scope, pixels, new float[elements]);
      Value ids = scope.longs(io.longs("mid.text_ids"), io.info("mid.text_ids").shape());
      Value states = text.forward(scope, ids).lastHiddenState();
      OpenClipVit.Output seen = clip.forward(scope, small);
      int images = Math.toIntExact(image.shape()[0]);
      int locals = clip.config().patches();
      StoredDraws random = new StoredDraws();
      random.thenInts(ints(name + "rand.timesteps")).thenGaussian(io.floats(name + "rand.noise"));
      if (io.contains(name + "rand.token_indices")) {
        random.thenInts(ints(name + "rand.token_indices"));
      }
      int words = Math.toIntExact(ids.shape()[1]);
      DivaFeedback.Draws draws = feedback.draw(random, images, elements, locals, words);
      DivaFeedback.Step result = feedback.step(scope, seen.embedded(), latents, states, draws);
      if (step == 0 && prefix.isEmpty()) {
        output("mid.vae_input", diffusion.centred(scope, pixels));
        output("mid.clip_image", small);
        output("mid.latent", latents);
        output("mid.text_embeds", states);
        output("mid.clip_tokens_before_ln_post", seen.last());
      }
      if (step == 0) {
        output(prefix + "image_features", result.features());
      }
      output(name + "image_features", result.features());
      output(name + "context", result.context());
      output(name + "noisy_latent", result.denoising().noised().latents());
      output(name + "pred_noise", result.denoising().predicted());
      reference.output(name + "loss", result.loss().floats(), io.info(name + "loss").shape());
      scope.backward(result.loss());
      if (step == 0) {
        gradients(scope, prefix + "grad_step0.");
      }
    }

    private int[] ints(String name) {
      long[] values = io.longs(name);
      int[] ints = new int[values.length];
      for (int i = 0; i < ints.length; i++) {
        ints[i] = Math.toIntExact(values[i]);
      }
      return ints;
    }

    /** Compares a value if it is stored. */
    private void output(String name, Value value) {
      if (io.contains(name)) {
        reference.output(name, value.floats(), value.shape());
      }
    }

    private void gradients(TrainingScope scope, String stored) {
      for (String name : io.names()) {
        if (name.startsWith(stored)) {
          Value gradient = scope.gradient(prefix + name.substring(stored.length()));
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
