package io.deem.verify;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.deem.diffusion.EulerSampler;
import io.deem.diffusion.NoiseSchedule;
import io.deem.diffusion.PredictionType;
import io.deem.diffusion.Sampler;
import io.deem.diffusion.SamplerConfig;
import io.deem.diffusion.SamplingMethod;
import io.deem.diffusion.TimestepSpacing;
import io.deem.graph.Engine;
import io.deem.random.NoiseSource;
import io.deem.weights.TensorSource;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Noise schedule and samplers: the tables, the time steps of every method, and whole runs with
 * stored network outputs and stored noise.
 */
final class SchedulersCheck implements FixtureCheck {

  private static final Pattern TIMESTEPS = Pattern.compile("timesteps/([a-z]+)_([a-z]+)_(\\d+)");
  private static final Map<String, SamplingMethod> METHODS =
      Map.of(
          "ddpm", SamplingMethod.DDPM,
          "ddim", SamplingMethod.DDIM,
          "pndm", SamplingMethod.PNDM,
          "dpmpp", SamplingMethod.DPM_SOLVER,
          "euler", SamplingMethod.EULER);
  private static final Map<String, String> IMPLEMENTED =
      Map.of(
          "algorithm_type", "dpmsolver++",
          "interpolation_type", "linear",
          "lambda_min_clipped", "-Infinity",
          "rescale_betas_zero_snr", "false",
          "solver_type", "midpoint",
          "thresholding", "false",
          "variance_type", "fixed_small");
  private static final Map<String, SamplingMethod> CLASSES =
      Map.of(
          "DDPMScheduler", SamplingMethod.DDPM,
          "DDIMScheduler", SamplingMethod.DDIM,
          "PNDMScheduler", SamplingMethod.PNDM,
          "DPMSolverMultistepScheduler", SamplingMethod.DPM_SOLVER,
          "EulerDiscreteScheduler", SamplingMethod.EULER);

  @Override
  public String kind() {
    return "schedulers";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("alphas_cumprod", "betas", "steps/model_outputs")
        && fixture.config().has("cases");
  }

  @Override
  public boolean needsEngine() {
    return false;
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    TensorSource io = fixture.io();
    Reference reference = report.against(io, Verification.PLAIN_JAVA);
    NoiseSchedule schedule = schedule(new Sizes(fixture.config()).section("base"));
    tables(io, schedule, reference);
    for (String name : io.names()) {
      Matcher matcher = TIMESTEPS.matcher(name);
      if (matcher.matches()) {
        SamplerConfig config =
            SamplerConfig.builder(known(METHODS, matcher.group(1)))
                .schedule(schedule)
                .timestepSpacing(spacing(matcher.group(2)))
                .steps(Integer.parseInt(matcher.group(3)))
                .build();
        timesteps(name, config.sampler(), reference, io);
      }
    }
    for (Sizes run : new Sizes(fixture.config()).sections("cases")) {
      sampling(run, io, report, reference);
    }
  }

  private static void tables(TensorSource io, NoiseSchedule schedule, Reference reference) {
    int count = schedule.timesteps();
    reference.output("betas", schedule.betas(), count);
    reference.output("alphas_cumprod", schedule.alphasCumprod(), count);
    if (io.contains("inverted_noise_map")) {
      long[] map = new long[count];
      Arrays.setAll(map, NoiseSchedule::consistencyTimestep);
      reference.ids("inverted_noise_map", map, count);
    }
    if (io.contains("add_noise/x0")) {
      float[] clean = io.floats("add_noise/x0");
      float[] noise = io.floats("add_noise/noise");
      int[] times = ints(io.longs("add_noise/timesteps"));
      long[] shape = io.info("add_noise/x0").shape();
      reference.output("add_noise/out", schedule.addNoise(clean, noise, times), shape);
      reference.output("add_noise/velocity", schedule.velocity(clean, noise, times), shape);
    }
  }

  private static void sampling(Sizes run, TensorSource io, Report report, Reference reference) {
    String name = run.text("name");
    Sampler sampler = samplerConfig(run).sampler();
    timesteps(name + "/timesteps", sampler, reference, io);
    reference.output(name + "/init_noise_sigma", new float[] {sampler.initNoiseSigma()}, 1);
    if (sampler instanceof EulerSampler euler && io.contains(name + "/sigmas")) {
      reference.output(name + "/sigmas", euler.sigmas(), euler.sigmas().length);
    }
    long[] shape = io.info("steps/x_init").shape();
    int size = io.floats("steps/x_init").length;
    float[] outputs = io.floats("steps/model_outputs");
    StoredNoise noise = new StoredNoise(io.floats("steps/variance_noise"));
    int[] kept = ints(io.longs(name + "/kept_steps"));
    float[] latents = new float[kept.length * size];
    float[] inputs = new float[kept.length * size];

    float[] x = io.floats("steps/x_init");
    for (int k = 0; k < size; k++) {
      x[k] *= sampler.initNoiseSigma();
    }
    for (int i = 0; i < sampler.size(); i++) {
      int slot = Arrays.binarySearch(kept, i);
      if (slot >= 0) {
        System.arraycopy(sampler.scaleModelInput(x, i), 0, inputs, slot * size, size);
      }
      x = sampler.step(Arrays.copyOfRange(outputs, i * size, (i + 1) * size), i, x, noise);
      if (slot >= 0) {
        System.arraycopy(x, 0, latents, slot * size, size);
      }
    }
    long[] stacked = new long[shape.length + 1];
    stacked[0] = kept.length;
    System.arraycopy(shape, 0, stacked, 1, shape.length);
    if (io.contains(name + "/scaled_inputs")) {
      reference.output(name + "/scaled_inputs", inputs, stacked);
    }
    reference.output(name + "/latents", latents, stacked);
    if (run.has("rand_used")) {
      int expected = run.integer("rand_used");
      report.equal(name + "/rand_used", Verification.PLAIN_JAVA, expected, noise.draws);
    }
  }

