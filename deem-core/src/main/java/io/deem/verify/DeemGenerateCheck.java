package io.deem.verify;

import com.google.gson.JsonElement;
import io.deem.diffusion.Sampler;
import io.deem.generation.Generation;
import io.deem.generation.GenerationConfig;
import io.deem.generation.GenerationListener;
import io.deem.graph.Engine;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.ImageConditions;
import io.deem.model.ImageGeneration;
import io.deem.model.InterleavedBatch;
import io.deem.model.VisualTokenizer;
import io.deem.perception.InterleavedText;
import io.deem.random.StoredDraws;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a complete, reduced model generates: texts by greedy and beam search, scores of given
 * answers, and images by the samplers. Its weights are those of a fixture beside it, which its
 * configuration names.
 */
final class DeemGenerateCheck implements FixtureCheck {

  private static final Pattern NEIGHBOUR =
      Pattern.compile("\\.\\./([A-Za-z0-9_-]+)/model\\.safetensors");
  private static final Pattern DRAWING = Pattern.compile("img\\.([a-z]+)(_\\w+)?\\.init_noise");
  private static final Map<String, String> BIASES =
      Map.of("text_decoder.head.bias", "head_bias", "text_decoder.head_new.bias", "head_new_bias");

  /** SPEC section 9.9; cases named {@code nocfg} have none. */
  private static final double GUIDANCE = 3.5;

  @Override
  public String kind() {
    return "deem generate";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.config().has("weights")
        && (fixture.hasAll("txt.text_ids", "txt.image_tensors")
            || fixture.hasAll("img.text_ids", "img.image_tensors"));
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) throws IOException {
    try (Fixture model = Fixture.open(modelFolder(fixture))) {
      DeemNetwork network = new DeemNetwork(CompleteModel.of(model.config(), model.weights()));
      Reference reference = report.against(fixture.io(), engine.name());
      for (String texts : List.of("txt", "txt2")) {
        if (fixture.has(texts + ".head_bias")) {
          TensorSource weights = new ReplacedTensors(model.weights(), fixture.io(), texts + ".");
          try (Session session = engine.open(weights);
              Scope scope = session.scope()) {
            texts(network, fixture, texts, new Replay(fixture.io(), scope, reference));
          }
        }
      }
      try (Session session = engine.open(model.weights());
          Scope scope = session.scope()) {
        Replay replay = new Replay(fixture.io(), scope, reference);
        if (fixture.has("score.out.scores")) {
          scores(network, fixture, replay);
        }
        if (fixture.has("img.text_ids")) {
          images(network, fixture, replay);
        }
      }
    }
  }

  private static Path modelFolder(Fixture fixture) throws IOException {
    JsonElement weights = fixture.config().get("weights");
    Matcher named = NEIGHBOUR.matcher(weights == null ? "" : weights.toString());
    if (!named.find()) {
      throw new IOException(
          fixture.folder().resolve("config.json")
              + ": weights does not name ../FOLDER/model.safetensors");
    }
    return fixture.folder().toAbsolutePath().resolveSibling(named.group(1));
  }

  // ---------------------------------------------------------------- texts

  private static void texts(DeemNetwork network, Fixture fixture, String texts, Replay replay) {
    InterleavedBatch.Special special = network.config().special();
    InterleavedBatch batch =
        CompleteModel.batch(special, replay.io(), "txt.text_ids", "txt.attention_mask");
    Value images = replay.floats("txt.image_tensors");
    VisualTokenizer.Tokens whole = network.eyes().forward(replay.scope(), images, null);
    VisualTokenizer.Tokens region =
        network.eyes().forward(replay.scope(), images, replay.floats("txt.region_mask"));
    if (texts.equals("txt")) {
      long[] counts = CompleteModel.imagesOfRows(batch);
      replay.reference().ids("txt.num_image_per_seq", counts, counts.length);
      prompts(network, batch, whole, replay);
    }
    String prefix = texts + ".out.";
    for (String name : replay.io().names()) {
      if (name.startsWith(prefix)) {
        String kind = name.substring(prefix.length());
        Sizes options = new Sizes(fixture.config()).section("text_cases").section(kind);
        VisualTokenizer.Tokens seen = kind.endsWith("_region") ? region : whole;
        try (Scope scope = replay.scope().child()) {
          Generation generated =
              new InterleavedText(network)
                  .generate(
                      scope,
                      batch,
                      InterleavedText.Sight.of(seen),
                      generation(special, options),
                      GenerationListener.NONE);
          int[][] sequences = generated.sequences();
          long[] ids =
              Arrays.stream(sequences).flatMapToInt(Arrays::stream).asLongStream().toArray();
          replay.reference().ids(name, ids, sequences.length, sequences[0].length);
        }
      }
    }
  }

