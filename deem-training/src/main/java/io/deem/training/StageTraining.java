package io.deem.training;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.Cancellation;
import io.deem.MemoryEstimate;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.Stage;
import io.deem.TrainingReport;
import io.deem.TrainingSettings;
import io.deem.graph.Param;
import io.deem.lora.AdaptedWeights;
import io.deem.lora.AdapterFile;
import io.deem.lora.LowRankAdaptation;
import io.deem.model.Freezing;
import io.deem.model.ModelFolder;
import io.deem.random.RandomSource;
import io.deem.spi.TrainingEngine;
import io.deem.text.TokenizerFile;
import io.deem.torch.Precision;
import io.deem.torch.ProcessorFeatures;
import io.deem.torch.Recording;
import io.deem.torch.Regularization;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchOptions;
import io.deem.torch.TorchSession;
import io.deem.training.data.Batch;
import io.deem.training.data.BatchFormat;
import io.deem.training.data.BatchSource;
import io.deem.weights.ElementType;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Trains a model folder on libtorch, in one of the paper's stages. */
public final class StageTraining implements TrainingEngine {

  private static final int LONGEST_NAME = 100;

  private final Path folder;
  private final TorchOptions options;

  /** Training on the processor; see {@link #StageTraining(Path, TorchOptions)}. */
  public StageTraining(Path folder) {
    this(folder, TorchOptions.onProcessor());
  }

  /**
   * Training of a model.
   *
   * @param folder is read when training starts and never written
   * @param options where and how libtorch computes, but for the precision, which the settings
   *     choose
   */
  public StageTraining(Path folder, TorchOptions options) {
    this.folder = folder;
    this.options = options;
  }

  /** The recipe that settings amount to. */
  public static Recipe recipe(TrainingSettings settings) throws IOException {
    Recipe recipe = Recipe.of(settings.stage());
    if (settings.recipe().isPresent()) {
      recipe = recipe.changedBy(settings.recipe().get());
    }
    if (settings.steps().isPresent()) {
      recipe = recipe.withSteps(settings.steps().getAsInt());
    }
    if (settings.batch().isPresent()) {
      recipe = recipe.withBatch(settings.batch().getAsInt());
    }
    if (settings.accumulation().isPresent()) {
      recipe = recipe.withAccumulation(settings.accumulation().getAsInt());
    }
    if (settings.adapterRank().isPresent()) {
      recipe = recipe.withAdapters(settings.adapterRank().getAsInt());
    }
    return recipe;
  }

  @Override
  public TrainingReport train(
      TrainingSettings settings, ProgressListener listener, Cancellation cancellation)
      throws IOException {
    requireData(settings);
    RunFolder run =
        new RunFolder(
            settings
                .output()
                .orElseThrow(
                    () -> new IllegalArgumentException("a training needs an output folder")));
    Recipe recipe = recipe(settings);
    run.requireFit(settings.resume());
    try (ModelFolder model = ModelFolder.open(folder);
        TrainingData data = TrainingData.open(settings.data(), settings.stage(), recipe)) {
      RunIdentity identity = identity(settings, recipe, data);
      run.open(identity);
      return train(new Run(settings, recipe, run, identity, model, data), listener, cancellation);
    } catch (UncheckedIOException e) {
      throw new IOException(e.getMessage(), e.getCause());
    }
  }

  /** Everything that a training is made of. */
  private record Run(
      TrainingSettings settings,
      Recipe recipe,
      RunFolder folder,
      RunIdentity identity,
      ModelFolder model,
      TrainingData data) {

    BatchFormat format() {
      return BatchFormat.of(model, recipe.longest());
    }
  }