  private static void timesteps(
      String name, Sampler sampler, Reference reference, TensorSource io) {
    float[] timesteps = sampler.timesteps();
    if (io.info(name).type().isFloating()) {
      reference.output(name, timesteps, timesteps.length);
    } else {
      long[] whole = new long[timesteps.length];
      Arrays.setAll(whole, i -> (long) timesteps[i]);
      reference.ids(name, whole, whole.length);
    }
  }

  /** Replays the stored noise, draw after draw. */
  private static final class StoredNoise implements NoiseSource {
    private final float[] values;
    private int draws;

    StoredNoise(float[] values) {
      this.values = values;
    }

    @Override
    public void gaussian(float[] out) {
      System.arraycopy(values, draws * out.length, out, 0, out.length);
      draws++;
    }
  }

  /** The noise schedule that a scheduler's options describe. */
  static NoiseSchedule schedule(Sizes config) {
    String betas = config.text("beta_schedule");
    NoiseSchedule.Betas kind =
        switch (betas) {
          case "linear" -> NoiseSchedule.Betas.LINEAR;
          case "scaled_linear" -> NoiseSchedule.Betas.SCALED_LINEAR;
          case "squaredcos_cap_v2" -> NoiseSchedule.Betas.SQUARED_COSINE;
          default ->
              throw new IllegalArgumentException(
                  "config.json: " + config.path() + "beta_schedule is unknown: " + betas);
        };
    return new NoiseSchedule(
        kind,
        config.number("beta_start"),
        config.number("beta_end"),
        config.integer("num_train_timesteps"));
  }

  /** What the network predicts by a scheduler's options. */
  static PredictionType prediction(Sizes config) {
    return constant(PredictionType.class, config, "prediction_type");
  }

  private static <E extends Enum<E>> E constant(Class<E> type, Sizes config, String name) {
    String text = config.text(name);
    try {
      return Enum.valueOf(type, upper(text));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "config.json: " + config.path() + name + " is unknown: " + text, e);
    }
  }

  private static SamplerConfig samplerConfig(Sizes run) {
    double eta =
        run.has("step_kwargs") && !run.config().get("step_kwargs").isJsonNull()
            ? run.section("step_kwargs").number("eta", 0)
            : 0;
    return samplerConfig(run.text("cls"), run.integer("n"), run.section("config"), eta);
  }

  /** A sampler of a scheduler's class with its options. */
  static SamplerConfig samplerConfig(String scheduler, int steps, Sizes config, double eta) {
    IMPLEMENTED.forEach((option, value) -> requireImplemented(config.config(), option, value));
    return SamplerConfig.builder(known(CLASSES, scheduler))
        .schedule(schedule(config))
        .steps(steps)
        .predictionType(prediction(config))
        .timestepSpacing(constant(TimestepSpacing.class, config, "timestep_spacing"))
        .stepsOffset(config.integer("steps_offset"))
        .clipSample(config.flag("clip_sample", false))
        .clipRange((float) config.number("clip_sample_range", 1))
        .setAlphaToOne(config.flag("set_alpha_to_one", true))
        .skipRungeKutta(config.flag("skip_prk_steps", false))
        .solverOrder(config.integer("solver_order", 2))
        .lowerOrderFinal(config.flag("lower_order_final", true))
        .karrasSigmas(config.flag("use_karras_sigmas", false))
        .eta((float) eta)
        .build();
  }

  /** An option whose other values the samplers do not know must not be passed over in silence. */
  private static void requireImplemented(JsonObject config, String option, String value) {
    JsonElement given = config.get(option);
    if (given != null && !given.isJsonNull() && !given.getAsString().equals(value)) {
      throw new IllegalArgumentException(
          "scheduler option "
              + option
              + " = "
              + given.getAsString()
              + "; only "
              + value
              + " is known");
    }
  }

  private static TimestepSpacing spacing(String name) {
    return TimestepSpacing.valueOf(upper(name));
  }

  private static String upper(String name) {
    return name.toUpperCase(Locale.ROOT);
  }

  private static SamplingMethod known(Map<String, SamplingMethod> methods, String name) {
    SamplingMethod method = methods.get(name);
    if (method == null) {
      throw new IllegalArgumentException("unknown scheduler " + name);
    }
    return method;
  }

  private static int[] ints(long[] values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }
}
