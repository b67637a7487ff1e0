package io.deem.mini.recipe;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.Cancellation;
import io.deem.graph.Param;
import io.deem.mini.EmojiStyle;
import io.deem.mini.Scene;
import io.deem.mini.SceneBenchmark;
import io.deem.mini.SceneBenchmark.Kind;
import io.deem.mini.SceneGenerator;
import io.deem.model.Freezing;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.AdamW;
import io.deem.training.InitialWeights;
import io.deem.training.ParameterGroup;
import io.deem.training.TrainingLoop;
import io.deem.training.evaluation.AnswerMode;
import io.deem.training.evaluation.Answered;
import io.deem.training.evaluation.KindResult;
import io.deem.training.evaluation.KindResult.Counting;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** Trains one arm of a repetition and measures what came of it. */
final class ArmRun {

  /** The styles that arms are tested on. */
  static final List<EmojiStyle> STYLES =
      List.of(EmojiStyle.NOTO, EmojiStyle.FLUENT, EmojiStyle.OPENMOJI, EmojiStyle.OPENMOJI_BLACK);

  private static final EmojiStyle TARGET = EmojiStyle.OPENMOJI;
  private static final int FEATURE_SCENES = 32;
  private static final int NOUN_SCENES = 100;

  private static final List<ParameterGroup> RATES =
      List.of(
          new ParameterGroup("sampling_offsets", 1e-3, 0),
          new ParameterGroup("llama_cross_attn", 1e-3, 0),
          AblationStudy.group("mmfs_module", 1e-3),
          AblationStudy.group("auxiliary.", 1e-3),
          AblationStudy.group("visual_tokenizer.encoder.unet.", 1e-4),
          AblationStudy.group("visual_tokenizer.proj_t", 2e-4),
          AblationStudy.group("visual_tokenizer.proj_i", 1e-3),
          new ParameterGroup("_temperature", 1e-2, 0),
          AblationStudy.group("image_decoder", 3e-4),
          AblationStudy.group("context_feat_proj", 3e-4),
          AblationStudy.group(AblationModel.ENCODER, 3e-4),
          AblationStudy.group("", 7e-4));

  private final AblationStudy study;
  private final Map<EmojiStyle, SceneExam> exams = new LinkedHashMap<>();
  private int prepared = -1;
  private Lessons lessons;

  ArmRun(AblationStudy study) {
    this.study = study;
  }

  /** Trains and measures; the result is a JSON object. */
  JsonObject run(Arm arm, int repetition) throws IOException {
    Path encoder = study.encoder(repetition);
    Path prior = study.prior(arm.prior());
    long seed = AblationPlan.seed(repetition);
    AblationModel model = study.model();
    Labels labels = study.corpus().labels();
    List<AutoCloseable> opened = new ArrayList<>();
    InitialWeights start = model.start(encoder, prior, seed, opened);
    JsonObject result = new JsonObject();
    result.addProperty("arm", arm.id());
    result.addProperty("title", arm.title());
    result.addProperty("repetition", repetition);
    result.addProperty("plan", study.plan().toString());
    try (TorchSession session = new TorchEngine().open(start);
        AdamW optimizer =
            new AdamW(session, new AdamW.Config(0.9, 0.98, 1e-8, 1), RATES, Set.of())) {
      params(arm).forEach(session::load);
      Predicate<String> learns = learns(arm);
      session.trainable(learns);
      prepare(session, arm, repetition);
      GradientProbe probe = new GradientProbe(model, lessons, labels);
      Map<EmojiStyle, float[]> before = features(session, probe);
      JsonObject gradients = new JsonObject();
      gradients.add("start", probe.measure(session, arm));
      ArmTask task = new ArmTask(model, arm, lessons, labels, session);
      Curve curve = new Curve();
      long began = System.nanoTime();
      new TrainingLoop(session, optimizer, AblationStudy.loop(arm.id(), study.plan().steps(), seed))
          .run(task, curve, new Cancellation());
      result.addProperty(
          "secondsPerStep", (System.nanoTime() - began) / 1e9 / study.plan().steps());
      result.addProperty("trainable", count(session));
      JsonObject losses = new JsonObject();
      curve.end().forEach(losses::addProperty);
      result.add("losses", losses);
      gradients.add("end", probe.measure(session, arm));
      result.add("gradients", gradients);
      result.add("drift", drift(before, features(session, probe)));
      result.add("styles", exam(session));
    } finally {
      close(opened);
    }
    return result;
  }

  private void prepare(TorchSession session, Arm arm, int repetition) {
    if (prepared != repetition) {
      lessons =
          new Lessons(
              study.corpus(),
              study.text(),
              TARGET,
              study.plan().batch(),
              AblationPlan.seed(repetition));
      prepared = repetition;
    }
    // Frozen features come first, so that they count in no arm's time.
    lessons.prepare(
        session,
        study.model().network().diffusion(),
        study.plan().steps(),
        arm.feedback() == Arm.Feedback.TARGET);
  }