  private TrainingReport train(Run run, ProgressListener listener, Cancellation cancellation)
      throws IOException {
    long started = System.nanoTime();
    Recipe recipe = run.recipe;
    try (TorchSession session = open(run.model, run.settings, recipe);
        AdamW optimizer = optimizer(session, run.settings, recipe);
        TrainingData heldOut = heldOut(run);
        FrozenPictures frozen = frozen(run, session);
        StageTask task =
            new StageTask(
                run.model.network(),
                recipe,
                run.data.batches(run.format(), run.settings.seed()),
                frozen);
        RunLog log = new RunLog(run.folder.path())) {
      HeldOut validator = validator(run, session, heldOut);
      ProgressListener both =
          progress -> {
            log.onProgress(progress);
            listener.onProgress(progress);
          };
      Optional<Path> newest = new Checkpoints(run.folder.checkpoints(), 1).newest();
      if (newest.isEmpty() && heldOut != null) {
        both.onProgress(start(run, validator));
      }
      TrainingLoop.Outcome outcome =
          new TrainingLoop(session, optimizer, plan(run)).run(task, validator, both, cancellation);
      if (log.rows().isEmpty()) {
        log.load(outcome.steps());
      }
      write(run, session, run.folder.model(), outcome.steps());
      writeAdapters(run, session);
      List<HtmlReport.Redraw> redraws = validator.redraws(run.settings.redraws());
      writeBest(run, session, outcome);
      return report(run, outcome, task.broken(), log.rows(), redraws, since(started));
    }
  }

  private static Progress start(Run run, HeldOut validator) throws IOException {
    Map<String, Double> before = validator.validate(0);
    return new Progress(
        run.settings.stage().title(), 0, run.recipe.steps(), before, 0, Duration.ZERO);
  }

  private TorchSession open(ModelFolder model, TrainingSettings settings, Recipe recipe)
      throws IOException {
    TorchSession session =
        new TorchEngine(options.withPrecision(precision(settings)))
            .open(weights(model, settings, recipe), recipe.rewriting());
    session.trainable(recipe.learns());
    // What learns comes first: the frozen weights get what it leaves of the device, as the blocks
    // need them, and in bfloat16 where they may be.
    params(model, recipe).stream()
        .filter(param -> recipe.learns().test(param.name()))
        .forEach(session::load);
    return session;
  }

  /** A model's weights with fresh factors of its adapters, if there are any. */
  private static TensorSource weights(ModelFolder model, TrainingSettings settings, Recipe recipe) {
    if (recipe.adapters().isEmpty()) {
      return model.weights();
    }
    LowRankAdaptation lora = recipe.adaptation().get();
    return AdaptedWeights.fresh(model.weights(), lora, settings.seed());
  }

  /** The model's parameters and the factors of its adapters. */
  private static List<Param> params(ModelFolder model, Recipe recipe) throws IOException {
    List<Param> params = new ArrayList<>(model.network().params());
    if (recipe.adapters().isPresent()) {
      LowRankAdaptation lora = recipe.adaptation().get();
      TensorSource fresh = AdaptedWeights.fresh(model.weights(), lora, 0);
      fresh.names().stream()
          .filter(lora.learnt(false))
          .forEach(name -> params.add(Param.of(name, fresh.info(name).shape())));
      if (params.size() == model.network().params().size()) {
        throw new IOException(
            "the recipe's adapters.layers finds no linear layer: "
                + recipe.adapters().get().layers());
      }
    }
    return params;
  }

  /** What is kept of pictures that come again; null if nothing is to be. */
  private FrozenPictures frozen(Run run, TorchSession session) throws IOException {
    if (run.settings.cache().isEmpty()) {
      return null;
    }
    return FrozenPictures.open(
        run.settings.cache().get(),
        session,
        run.model.network(),
        run.model.weights(),
        run.recipe.learns(),
        seesFrozen(run),
        precision(run.settings) + (options.onGpu() ? " gpu" : " cpu"));
  }

  /** Whether nothing below what adapts the encoder's output learns, nor has adapters. */
  private static boolean seesFrozen(Run run) {
    Optional<LowRankAdaptation> lora = run.recipe.adaptation();
    return run.recipe.freezing().encoder()
        && run.model.network().eyes().encoder().params().stream()
            .allMatch(param -> lora.isEmpty() || lora.get().layer(param.name()) == null);
  }

