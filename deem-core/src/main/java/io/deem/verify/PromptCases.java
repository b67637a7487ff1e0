package io.deem.verify;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.deem.random.StoredDraws;
import io.deem.text.LlamaTokenizer;
import io.deem.text.TokenBatch;
import io.deem.text.prompt.CaptionPrompts;
import io.deem.text.prompt.DialogPrompts;
import io.deem.text.prompt.GroundingPrompts;
import io.deem.text.prompt.GroundingPrompts.Task;
import io.deem.text.prompt.MaskedImage;
import io.deem.text.prompt.PromptBatch;
import io.deem.text.prompt.PromptFormat;
import io.deem.text.prompt.PromptTemplate;
import io.deem.text.prompt.QuestionPrompts;
import io.deem.text.prompt.RegionConversations;
import io.deem.text.prompt.RegionConversations.Speaker;
import io.deem.text.prompt.RegionMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The cases of prompts about single images. */
final class PromptCases {

  private final LlamaTokenizer plain;
  private final LlamaTokenizer withGrounding;
  private final PromptResults results;

  PromptCases(LlamaTokenizer plain, LlamaTokenizer withGrounding, PromptResults results) {
    this.plain = plain;
    this.withGrounding = withGrounding;
    this.results = results;
  }

  /** Runs a case; false if it is of no known kind. */
  boolean run(String name, JsonObject sample) {
    if (sample.has("dialog")) {
      dialog(name, sample);
      return true;
    }
    String collator =
        sample.has("collator")
            ? sample.get("collator").getAsString().split(" ", 2)[0]
            : sample.has("wrapper") ? "merge_cache" : "";
    switch (collator) {
      case "VQACaptionTrainCollator" ->
          results.batch(
              name, new QuestionPrompts(plain(sample)).train(questions(sample, "samples")));
      case "VQAEvalCollator", "ImageNetEvalCollator" -> ask(name, collator, sample);
      case "ImageTextPairTrainCollator" -> learnPairs(name, sample);
      case "ImageTextPairEvalCollator" -> evaluatePairs(name, sample);
      case "GroundingTrainCollator" -> results.batch(name, ground(sample, regions(sample)));
      case "GroundingEvalCollator" ->
          results.batch(
              name,
              new GroundingPrompts(grounding(sample))
                  .evaluate(task(sample.get("task")), regions(sample)));
      case "merge_cache" -> pack(name, sample);
      case "ReferringMaskTrainCollator", "ReferringMaskEvalCollator" -> converse(name, sample);
      default -> {
        return false;
      }
    }
    return true;
  }

  private PromptFormat plain(JsonObject sample) {
    return format(plain, sample);
  }

  private PromptFormat grounding(JsonObject sample) {
    return format(withGrounding, sample);
  }

  private PromptFormat format(LlamaTokenizer tokenizer, JsonObject sample) {
    JsonElement own = sample.get("num_img_token");
    JsonElement longest = sample.get("max_length");
    return new PromptFormat(
        tokenizer,
        own == null ? results.tokensPerImage() : own.getAsInt(),
        longest == null ? PromptFormat.CONTEXT_LENGTH : longest.getAsInt());
  }

  private static List<QuestionPrompts.Question<String>> questions(JsonObject sample, String list) {
    List<QuestionPrompts.Question<String>> questions = new ArrayList<>();
    for (JsonElement element : sample.getAsJsonArray(list)) {
      JsonObject one = element.getAsJsonObject();
      questions.add(
          new QuestionPrompts.Question<>(
              text(one, "image"), text(one, "question"), text(one, "answer")));
    }
    return questions;
  }

