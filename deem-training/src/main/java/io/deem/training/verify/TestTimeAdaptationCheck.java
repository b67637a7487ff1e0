package io.deem.training.verify;

import com.google.gson.JsonElement;
import io.deem.graph.Engine;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.AutoencoderKl;
import io.deem.model.ConvNextEncoder;
import io.deem.model.Freezing;
import io.deem.model.LatentDiffusion;
import io.deem.model.MmfsNet;
import io.deem.model.PerceiverResampler;
import io.deem.model.UNet;
import io.deem.model.VisualTokenizer;
import io.deem.random.StoredDraws;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.TestTimeAdaptation;
import io.deem.training.TestTimeAdaptation.Images;
import io.deem.training.TestTimeAdaptation.Step;
import io.deem.training.TestTimeAdaptation.StepListener;
import io.deem.verify.CompleteModel;
import io.deem.verify.CompleteModelSizes;
import io.deem.verify.Fixture;
import io.deem.verify.FixtureCheck;
import io.deem.verify.Reference;
import io.deem.verify.Report;
import io.deem.verify.Sizes;
import io.deem.verify.Tolerance;
import io.deem.weights.TensorSource;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Test-time adaptation: the timesteps, losses, gradients and parameters of each step, what the
 * adapted encoder sees, and that every parameter is restored.
 */
public final class TestTimeAdaptationCheck implements FixtureCheck {

  /** Made by ServiceLoader. */
  public TestTimeAdaptationCheck() {}

  @Override
  public String kind() {
    return "test-time adaptation";
  }

  @Override
  public boolean matches(Fixture fixture) {
    JsonElement cases = fixture.config().get("cases");
    return fixture.hasAll("image", "image_dec", "region_mask")
        && cases != null
        && cases.isJsonObject()
        && cases.getAsJsonObject().keySet().stream()
            .anyMatch(name -> fixture.has(name + ".losses"));
  }

  @Override
  public boolean runsOn(Engine engine) {
    return engine instanceof TorchEngine;
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Sizes cases = new Sizes(fixture.config()).section("cases");
    for (String name : cases.names()) {
      if (!fixture.has(name + ".losses")) {
        continue;
      }
      try (Session session = engine.open(fixture.weights())) {
        if (!(session instanceof TorchSession training)) {
          throw new IllegalStateException(engine.name() + " cannot train");
        }
        new Case(name, cases.section(name), fixture, training, report).run();
      }
    }
  }

  private static final class Case implements StepListener {
    final String name;
    final Sizes options;
    final TensorSource io;
    final TensorSource weights;
    final TorchSession session;
    final Report report;
    final Reference reference;
    final VisualTokenizer eyes;
    final LatentDiffusion diffusion;
    final int steps;
    final double rate;
    final float[] losses;

    Case(String name, Sizes options, Fixture fixture, TorchSession session, Report report) {
      this.name = name + ".";
      this.options = options;
      this.io = fixture.io();
      this.weights = fixture.weights();
      this.session = session;
      this.report = report;
      this.reference = report.against(io, session.engineName());
      Sizes config = new Sizes(fixture.config());
      Sizes visual = config.section("visual_tokenizer");
      CompleteModelSizes sizes =
          new CompleteModelSizes(
              config.section("dims"),
              visual.section("perceiver_config"),
              config.integer("image_size"),
              weights);
      String prefix = CompleteModelSizes.TOKENIZER;
      eyes =
          new VisualTokenizer(
              new VisualTokenizer.Config(
                  visual.integer("grid_size"),
                  sizes.extent(prefix + "proj_t.weight", 0),
                  sizes.extent(prefix + "proj_i.weight", 0)),
              new ConvNextEncoder(sizes.sniffer(), CompleteModelSizes.SNIFFER),
              new PerceiverResampler(sizes.visualResampler(), CompleteModelSizes.RESAMPLER),
              prefix);
      diffusion =
          new LatentDiffusion(
              new AutoencoderKl(sizes.autoencoder(), CompleteModelSizes.VAE),
              new UNet(sizes.denoiser(), CompleteModelSizes.UNET),
              new MmfsNet(sizes.residuals(), CompleteModelSizes.RESIDUALS),
              CompleteModel.schedule(fixture.config()),
              CompleteModel.prediction(fixture.config()));
      steps = options.integer("steps");
      rate = options.number("lr");
      losses = new float[steps];
    }