  private static AdamW optimizer(TorchSession session, TrainingSettings settings, Recipe recipe) {
    return new AdamW(
        session,
        recipe.optimizer(),
        recipe.groups(),
        AdamW.decaying(Freezing::inLayerNorm),
        settings.eightBitMoments());
  }

  private static TrainingData heldOut(Run run) throws IOException {
    Optional<TrainingSettings.Data> data = run.settings.validation();
    return data.isEmpty()
        ? null
        : TrainingData.open(List.of(data.get()), run.settings.stage(), run.recipe);
  }

  private static HeldOut validator(Run run, TorchSession session, TrainingData heldOut)
      throws IOException {
    BatchSource batches = heldOut == null ? null : heldOut.batches(run.format(), 0);
    TrainingData shown = heldOut == null ? run.data : heldOut;
    return new HeldOut(session, run.model, run.recipe, batches, HeldOut.pictures(shown.sets()));
  }

  private static TrainingLoop.Plan plan(Run run) {
    TrainingSettings settings = run.settings;
    return new TrainingLoop.Plan(
        settings.stage().title(),
        run.identity,
        run.recipe.steps(),
        settings.seed(),
        run.recipe.schedule(),
        run.recipe.accumulation(),
        recording(settings),
        run.recipe.regularization(),
        run.folder.checkpoints(),
        settings.checkpointEvery(),
        settings.keptCheckpoints());
  }

  private static Recording recording(TrainingSettings settings) {
    return settings.gradientCheckpointing() ? Recording.CHECKPOINTS : Recording.STEP;
  }

  /** The arithmetic that settings amount to on this machine. */
  public static Precision precision(TrainingSettings settings) {
    return switch (settings.precision()) {
      case AUTO -> ProcessorFeatures.bfloat16() ? Precision.BF16 : Precision.FP32;
      case FP32 -> Precision.FP32;
      case BF16 -> Precision.BF16;
    };
  }

  // ---------------------------------------------------------------- identity and provenance

  private RunIdentity identity(TrainingSettings settings, Recipe recipe, TrainingData data)
      throws IOException {
    RunIdentity identity =
        new RunIdentity(Map.of())
            .with("stage", settings.stage().title())
            .with("recipe", recipe.json())
            .with("seed", Long.toString(settings.seed()))
            .with("precision", precision(settings).name())
            .with("gradientCheckpointing", Boolean.toString(settings.gradientCheckpointing()))
            .with("eightBitMoments", Boolean.toString(settings.eightBitMoments()))
            .with("model weights", FileChecksum.ofWeights(folder))
            .with(
                "model description",
                FileChecksum.of(List.of(folder.resolve(ModelFolder.DESCRIPTION_FILE))));
    if (settings.cache().isPresent()) {
      // The last bits differ where pictures go through frozen parts one by one.
      identity = identity.with("kept pictures", "true");
    }
    for (Map.Entry<String, String> set : data.checksums().entrySet()) {
      identity = identity.with("data " + set.getKey(), set.getValue());
    }
    for (int i = 0; i < settings.data().size(); i++) {
      identity =
          identity.with("weight of data " + i, Double.toString(settings.data().get(i).weight()));
    }
    return identity;
  }

  private static Map<String, String> provenance(Run run, long steps) {
    Map<String, String> facts = new TreeMap<>(run.identity.facts());
    Map<String, String> provenance = new TreeMap<>();
    provenance.put("trained", run.settings.stage().title() + ", " + steps + " steps");
    provenance.put("recipe", run.recipe.json().toString());
    facts.keySet().removeIf(name -> name.startsWith("recipe."));
    provenance.putAll(facts);
    provenance.put("parent", run.model.description().name());
    run.model
        .description()
        .provenance()
        .forEach((name, value) -> provenance.put("parent." + name, value));
    provenance.put(
        "versions",
        "deem "
            + Optional.ofNullable(StageTraining.class.getPackage().getImplementationVersion())
                .orElse("development")
            + ", java "
            + Runtime.version().feature()
            + ", libtorch "
            + ai.djl.engine.Engine.getEngine("PyTorch").getVersion());
    return provenance;
  }