  private static void prompts(
      DeemNetwork network, InterleavedBatch batch, VisualTokenizer.Tokens seen, Replay replay) {
    replay
        .reference()
        .output(
            "txt.mid.cross_attention_mask",
            batch.visible(),
            batch.rows(),
            batch.length(),
            batch.imagesPerRow());
    Scope scope = replay.scope();
    replay.output("txt.mid.mm_embeds", network.language().embed(scope, batch, seen.tokens()));
    float[][] logits =
        new InterleavedText(network)
            .prompted(scope, batch, InterleavedText.Sight.of(seen))
            .prefill();
    float[] flat = new float[logits.length * logits[0].length];
    for (int row = 0; row < logits.length; row++) {
      System.arraycopy(logits[row], 0, flat, row * logits[row].length, logits[row].length);
    }
    replay.reference().output("txt.mid.prompt_last_logits", flat, logits.length, logits[0].length);
  }

  /** The reference's defaults (SPEC section 9.9), but for what a case says. */
  private static GenerationConfig generation(InterleavedBatch.Special special, Sizes options) {
    return GenerationConfig.builder()
        .maxNewTokens(options.integer("max_length", 30))
        .minLength(options.integer("min_length", 8))
        .numBeams(options.integer("num_beams", 5))
        .lengthPenalty(options.number("length_penalty", 1))
        .repetitionPenalty((float) options.number("repetition_penalty", 1))
        .numReturnSequences(options.integer("num_captions", 1))
        .eosIds(special.end(), special.imageStart())
        .padId(special.padding())
        .build();
  }

  // ---------------------------------------------------------------- scores

  private static void scores(DeemNetwork network, Fixture fixture, Replay replay) {
    TensorSource io = replay.io();
    Value images = replay.floats("txt.image_tensors");
    VisualTokenizer.Tokens seen = network.eyes().forward(replay.scope(), images, null);
    InterleavedText text = new InterleavedText(network);
    List<Double> scores = new ArrayList<>();
    int samples = 0;
    for (; fixture.has("score." + samples + ".text_ids"); samples++) {
      String name = "score." + samples + ".";
      int[] prompt = ints(io.longs(name + "text_ids"));
      List<int[]> options = options(io, name);
      try (Scope scope = replay.scope().child()) {
        InterleavedText.Sight sight =
            new InterleavedText.Sight(
                row(scope, seen.tokens(), samples), rows(scope, seen.maps(), samples));
        double[] some = text.score(scope, prompt, options, sight, () -> {});
        Arrays.stream(some).forEach(scores::add);
      }
    }
    float[] all = new float[scores.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = scores.get(i).floatValue();
    }
    replay.reference().output("score.out.scores", all, samples, 1, all.length / samples);
  }

  private static List<int[]> options(TensorSource io, String name) {
    long[] ids = io.longs(name + "options_ids");
    long[] mask = io.longs(name + "options_attn_mask");
    int width = (int) io.info(name + "options_ids").shape()[1];
    List<int[]> options = new ArrayList<>();
    for (int row = 0; row < ids.length / width; row++) {
      options.add(
          IntStream.range(row * width, (row + 1) * width)
              .filter(i -> mask[i] == 1)
              .map(i -> (int) ids[i])
              .toArray());
    }
    return options;
  }

  private static List<Value> rows(Scope scope, List<Value> values, int row) {
    return values.stream().map(value -> row(scope, value, row)).collect(Collectors.toList());
  }

  private static Value row(Scope scope, Value value, int row) {
    float[] all = value.floats();
    long[] shape = value.shape().clone();
    int width = Math.toIntExact(all.length / shape[0]);
    shape[0] = 1;
    return scope.floats(Arrays.copyOfRange(all, row * width, (row + 1) * width), shape);
  }

  // ---------------------------------------------------------------- images

