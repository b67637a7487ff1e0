package io.deem.training.verify;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.deem.graph.Engine;
import io.deem.text.prompt.QuestionPrompts;
import io.deem.text.prompt.RobustQuestions;
import io.deem.training.evaluation.AnswerText;
import io.deem.training.evaluation.Bleu;
import io.deem.training.evaluation.CaptionScores;
import io.deem.training.evaluation.Cider;
import io.deem.training.evaluation.DialogScores;
import io.deem.training.evaluation.GroundingScores;
import io.deem.training.evaluation.PairScores;
import io.deem.training.evaluation.RougeL;
import io.deem.training.evaluation.VqaAccuracy;
import io.deem.training.evaluation.VqaText;
import io.deem.training.evaluation.YesNoScores;
import io.deem.verify.Comparison;
import io.deem.verify.Fixture;
import io.deem.verify.FixtureCheck;
import io.deem.verify.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** The official scorers' numbers on small inputs. */
public final class MetricsCheck implements FixtureCheck {

  private static final String JAVA = "java";

  /** The scorers compute some numbers in single precision. */
  private static final double ABSOLUTE = 1e-7;

  private static final double RELATIVE = 1e-6;

  /** How the official script fails on a single dialogue is no number to reproduce. */
  private static final String FAILURE = "batch_of_one";

  private static final String WITH = "with_extract_answer";
  private static final String WITHOUT = "without_extract_answer";