  private static void write(Run run, TorchSession session, Path to, long steps) throws IOException {
    ModelFolder.Description parent = run.model.description();
    String table = run.model.network().language().decoder().embeddings().name();
    String name = parent.name() + ", " + run.settings.stage().title();
    ModelFolder.write(
        to,
        new ModelFolder.Description(
            name.length() > LONGEST_NAME ? parent.name() : name,
            parent.architecture(),
            parent.prompts(),
            // A head that is its embeddings is so no more when they have learnt.
            parent.headTied() && !run.recipe.learns().test(table),
            provenance(run, steps)),
        learnt(run, session),
        ElementType.F32,
        TokenizerFile.read(run.model.folder()));
  }

  /** What the model has become, its adapters merged in. */
  private static TensorSource learnt(Run run, TorchSession session) {
    TensorSource weights = SessionWeights.source(session, run.model.weights());
    if (run.recipe.adapters().isEmpty()) {
      return weights;
    }
    LowRankAdaptation lora = run.recipe.adaptation().get();
    return AdaptedWeights.merged(
        weights, SessionWeights.factors(session, run.model.weights(), lora), lora);
  }

  private static void writeAdapters(Run run, TorchSession session) throws IOException {
    if (run.recipe.adapters().isPresent()) {
      LowRankAdaptation lora = run.recipe.adaptation().get();
      TensorSource factors = SessionWeights.factors(session, run.model.weights(), lora);
      AdapterFile.write(run.folder.adapters(), lora, factors, false);
    }
  }

  /** Makes a model of the best checkpoint, unless that is the last step. */
  private static void writeBest(Run run, TorchSession session, TrainingLoop.Outcome outcome)
      throws IOException {
    if (outcome.best().isPresent()) {
      long step = Checkpoints.describe(outcome.best().get()).step();
      if (step != outcome.steps()) {
        Checkpoints.loadWeights(outcome.best().get(), session);
        write(run, session, run.folder.best(), step);
      }
    }
  }

  // ---------------------------------------------------------------- report

  private static TrainingReport report(
      Run run,
      TrainingLoop.Outcome outcome,
      List<String> broken,
      List<RunLog.Row> rows,
      List<HtmlReport.Redraw> redraws,
      Duration duration)
      throws IOException {
    Map<String, Double> before = first(rows);
    Map<String, Double> after = last(rows);
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("model", run.model.description().name());
    facts.put("steps", Long.toString(outcome.steps()));
    facts.put("skipped steps", outcome.skipped().toString());
    facts.put("broken items", Integer.toString(broken.size()));
    outcome.best().ifPresent(best -> facts.put("best checkpoint", best.getFileName().toString()));
    facts.putAll(run.identity.facts());
    String title = run.model.description().name() + ": " + run.settings.stage().title();
    String html = HtmlReport.page(title, facts, rows, redraws);
    RunFolder.write(run.folder.report(), html);
    TrainingReport report =
        new TrainingReport(
            run.settings.stage(),
            run.folder.model(),
            outcome.steps(),
            outcome.firstStep(),
            outcome.skipped(),
            broken,
            before,
            after,
            outcome.best(),
            duration,
            html,
            json(run, outcome, broken, before, after, duration).toString());
    report.save(run.folder.path().resolve("report.json"));
    return report;
  }