  private List<Param> params(Arm arm) {
    boolean decodes = arm.feedback() == Arm.Feedback.DECODER;
    return study.model().params().stream()
        .filter(param -> decodes || !param.name().startsWith("auxiliary."))
        .filter(param -> arm.nouns() || !param.name().startsWith("noun_task."))
        .toList();
  }

  private static Predicate<String> learns(Arm arm) {
    Predicate<String> freezing = new Freezing(true, false, !arm.denoiserLearns());
    return name -> freezing.test(name) && !inLanguageModel(name);
  }

  /** What the paper's first stage leaves to learn in the language model but for images. */
  private static boolean inLanguageModel(String name) {
    return name.startsWith("text_decoder.") || name.equals("soi_token");
  }

  /** Elements of the parameters that a gradient can reach. */
  private static long count(TorchSession session) {
    long count = 0;
    for (String name : session.trainableParams()) {
      long size = 1;
      for (long extent : session.param(name).shape()) {
        size *= extent;
      }
      count += size;
    }
    return count;
  }

  private static void close(List<AutoCloseable> opened) throws IOException {
    for (AutoCloseable each : opened) {
      try {
        each.close();
      } catch (IOException e) {
        throw e;
      } catch (Exception e) {
        throw new IOException(e);
      }
    }
  }

  // ---------------------------------------------------------------- measures

  private Map<EmojiStyle, float[]> features(TorchSession session, GradientProbe probe) {
    Map<EmojiStyle, float[]> features = new LinkedHashMap<>();
    for (EmojiStyle style : STYLES) {
      SceneGenerator scenes = study.corpus().test(style);
      List<Scene> shown = new ArrayList<>();
      for (int i = 0; i < FEATURE_SCENES; i++) {
        shown.add(scenes.scene(i));
      }
      features.put(style, probe.features(session, shown));
    }
    return features;
  }

  private static JsonObject drift(Map<EmojiStyle, float[]> before, Map<EmojiStyle, float[]> after) {
    JsonObject drift = new JsonObject();
    before.forEach(
        (style, features) ->
            drift.addProperty(style.id(), GradientProbe.drift(features, after.get(style))));
    return drift;
  }

  private JsonObject exam(TorchSession session) {
    JsonObject styles = new JsonObject();
    Labels labels = study.corpus().labels();
    NounAccuracy nouns = new NounAccuracy(study.model().network().eyes(), labels);
    for (EmojiStyle style : STYLES) {
      SceneExam exam = exams.computeIfAbsent(style, this::exam);
      JsonObject kinds = new JsonObject();
      exam.ask(session).forEach((kind, answers) -> kinds.add(kind, json(kind, answers)));
      JsonObject of = new JsonObject();
      of.add("kinds", kinds);
      of.addProperty("nouns", nouns.of(session, study.corpus().test(style), NOUN_SCENES));
      styles.add(style.id(), of);
    }
    return styles;
  }

  private SceneExam exam(EmojiStyle style) {
    Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
    int scenes = study.plan().scenes();
    for (Kind kind : Kind.values()) {
      switch (kind) {
        case PRESENCE_RANDOM, PRESENCE_POPULAR, PRESENCE_ADVERSARIAL, PAIRS, ROBUST ->
            counts.put(kind, scenes);
        case COUNT, COLOUR, POSITION -> counts.put(kind, scenes / 2);
        // Training asks no such question.
        case ORIENTATION -> {}
      }
    }
    SceneBenchmark benchmark = study.corpus().benchmark(style);
    return new SceneExam(study.model().network(), study.text(), benchmark, counts);
  }

  private static JsonObject json(String kind, List<SceneExam.Answer> answers) {
    List<Answered> answered = answers.stream().map(SceneExam.Answer::answered).toList();
    Counting counting = kind.equals(Kind.PAIRS.id()) ? Counting.GROUPS : Counting.QUESTIONS;
    KindResult result =
        KindResult.of(kind, answered, AnswerMode.OPTION, counting, AblationPlan.TEST_SEED);
    JsonObject json = new JsonObject();
    json.addProperty("n", result.n());
    json.addProperty("accuracy", result.accuracy().mean());
    json.addProperty("low", result.accuracy().low());
    json.addProperty("high", result.accuracy().high());
    result
        .yesNo()
        .ifPresent(
            scores -> {
              json.addProperty("f1", scores.f1());
              json.addProperty("yesShare", scores.yesShare());
              json.addProperty("auc", areaUnderCurve(answers));
            });
    JsonArray scores = new JsonArray();
    for (double score : KindResult.scores(answered, AnswerMode.OPTION, counting)) {
      scores.add(score);
    }
    json.add("scores", scores);
    return json;
  }

  /** The probability that a question answered yes has a larger margin than one answered no. */
  static double areaUnderCurve(List<SceneExam.Answer> answers) {
    double above = 0;
    long pairs = 0;
    for (SceneExam.Answer yes : answers) {
      for (SceneExam.Answer no : answers) {
        if (yes.answered().item().answer().equals("yes")
            && no.answered().item().answer().equals("no")) {
          pairs++;
          above += yes.margin() > no.margin() ? 1 : yes.margin() == no.margin() ? 0.5 : 0;
        }
      }
    }
    return pairs == 0 ? 0.5 : above / pairs;
  }
}