  private static void images(DeemNetwork network, Fixture fixture, Replay replay) {
    TensorSource io = replay.io();
    InterleavedBatch batch =
        CompleteModel.batch(network.config().special(), io, "img.text_ids", "img.attention_mask");
    long[] counts = CompleteModel.imagesOfRows(batch);
    replay.reference().ids("img.num_image_per_seq", counts, counts.length);
    ImageGeneration drawing = new ImageGeneration(network);
    VisualTokenizer.Tokens seen =
        network.eyes().forward(replay.scope(), replay.floats("img.image_tensors"), null);
    ImageConditions.Conditions conditions = drawing.conditions(replay.scope(), batch, seen);
    InterleavedBatch.ImageContexts contexts = batch.imageContexts(true);
    int images = batch.images();
    replay
        .reference()
        .ids("img.mid.context_attention_mask", contexts.mask(), images, contexts.longest());
    replay.output("img.mid.context_features", conditions.context());
    replay.output("img.mid.perceiver", conditions.tokens());
    replay.reference().ids("img.mid.mmfs_mask", conditions.visible(), images, 1);
    for (String name : io.names()) {
      Matcher matcher = DRAWING.matcher(name);
      if (matcher.matches()) {
        boolean all = name.contains("_all");
        int[] chosen =
            all ? IntStream.range(0, images).toArray() : ints(io.longs("img.target_image_idxs"));
        String tag = name.substring(0, name.lastIndexOf('.') + 1);
        double guidance = name.contains("nocfg") ? 1 : GUIDANCE;
        Sampler sampler = sampler(fixture, matcher.group(1), io.longs(tag + "timesteps").length);
        draw(drawing, conditions, chosen, new Drawing(tag, guidance, sampler), replay);
      }
    }
  }

  private record Drawing(String tag, double guidance, Sampler sampler) {}

  private static void draw(
      ImageGeneration drawing,
      ImageConditions.Conditions conditions,
      int[] chosen,
      Drawing how,
      Replay replay) {
    TensorSource io = replay.io();
    long[] steps = new long[how.sampler.size()];
    Arrays.setAll(steps, i -> (long) how.sampler.timestep(i));
    replay.reference().ids(how.tag + "timesteps", steps, steps.length);
    float[] noise = io.floats(how.tag + "init_noise");
    StoredDraws draws = new StoredDraws();
    if (io.contains(how.tag + "variance_noise")) {
      float[] fresh = io.floats(how.tag + "variance_noise");
      for (int first = 0; first < fresh.length; first += noise.length) {
        draws.thenGaussian(Arrays.copyOfRange(fresh, first, first + noise.length));
      }
    }
    float[] latents = new float[steps.length * noise.length];
    float[] pixels =
        drawing.draw(
            replay.scope(),
            conditions,
            chosen,
            noise,
            new ImageGeneration.Options(
                how.guidance,
                how.sampler,
                draws,
                (step, x) -> System.arraycopy(x, 0, latents, step * x.length, x.length)));
    String name = how.tag + "latents_steps";
    replay.reference().output(name, latents, io.info(name).shape());
    replay.reference().output(how.tag + "image", pixels, io.info(how.tag + "image").shape());
  }

  /** A sampler with the options that the fixture stores under its method's name. */
  private static Sampler sampler(Fixture fixture, String method, int steps) {
    String scheduler = method.toUpperCase(Locale.ROOT) + "Scheduler";
    Sizes options = new Sizes(fixture.config()).section(method);
    return SchedulersCheck.samplerConfig(scheduler, steps, options, 0).sampler();
  }

  private static int[] ints(long[] values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }

  /** A model's weights, some of them replaced by stored tensors. */
  private record ReplacedTensors(TensorSource model, TensorSource io, String prefix)
      implements TensorSource {

    private TensorSource of(String name) {
      return BIASES.containsKey(name) ? io : model;
    }

    private String there(String name) {
      return BIASES.containsKey(name) ? prefix + BIASES.get(name) : name;
    }

    @Override
    public Set<String> names() {
      return model.names();
    }

    @Override
    public TensorInfo info(String name) {
      return of(name).info(there(name));
    }

    @Override
    public ByteBuffer bytes(String name) {
      return of(name).bytes(there(name));
    }

    @Override
    public float[] floats(String name) {
      return of(name).floats(there(name));
    }

    @Override
    public long[] longs(String name) {
      return of(name).longs(there(name));
    }

    @Override
    public String origin() {
      return model.origin();
    }

    @Override
    public void close() {
      // Both belong to the fixtures.
    }
  }
}