  private static JsonObject json(
      Run run,
      TrainingLoop.Outcome outcome,
      List<String> broken,
      Map<String, Double> before,
      Map<String, Double> after,
      Duration duration)
      throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty("stage", run.settings.stage().title());
    json.addProperty("model", run.folder.model().toString());
    json.addProperty("steps", outcome.steps());
    json.addProperty("resumedAt", outcome.firstStep());
    JsonArray skipped = new JsonArray();
    outcome.skipped().forEach(skipped::add);
    json.add("skipped", skipped);
    JsonArray left = new JsonArray();
    broken.forEach(left::add);
    json.add("broken", left);
    json.add("before", numbers(before));
    json.add("after", numbers(after));
    outcome.best().ifPresent(best -> json.addProperty("bestCheckpoint", best.toString()));
    json.addProperty("seconds", duration.toMillis() / 1000.0);
    json.addProperty("peakResidentBytes", MemoryModel.peakResidentBytes());
    json.add("identity", run.identity.json());
    return json;
  }

  private static JsonObject numbers(Map<String, Double> metrics) {
    JsonObject json = new JsonObject();
    new TreeMap<>(metrics)
        .forEach((name, value) -> json.addProperty(name, Double.isFinite(value) ? value : null));
    return json;
  }

  /** The first value of each metric. */
  private static Map<String, Double> first(List<RunLog.Row> rows) {
    Map<String, Double> values = new LinkedHashMap<>();
    rows.forEach(row -> row.values().forEach(values::putIfAbsent));
    return values;
  }

  /** The last value of each metric. */
  private static Map<String, Double> last(List<RunLog.Row> rows) {
    Map<String, Double> values = new LinkedHashMap<>();
    rows.forEach(row -> values.putAll(row.values()));
    return values;
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }

  // ---------------------------------------------------------------- memory

  @Override
  public MemoryEstimate estimate(TrainingSettings settings) throws IOException {
    requireData(settings);
    Recipe recipe = recipe(settings);
    try (ModelFolder model = ModelFolder.open(folder);
        TrainingData data = TrainingData.open(settings.data(), settings.stage(), recipe)) {
      BatchSource source = data.batches(BatchFormat.of(model, recipe.longest()), settings.seed());
      // What libtorch itself takes is measured, so it must be there.
      TorchEngine engine = new TorchEngine(options.withPrecision(precision(settings)));
      engine.open(model.weights()).close();
      return estimate(settings, recipe, model, source, engine.options());
    }
  }

  private static MemoryEstimate estimate(
      TrainingSettings settings,
      Recipe recipe,
      ModelFolder model,
      BatchSource source,
      TorchOptions options)
      throws IOException {
    ShapeScope largest = null;
    long most = -1;
    long waiting = 0;
    // Batches differ in length; the largest of a few stands for all.
    for (long number = 0; number < 8; number++) {
      ShapeScope scope =
          new ShapeScope(
              recipe.learns(),
              precision(settings),
              !recipe.regularization().equals(Regularization.NONE),
              recipe.rewriting());
      Batch batch = source.batch(number);
      StageTask.step(model.network(), recipe, scope, batch, RandomSource.seeded(number));
      long bytes = scope.visits().stream().mapToLong(v -> v.resultBytes()).sum();
      bytes += scope.visits().stream().mapToLong(v -> v.cost().keptBytes()).sum();
      if (bytes > most) {
        most = bytes;
        largest = scope;
      }
      long size = Float.BYTES * ((long) batch.images().length + batch.drawn().length);
      waiting = Math.max(waiting, size);
    }
    List<Param> params = params(model, recipe);
    double moment = settings.eightBitMoments() ? AdamW.EIGHT_BIT_BYTES : Float.BYTES;
    if (options.onGpu()) {
      return DeviceMemory.estimate(
          params, recipe.learns(), options, moment, largest, recording(settings));
    }
    return MemoryModel.estimate(
        params,
        recipe.learns(),
        precision(settings),
        moment,
        largest,
        recording(settings),
        FileChecksum.bytesOfWeights(model.folder()),
        4 * waiting);
  }

  private static void requireData(TrainingSettings settings) {
    if (settings.data().isEmpty()) {
      throw new IllegalArgumentException("a training needs data");
    }
    if (settings.stage() == null) {
      throw new IllegalArgumentException("a training needs a stage: " + List.of(Stage.values()));
    }
  }
}