  private final Map<String, Function<JsonElement, JsonElement>> sections =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("captions", in -> captions(in.getAsJsonObject())),
              Map.entry("extract_answer", in -> extract(in.getAsJsonArray())),
              Map.entry("grounding", in -> grounding(in.getAsJsonArray())),
              Map.entry("mmvp_llm", in -> gradedPairs(in.getAsJsonArray())),
              Map.entry("mmvp_vlm", in -> scoredPairs(in.getAsJsonObject())),
              Map.entry("pope", in -> pope(in.getAsJsonArray())),
              Map.entry("robustvqa", in -> robust(in.getAsJsonArray())),
              Map.entry("robustvqa_questions", in -> robustQuestions(in.getAsJsonObject())),
              Map.entry("visdial", in -> dialogs(in.getAsJsonObject())),
              Map.entry("vizwiz", in -> vqa(in.getAsJsonArray(), true)),
              Map.entry("vqa_normalise", in -> normalise(in.getAsJsonArray())),
              Map.entry("vqav2", in -> vqa(in.getAsJsonArray(), false))));

  @Override
  public String kind() {
    return "metrics";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.config().has("sections")
        && Files.exists(fixture.folder().resolve("inputs.json"))
        && Files.exists(fixture.folder().resolve("expected.json"));
  }

  @Override
  public boolean needsEngine() {
    return false;
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) throws IOException {
    JsonObject inputs = fixture.json("inputs.json").getAsJsonObject();
    JsonObject expected = fixture.json("expected.json").getAsJsonObject();
    for (JsonElement section : fixture.config().getAsJsonArray("sections")) {
      String name = section.getAsString();
      Function<JsonElement, JsonElement> compute = sections.get(name);
      if (compute == null) {
        report.fail(name, JAVA, "there is no such scorer here");
      } else {
        compare(name, expected.get(name), compute.apply(inputs.get(name)), report);
      }
    }
  }

  /** Compares each entry of an object for itself, and everything below as a whole. */
  private static void compare(String name, JsonElement wanted, JsonElement got, Report report) {
    if (wanted.isJsonObject() && got != null && got.isJsonObject()) {
      for (Map.Entry<String, JsonElement> entry : wanted.getAsJsonObject().entrySet()) {
        if (entry.getKey().equals(FAILURE)) {
          continue;
        }
        JsonElement found = got.getAsJsonObject().get(entry.getKey());
        compare(name + "." + entry.getKey(), entry.getValue(), found, report);
      }
      return;
    }
    double[] differences = new double[2];
    boolean ok = got != null && near(wanted, got, differences);
    String note = ok ? "" : "got " + got + ", expected " + wanted;
    report.add(new Comparison(name, JAVA, differences[0], differences[1], ok, note));
  }

  private static boolean near(JsonElement wanted, JsonElement got, double[] differences) {
    if (wanted.isJsonArray() && got.isJsonArray()) {
      JsonArray list = wanted.getAsJsonArray();
      boolean ok = list.size() == got.getAsJsonArray().size();
      for (int i = 0; ok && i < list.size(); i++) {
        ok = near(list.get(i), got.getAsJsonArray().get(i), differences);
      }
      return ok;
    }
    if (wanted.isJsonObject() && got.isJsonObject()) {
      JsonObject object = wanted.getAsJsonObject();
      boolean ok = object.keySet().equals(got.getAsJsonObject().keySet());
      for (String key : object.keySet()) {
        ok = ok && near(object.get(key), got.getAsJsonObject().get(key), differences);
      }
      return ok;
    }
    boolean numbers =
        wanted.isJsonPrimitive()
            && got.isJsonPrimitive()
            && wanted.getAsJsonPrimitive().isNumber()
            && got.getAsJsonPrimitive().isNumber();
    if (!numbers) {
      return wanted.equals(got);
    }
    double difference = Math.abs(wanted.getAsDouble() - got.getAsDouble());
    double magnitude = Math.abs(wanted.getAsDouble());
    differences[0] = Math.max(differences[0], difference);
    differences[1] = Math.max(differences[1], difference / Math.max(magnitude, 1e-12));
    return difference <= ABSOLUTE + RELATIVE * magnitude;
  }

  // ---------------------------------------------------------------- sections

  private static JsonElement captions(JsonObject in) {
    JsonObject out = new JsonObject();
    for (Map.Entry<String, JsonElement> set : in.getAsJsonObject("sets").entrySet()) {
      List<String> ids = new ArrayList<>();
      List<CaptionScores.Item> items = new ArrayList<>();
      for (Map.Entry<String, JsonElement> item : set.getValue().getAsJsonObject().entrySet()) {
        JsonObject texts = item.getValue().getAsJsonObject();
        ids.add(item.getKey());
        items.add(
            new CaptionScores.Item(
                texts.get("hyp").getAsString(), strings(texts.getAsJsonArray("refs"))));
      }
      CaptionScores scores = CaptionScores.of(items);
      JsonObject result = captionScores(scores.bleu(), scores.rougeL(), scores.cider());
      List<double[]> bleu = Bleu.of(items).each();
      double[] cider = Cider.of(items);
      JsonObject each = new JsonObject();
      for (int i = 0; i < items.size(); i++) {
        each.add(ids.get(i), captionScores(bleu.get(i), RougeL.of(items.get(i)), cider[i]));
      }
      result.add("per_image", each);
      out.add(set.getKey(), result);
    }
    return out;
  }

  private static JsonObject captionScores(double[] bleu, double rouge, double cider) {
    JsonObject scores = new JsonObject();
    for (int k = 0; k < bleu.length; k++) {
      scores.addProperty("Bleu_" + (k + 1), bleu[k]);
    }
    scores.addProperty("ROUGE_L", rouge);
    scores.addProperty("CIDEr", cider);
    return scores;
  }

  private static JsonElement extract(JsonArray in) {
    JsonArray out = new JsonArray();
    strings(in).forEach(text -> out.add(AnswerText.extract(text)));
    return out;
  }

  private static JsonElement normalise(JsonArray in) {
    JsonArray out = new JsonArray();
    for (String text : strings(in)) {
      JsonObject both = new JsonObject();
      String without = VqaText.withoutPunctuation(text);
      both.addProperty("punctuation", without);
      both.addProperty("final", VqaText.withoutArticles(without));
      out.add(both);
    }
    return out;
  }

  private static JsonElement grounding(JsonArray in) {
    JsonArray items = new JsonArray();
    int right = 0;
    for (JsonElement element : in) {
      JsonObject item = element.getAsJsonObject();
      GroundingScores.Box box = GroundingScores.parse(item.get("pred_box").getAsString());
      JsonArray truth = item.getAsJsonArray("gt_box");
      GroundingScores.Box wanted =
          new GroundingScores.Box(
              truth.get(0).getAsFloat(),
              truth.get(1).getAsFloat(),
              truth.get(2).getAsFloat(),
              truth.get(3).getAsFloat());
      float overlap =
          GroundingScores.overlap(
              box, wanted, item.get("width").getAsInt(), item.get("height").getAsInt());
      right += overlap >= GroundingScores.RIGHT ? 1 : 0;
      JsonArray sides = new JsonArray();
      for (float side : new float[] {box.left(), box.top(), box.right(), box.bottom()}) {
        sides.add(side);
      }
      JsonObject each = new JsonObject();
      each.add("box", sides);
      each.addProperty("iou", overlap);
      items.add(each);
    }
    JsonObject out = new JsonObject();
    out.addProperty("accuracy", (double) right / in.size());
    out.add("per_item", items);
    return out;
  }

  private static JsonElement gradedPairs(JsonArray in) {
    int right = PairScores.rightPairs(strings(in));
    int pairs = in.size() / 2;
    JsonObject out = new JsonObject();
    out.addProperty("correct_pairs", right);
    out.addProperty("pairs", pairs);
    out.addProperty("accuracy", (double) right / pairs);
    return out;
  }

  private static JsonElement scoredPairs(JsonObject in) {
    List<PairScores.Scored> pairs = new ArrayList<>();
    JsonArray each = new JsonArray();
    for (int i = 0; i < in.getAsJsonArray("qids").size(); i++) {
      JsonArray logits = in.getAsJsonArray("logits_per_text").get(i).getAsJsonArray();
      JsonArray ids = in.getAsJsonArray("qids").get(i).getAsJsonArray();
      PairScores.Scored pair =
          new PairScores.Scored(
              new double[][] {doubles(logits.get(0)), doubles(logits.get(1))},
              new int[] {ids.get(0).getAsInt(), ids.get(1).getAsInt()});
      pairs.add(pair);
      JsonObject result = new JsonObject();
      result.addProperty("correct", pair.right());
      JsonArray truth = new JsonArray();
      JsonArray probabilities = new JsonArray();
      JsonArray predicted = new JsonArray();
      for (int statement = 0; statement < 2; statement++) {
        truth.add(pair.questions()[statement] % 2 == 1 ? "img1" : "img2");
        probabilities.add(pair.first(statement));
        predicted.add(pair.first(statement) > 0.5 ? "img1" : "img2");
      }
      result.add("gt", truth);
      result.add("p", probabilities);
      result.add("pred", predicted);
      each.add(result);
    }
    JsonObject out = new JsonObject();
    PairScores.percentByKind(pairs).forEach(out::addProperty);
    out.add("per_pair", each);
    return out;
  }

  private static JsonElement pope(JsonArray in) {
    boolean[] answers = new boolean[in.size()];
    boolean[] labels = new boolean[in.size()];
    JsonArray predicted = new JsonArray();
    for (int i = 0; i < answers.length; i++) {
      JsonObject item = in.get(i).getAsJsonObject();
      answers[i] = YesNoScores.saysYes(item.get("answer").getAsString());
      labels[i] = !item.get("label").getAsString().equals("no");
      predicted.add(answers[i] ? 1 : 0);
    }
    YesNoScores scores = YesNoScores.of(answers, labels);
    JsonObject out = new JsonObject();
    out.addProperty("TP", scores.truePositives());
    out.addProperty("FP", scores.falsePositives());
    out.addProperty("TN", scores.trueNegatives());
    out.addProperty("FN", scores.falseNegatives());
    out.addProperty("accuracy", scores.accuracy());
    out.addProperty("precision", scores.precision());
    out.addProperty("recall", scores.recall());
    out.addProperty("f1", scores.f1());
    out.addProperty("yes_ratio", scores.yesShare());
    out.add("pred", predicted);
    return out;
  }

  private static JsonElement robust(JsonArray in) {
    JsonArray processed = new JsonArray();
    int[] right = new int[2];
    for (JsonElement element : in) {
      String answer = element.getAsJsonObject().get("caption").getAsString();
      String wanted = element.getAsJsonObject().get("gt_caption").getAsString();
      String extracted = AnswerText.extract(answer);
      processed.add(AnswerText.withoutBrackets(extracted));
      right[0] += AnswerText.same(extracted, wanted) ? 1 : 0;
      right[1] += AnswerText.same(answer, wanted) ? 1 : 0;
    }
    JsonObject out = new JsonObject();
    out.add("processed", processed);
    out.add(WITH, overall(100.0 * right[0] / in.size()));
    out.add(WITHOUT, overall(100.0 * right[1] / in.size()));
    return out;
  }

  private static JsonObject overall(double accuracy) {
    JsonObject json = new JsonObject();
    json.addProperty("overall_accuracy", accuracy);
    return json;
  }

  private static JsonElement robustQuestions(JsonObject in) {
    List<RobustQuestions.Labelled<String>> images = new ArrayList<>();
    for (JsonElement element : in.getAsJsonArray("entries")) {
      JsonObject entry = element.getAsJsonObject();
      images.add(
          new RobustQuestions.Labelled<>(
              entry.get("file_name").getAsString(),
              entry.get("gt_caption").getAsString(),
              entry.get("error_caption").getAsString()));
    }
    JsonObject out = new JsonObject();
    out.add("phase_a", questions(RobustQuestions.presence(images)));
    out.add("phase_d_in_access_order", questions(RobustQuestions.choice(images)));
    return out;
  }

  private static JsonArray questions(List<QuestionPrompts.Question<String>> questions) {
    JsonArray list = new JsonArray();
    for (QuestionPrompts.Question<String> question : questions) {
      JsonArray triple = new JsonArray();
      triple.add(question.text());
      triple.add(question.answer());
      triple.add(question.image());
      list.add(triple);
    }
    return list;
  }

  private static JsonElement vqa(JsonArray in, boolean vizWiz) {
    JsonObject out = new JsonObject();
    out.add(WITH, vqa(in, vizWiz, true));
    out.add(WITHOUT, vqa(in, vizWiz, false));
    return out;
  }

  private static JsonObject vqa(JsonArray in, boolean vizWiz, boolean extract) {
    List<Double> accuracies = new ArrayList<>();
    List<String> answerTypes = new ArrayList<>();
    List<String> questionTypes = new ArrayList<>();
    Map<String, Double> each = new LinkedHashMap<>();
    for (JsonElement element : in) {
      JsonObject item = element.getAsJsonObject();
      String written = item.get("answer").getAsString();
      String answer = extract ? AnswerText.extract(written) : written;
      List<String> truths = strings(item.getAsJsonArray("gts"));
      double accuracy =
          vizWiz ? VqaAccuracy.vizWiz(answer, truths) : VqaAccuracy.vqa(answer, truths);
      accuracies.add(accuracy);
      answerTypes.add(item.get("at").getAsString());
      questionTypes.add(vizWiz ? "" : item.get("qt").getAsString());
      String id = item.get(vizWiz ? "image" : "id").getAsString();
      each.put(id, VqaAccuracy.percent(List.of(accuracy)));
    }
    JsonObject out = overall(VqaAccuracy.percent(accuracies));
    out.add("per_answer_type", object(VqaAccuracy.percentByKind(answerTypes, accuracies)));
    out.add("per_question_type", object(VqaAccuracy.percentByKind(questionTypes, accuracies)));
    out.add(vizWiz ? "per_image" : "per_question", object(each));
    return out;
  }

  private static JsonElement dialogs(JsonObject in) {
    JsonArray ndcgs = new JsonArray();
    JsonArray allRanks = new JsonArray();
    List<Integer> truths = new ArrayList<>();
    double sum = 0;
    int count = in.getAsJsonArray("scores").size();
    for (int i = 0; i < count; i++) {
      int[] ranks = DialogScores.ranks(doubles(in.getAsJsonArray("scores").get(i)));
      double ndcg = DialogScores.ndcg(ranks, doubles(in.getAsJsonArray("relevance").get(i)));
      sum += ndcg;
      ndcgs.add(ndcg);
      JsonArray list = new JsonArray();
      Arrays.stream(ranks).forEach(list::add);
      allRanks.add(list);
      truths.add(ranks[in.getAsJsonArray("target_index").get(i).getAsInt()]);
    }
    DialogScores scores = DialogScores.of(truths);
    JsonObject sparse = new JsonObject();
    sparse.addProperty("r@1", scores.recallAt1());
    sparse.addProperty("r@5", scores.recallAt5());
    sparse.addProperty("r@10", scores.recallAt10());
    sparse.addProperty("mean", scores.meanRank());
    sparse.addProperty("mrr", scores.meanReciprocalRank());
    JsonObject out = new JsonObject();
    out.addProperty("ndcg", sum / count);
    out.addProperty("ndcg_from_ranks", sum / count);
    out.add("ndcg_per_item", ndcgs);
    out.add("ranks", allRanks);
    out.add("sparse", sparse);
    return out;
  }

  private static JsonObject object(Map<String, Double> values) {
    JsonObject json = new JsonObject();
    values.forEach(json::addProperty);
    return json;
  }

  private static List<String> strings(JsonArray array) {
    List<String> strings = new ArrayList<>();
    array.forEach(each -> strings.add(each.getAsString()));
    return strings;
  }

  private static double[] doubles(JsonElement array) {
    double[] values = new double[array.getAsJsonArray().size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.getAsJsonArray().get(i).getAsDouble();
    }
    return values;
  }
}