  private void ask(String name, String collator, JsonObject sample) {
    QuestionPrompts prompts = new QuestionPrompts(plain(sample));
    PromptTemplate template =
        collator.equals("VQAEvalCollator")
            ? PromptTemplate.QUESTION_EVALUATION
            : PromptTemplate.CHOICE_EVALUATION;
    if (sample.has("instr_prompts")) {
      JsonArray parts = sample.getAsJsonArray("instr_prompts");
      template =
          new PromptTemplate(
              parts.get(2).getAsString(), parts.get(1).getAsString(), parts.get(0).getAsString());
    }
    List<QuestionPrompts.Question<String>> questions = questions(sample, "samples");
    if (sample.has("few_shot_template")) {
      QuestionPrompts.FewShot<String> examples =
          new QuestionPrompts.FewShot<>(
              text(sample, "few_shot_template"),
              sample.get("few_shot_n_shot").getAsInt(),
              questions(sample, "pool"));
      StoredDraws draws = PromptResults.draws(sample, List.of(), examples.pool().size());
      results.batch(name, prompts.evaluate(template, questions, examples, draws));
    } else {
      results.batch(name, prompts.evaluate(template, questions));
    }
    results.generation(name, QuestionPrompts.generation());
  }

  private static List<CaptionPrompts.Pair<String>> pairs(JsonObject sample) {
    List<CaptionPrompts.Pair<String>> pairs = new ArrayList<>();
    for (JsonElement element : sample.getAsJsonArray("samples")) {
      JsonObject pair = element.getAsJsonObject();
      pairs.add(new CaptionPrompts.Pair<>(text(pair, "image"), text(pair, "caption")));
    }
    return pairs;
  }

  private void learnPairs(String name, JsonObject sample) {
    List<String> questions = PromptResults.chosenTexts(sample);
    CaptionPrompts.Variety variety =
        new CaptionPrompts.Variety(
            questions,
            questions,
            sample.get("img_first_prob").getAsDouble(),
            sample.get("uncond_prob").getAsDouble());
    StoredDraws draws = PromptResults.draws(sample, questions, 0);
    results.batch(name, new CaptionPrompts(plain(sample)).train(pairs(sample), variety, draws));
  }

  private void evaluatePairs(String name, JsonObject sample) {
    CaptionPrompts prompts = new CaptionPrompts(plain(sample));
    boolean describe =
        PromptResults.draws(sample, List.of(), 0).uniform()
            < sample.get("img_first_prob").getAsDouble();
    results.batch(
        name,
        describe ? prompts.evaluateCaptions(pairs(sample)) : prompts.evaluateImages(pairs(sample)));
    if (results.has(name + ".negative_prompt_ids")) {
      long[] negative = prompts.negativePrompt();
      results.ids(name + ".negative_prompt_ids", negative, 1, negative.length);
    }
    results.generation(name, CaptionPrompts.generation());
  }

  private List<GroundingPrompts.Region<String>> regions(JsonObject sample) {
    // A packed case names no mask of its own: it is made of the samples of the other cases.
    String mask = sample.has("region_mask") ? text(sample, "region_mask") : "gmask";
    RegionMask region = results.mask(mask, 0);
    List<GroundingPrompts.Region<String>> regions = new ArrayList<>();
    for (JsonElement element : sample.getAsJsonArray("samples")) {
      JsonObject one = element.getAsJsonObject();
      int[] box = PromptResults.ints(one.get("bbox"));
      regions.add(
          new GroundingPrompts.Region<>(
              text(one, "image"),
              region,
              new GroundingPrompts.Box(box[0], box[1], box[2], box[3]),
              text(one, "label")));
    }
    return regions;
  }

  private PromptBatch<String> ground(
      JsonObject sample, List<GroundingPrompts.Region<String>> regions) {
    List<String> names = new ArrayList<>();
    sample.getAsJsonArray("tasks").forEach(task -> names.add(task.getAsString()));
    List<Task> tasks = new ArrayList<>();
    sample.getAsJsonArray("tasks").forEach(task -> tasks.add(task(task)));
    boolean ignoreStarts =
        sample.has("ignore_soi_token_loss") && sample.get("ignore_soi_token_loss").getAsBoolean();
    return new GroundingPrompts(grounding(sample))
        .train(tasks, regions, ignoreStarts, PromptResults.draws(sample, names, 0));
  }

