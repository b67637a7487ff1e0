package io.deem.verify;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.deem.graph.Engine;
import io.deem.text.LlamaTokenizer;
import io.deem.text.LlamaTokenizer.Mode;
import io.deem.text.prompt.PromptTemplate;
import java.io.IOException;
import java.util.Map;

/**
 * Prompts and their batches in both modes of the slow tokenizer: texts as ids, images and masks in
 * their order, labels, and the templates themselves. The tokenizer is found by {@link
 * ReferenceTokenizer}.
 */
final class PromptsCheck implements FixtureCheck {

  private static final String JAVA = Verification.PLAIN_JAVA;
  private static final String LEGACY = "legacy.";

  @Override
  public String kind() {
    return "prompts";
  }

  @Override
  public boolean matches(Fixture fixture) {
    JsonObject config = fixture.config();
    return config.has("templates") && config.has("scalars") && config.has("num_img_token");
  }

  @Override
  public boolean needsEngine() {
    return false;
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) throws IOException {
    ReferenceTokenizer tokenizers =
        ReferenceTokenizer.find(fixture.folder(), ReferenceTokenizer.LLAMA);
    JsonObject samples = fixture.json("samples.json").getAsJsonObject();
    templates(new Sizes(fixture.config()).section("templates"), report);
    for (Mode mode : new Mode[] {Mode.LEGACY, Mode.MODERN}) {
      LlamaTokenizer plain = tokenizers.open(mode, false);
      LlamaTokenizer grounding = tokenizers.open(mode, true);
      if (mode == Mode.LEGACY) {
        specialIds(new Sizes(fixture.config()).section("special"), grounding, report);
      }
      String prefix = mode == Mode.LEGACY ? LEGACY : "nonlegacy.";
      PromptResults results =
          new PromptResults(fixture, prefix, report.against(fixture.io(), JAVA), report);
      PromptCases prompts = new PromptCases(plain, grounding, results);
      DocumentCases documents = new DocumentCases(samples, plain, results);
      for (Map.Entry<String, JsonElement> entry : samples.entrySet()) {
        JsonObject sample = entry.getValue().getAsJsonObject();
        boolean known =
            documents.run(entry.getKey(), sample) || prompts.run(entry.getKey(), sample);
        if (!known) {
          report.fail(prefix + entry.getKey(), JAVA, "nothing is known that computes it");
        }
      }
    }
    for (String name : fixture.unread()) {
      if (!name.startsWith("images")) {
        report.fail(name, JAVA, "nothing is known that computes it");
      }
    }
  }

  private static void specialIds(Sizes special, LlamaTokenizer tokenizer, Report report) {
    Map<String, String> texts =
        Map.of(
            "bos", "<s>",
            "eos", "</s>",
            "soi", "<|startofimage|>",
            "image", "<|sniffer|>",
            "ref", "<ref>",
            "endref", "</ref>",
            "box", "<box>",
            "endbox", "</box>");
    for (String id : special.names()) {
      String text = texts.get(id);
      int actual = text == null ? tokenizer.paddingId() : tokenizer.tokenId(text).orElse(-1);
      report.equal("special." + id, JAVA, special.integer(id), actual);
    }
  }

  private static void templates(Sizes templates, Report report) {
    Sizes training = templates.section("VQACaptionTrainCollator");
    template("VQACaptionTrainCollator", PromptTemplate.QUESTION_TRAINING, training, "", report);
    Sizes pairs = templates.section("ImageTextPairTrainCollator");
    String name = "ImageTextPairTrainCollator";
    template(name, PromptTemplate.CAPTION_TRAINING, pairs, "caption_", report);
    template(name, PromptTemplate.IMAGE_TRAINING, pairs, "image_", report);
    list(templates, report, PromptTemplate.QUESTION_EVALUATION, "VQAEvalCollator", "instr_prompts");
    list(
        templates,
        report,
        PromptTemplate.CHOICE_EVALUATION,
        "ImageNetEvalCollator",
        "instr_prompts");
    name = "ImageTextPairEvalCollator";
    list(templates, report, PromptTemplate.CAPTION_EVALUATION, name, "instr_prompts", "text");
    list(templates, report, PromptTemplate.IMAGE_EVALUATION, name, "instr_prompts", "image");
    name = "GroundingTrainCollator";
    list(templates, report, PromptTemplate.GROUNDING_TRAINING, name, "tasks_prompts", "grounding");
    list(templates, report, PromptTemplate.REFERRING_TRAINING, name, "tasks_prompts", "referring");
    name = "GroundingEvalCollator";
    list(
        templates, report, PromptTemplate.GROUNDING_EVALUATION, name, "instr_prompts", "grounding");
    list(
        templates, report, PromptTemplate.REFERRING_EVALUATION, name, "instr_prompts", "referring");
  }

  private static void template(
      String name, PromptTemplate template, Sizes stored, String prefix, Report report) {
    String what = "templates." + name + "." + prefix;
    equal(what + "system_prompt", stored.config().get("system_prompt"), template.system(), report);
    equal(
        what + "user_prompt", stored.config().get(prefix + "user_prompt"), template.user(), report);
    equal(
        what + "assist_prompt",
        stored.config().get(prefix + "assist_prompt"),
        template.assistant(),
        report);
  }

  private static void list(
      Sizes templates, Report report, PromptTemplate template, String... path) {
    Sizes around = templates;
    int last = path.length - 1;
    for (int i = 0; i < last; i++) {
      around = around.section(path[i]);
    }
    JsonElement stored = around.config().get(path[last]);
    JsonArray actual = new JsonArray();
    actual.add(template.assistant());
    actual.add(template.user());
    actual.add(template.system());
    report.equal("templates." + String.join(".", path), JAVA, stored, actual);
  }

  private static void equal(String name, JsonElement stored, String actual, Report report) {
    report.equal(name, JAVA, stored, new JsonPrimitive(actual));
  }
}
