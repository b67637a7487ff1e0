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
    NoiseSchedule schedule = schedule(fixture.config().getAsJsonObject("base"));
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
    for (JsonElement element : fixture.config().getAsJsonArray("cases")) {
      sampling(element.getAsJsonObject(), io, report, reference);
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

  private static void sampling(
      JsonObject run, TensorSource io, Report report, Reference reference) {
    String name = run.get("name").getAsString();
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
      int expected = run.get("rand_used").getAsInt();
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

  private static NoiseSchedule schedule(JsonObject config) {
    NoiseSchedule.Betas kind =
        switch (config.get("beta_schedule").getAsString()) {
          case "linear" -> NoiseSchedule.Betas.LINEAR;
          case "scaled_linear" -> NoiseSchedule.Betas.SCALED_LINEAR;
          case "squaredcos_cap_v2" -> NoiseSchedule.Betas.SQUARED_COSINE;
          default -> throw new IllegalArgumentException("unknown beta_schedule in " + config);
        };
    return new NoiseSchedule(
        kind,
        config.get("beta_start").getAsDouble(),
        config.get("beta_end").getAsDouble(),
        config.get("num_train_timesteps").getAsInt());
  }

  /** A sampler of {@code cls} with {@code n} steps and the options of {@code config}. */
  static SamplerConfig samplerConfig(JsonObject run) {
    JsonObject config = run.getAsJsonObject("config");
    IMPLEMENTED.forEach((option, value) -> requireImplemented(config, option, value));
    SamplerConfig.Builder builder =
        SamplerConfig.builder(known(CLASSES, run.get("cls").getAsString()))
            .schedule(schedule(config))
            .steps(run.get("n").getAsInt())
            .predictionType(
                PredictionType.valueOf(upper(config.get("prediction_type").getAsString())))
            .timestepSpacing(spacing(config.get("timestep_spacing").getAsString()))
            .stepsOffset(config.get("steps_offset").getAsInt())
            .clipSample(flag(config, "clip_sample", false))
            .setAlphaToOne(flag(config, "set_alpha_to_one", true))
            .skipRungeKutta(flag(config, "skip_prk_steps", false))
            .lowerOrderFinal(flag(config, "lower_order_final", true))
            .karrasSigmas(flag(config, "use_karras_sigmas", false));
    if (config.has("clip_sample_range")) {
      builder.clipRange(config.get("clip_sample_range").getAsFloat());
    }
    if (config.has("solver_order")) {
      builder.solverOrder(config.get("solver_order").getAsInt());
    }
    JsonObject arguments = run.getAsJsonObject("step_kwargs");
    if (arguments != null && arguments.has("eta")) {
      builder.eta(arguments.get("eta").getAsFloat());
    }
    return builder.build();
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

  private static boolean flag(JsonObject config, String name, boolean absent) {
    return config.has(name) ? config.get(name).getAsBoolean() : absent;
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