  /** All samples in one row, and the last of them in another. */
  private void pack(String name, JsonObject sample) {
    List<GroundingPrompts.Region<String>> regions = regions(sample);
    List<PromptBatch<String>> rows =
        regions.stream()
            .map(region -> ground(sample, List.of(region)))
            .collect(Collectors.toList());
    GroundingPrompts prompts = new GroundingPrompts(grounding(sample));
    List<PromptBatch<String>> packed = new ArrayList<>(prompts.pack(rows));
    packed.addAll(prompts.pack(rows.subList(rows.size() - 1, rows.size())));
    PromptBatch<String> batch = prompts.stack(packed);
    results.text(name, batch.text(), batch.mask());
    results.images(name, batch.images());
    results.ids(name + ".gt_text_ids", batch.labels(), batch.text().rows(), batch.text().length());
    long[] counts = Arrays.stream(batch.imagesPerRow()).asLongStream().toArray();
    results.ids(name + ".num_image_per_seq", counts, counts.length, 1);
  }

  private void converse(String name, JsonObject sample) {
    List<RegionConversations.Conversation<String>> conversations = new ArrayList<>();
    long[] size = new long[3];
    for (JsonElement element : sample.getAsJsonArray("samples")) {
      JsonObject one = element.getAsJsonObject();
      List<RegionMask> masks = new ArrayList<>();
      for (int plane = 0; plane < results.planes(text(one, "masks")); plane++) {
        masks.add(results.mask(text(one, "masks"), plane));
      }
      List<RegionConversations.Turn> turns = new ArrayList<>();
      for (JsonElement turn : one.getAsJsonArray("conversations")) {
        boolean human = text(turn.getAsJsonObject(), "from").equalsIgnoreCase("human");
        turns.add(
            new RegionConversations.Turn(
                human ? Speaker.HUMAN : Speaker.MODEL, text(turn.getAsJsonObject(), "value")));
      }
      conversations.add(new RegionConversations.Conversation<>(text(one, "image"), masks, turns));
      size = results.fixture().io().info("images." + text(one, "image")).shape();
    }
    results.batch(
        name,
        new RegionConversations(grounding(sample))
            .batch(conversations, Math.toIntExact(size[1]), Math.toIntExact(size[2])));
  }

  private void dialog(String name, JsonObject sample) {
    DialogPrompts prompts = new DialogPrompts(plain(sample));
    JsonObject dialog = sample.getAsJsonObject("dialog");
    JsonArray questions = sample.getAsJsonArray("questions");
    JsonArray answers = sample.getAsJsonArray("answers");
    List<DialogPrompts.Round> rounds = new ArrayList<>();
    for (JsonElement element : dialog.getAsJsonArray("dialog")) {
      JsonObject round = element.getAsJsonObject();
      rounds.add(
          new DialogPrompts.Round(
              questions.get(round.get("question").getAsInt()).getAsString(),
              answers.get(round.get("answer").getAsInt()).getAsString()));
    }
    int[] numbers = PromptResults.ints(sample.get("round_ids"));
    List<MaskedImage<String>> images = new ArrayList<>();
    for (int i = 0; i < numbers.length; i++) {
      long[] context = prompts.context(text(dialog, "caption"), rounds, numbers[i]);
      long[] mask = new long[context.length];
      Arrays.fill(mask, 1);
      results.ids(name + ".text_ids_" + i, context, context.length);
      results.ids(name + ".attention_mask_" + i, mask, mask.length);
      List<String> options = new ArrayList<>();
      JsonObject round = dialog.getAsJsonArray("dialog").get(numbers[i] - 1).getAsJsonObject();
      for (int option : PromptResults.ints(round.get("answer_options"))) {
        options.add(answers.get(option).getAsString());
      }
      TokenBatch rows = prompts.options(options);
      results.ids(name + ".options_ids_" + i, rows.ids(), rows.rows(), rows.length());
      results.ids(name + ".options_attn_masks_" + i, rows.mask(), rows.rows(), rows.length());
      images.add(new MaskedImage<>(text(sample, "image"), Optional.empty()));
    }
    results.images(name, images);
    int[] ones = new int[numbers.length];
    Arrays.fill(ones, 1);
    results.counts(name + ".num_image_per_seq", ones);
    int[] imageIds = new int[numbers.length];
    Arrays.fill(imageIds, dialog.get("image_id").getAsInt());
    results.counts(name + ".image_ids", imageIds);
  }

  private static Task task(JsonElement name) {
    return Task.valueOf(name.getAsString().toUpperCase(Locale.ROOT));
  }

  private static String text(JsonObject object, String name) {
    return object.get(name).getAsString();
  }
}