    void run() {
      Images images = images();
      try (Scope scope = session.scope()) {
        float[] before = plain(scope, images);
        if (io.contains(name + "no_tta.vis_embed")) {
          reference.output(
              name + "no_tta.vis_embed", before, io.info(name + "no_tta.vis_embed").shape());
        }
        boolean minimal = options.text("variant").equals("minimal");
        TestTimeAdaptation adaptation =
            new TestTimeAdaptation(
                session,
                eyes,
                diffusion,
                new Freezing(true, options.flag("freeze_vfm"), true),
                new TestTimeAdaptation.Config(
                    steps,
                    options.integer("n"),
                    rate,
                    minimal
                        ? VisualTokenizer.RegionPlace.BEFORE_PROJECTION
                        : VisualTokenizer.RegionPlace.AFTER_POSITIONS));
        VisualTokenizer.Tokens seen = adaptation.tokens(scope, images, draws(), this);
        reference.output(name + "losses", losses, steps);
        outputs(scope, seen, before);
      }
      restored();
    }

    private Images images() {
      long[] shape = io.info("image").shape();
      float[] regions = io.floats("region_mask");
      if (options.text("mask").equals("ones")) {
        Arrays.fill(regions, 1);
      }
      return new Images(
          io.floats("image"), io.floats("image_dec"), regions, (int) shape[0], (int) shape[2]);
    }

    private float[] plain(Scope scope, Images images) {
      int count = images.count();
      int size = images.size();
      return eyes.forward(
              scope,
              scope.floats(images.pixels(), count, 3, size, size),
              scope.floats(images.regions(), count, 1, size, size))
          .tokens()
          .floats();
    }

    /** Some cases repeat the draws of another, whose name theirs begins with. */
    private StoredDraws draws() {
      String run = name.substring(0, name.length() - 1);
      while (run.length() > 1 && !io.contains(run + ".rand.start_0")) {
        run = run.substring(0, run.length() - 1);
      }
      StoredDraws draws = new StoredDraws();
      for (int i = 0; i < steps; i++) {
        draws.thenInts(ConfigLists.ints(io.longs(run + ".rand.start_" + i)));
        draws.thenGaussian(io.floats(run + ".rand.vae_noise_" + i));
        draws.thenGaussian(io.floats(run + ".rand.noise_" + i));
      }
      return draws;
    }

    @Override
    public void beforeUpdate(Step step, TrainingScope scope) {
      losses[step.index()] = step.loss();
      String timesteps = name + "timesteps_" + step.index();
      if (io.contains(timesteps)) {
        long[] ids = Arrays.stream(step.timesteps()).asLongStream().toArray();
        reference.ids(timesteps, ids, ids.length);
      }
      if (step.index() > 0) {
        return;
      }
      String prefix = name + "grad_step1.";
      for (String stored : io.names()) {
        if (stored.startsWith(prefix)) {
          Value gradient = scope.gradient(stored.substring(prefix.length()));
          reference.gradient(stored, gradient.floats(), gradient.shape());
        }
      }
      Set<String> reached = new TreeSet<>();
      for (String param : session.params()) {
        if (scope.gradient(param) != null) {
          reached.add(param);
        }
      }
      report.equal(
          name + "with_gradient",
          session.engineName(),
          Set.of(),
          ConfigLists.difference(Set.copyOf(options.texts("with_gradient")), reached));
    }

    @Override
    public void afterUpdate(Step step) {
      // An update is about as large as the rate; rounding decides the sign of the smallest ones.
      Tolerance tolerance = new Tolerance(0.2 * rate + 3e-7, 0);
      String prefix = name + "step_" + (step.index() + 1) + ".";
      for (String stored : io.names()) {
        if (stored.startsWith(prefix)) {
          Value value = session.param(stored.substring(prefix.length()));
          reference.floats(stored, tolerance, i -> true, value.floats(), value.shape());
        }
      }
    }

    private void outputs(Scope scope, VisualTokenizer.Tokens seen, float[] before) {
      reference.output(name + "vis_embed", seen.tokens().floats(), seen.tokens().shape());
      float[] delta = seen.tokens().floats();
      for (int i = 0; i < delta.length; i++) {
        delta[i] -= before[i];
      }
      reference.output(name + "delta_vis_embed", delta, seen.tokens().shape());
      Value last = seen.maps().get(3);
      reference.output(name + "multiscale_3", last.floats(), last.shape());
      Value map = seen.maps().get(2);
      Value pixels =
          scope.run1(
              Graph.block(
                  "pixels of a map",
                  g ->
                      List.of(g.input("map", Shape.of(map.shape())).flatten(2, 3).transpose(1, 2))),
              map);
      reference.output(name + "image_embeds", pixels.floats(), pixels.shape());
    }

    /** Bit for bit. */
    private void restored() {
      Set<String> changed = new TreeSet<>();
      for (String param : session.params()) {
        if (!Arrays.equals(weights.floats(param), session.param(param).floats())) {
          changed.add(param);
        }
      }
      report.equal(name + "parameters_restored", session.engineName(), Set.of(), changed);
    }
  }
}
