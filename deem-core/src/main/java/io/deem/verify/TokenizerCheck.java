package io.deem.verify;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.deem.graph.Engine;
import io.deem.text.LlamaTokenizer;
import io.deem.text.LlamaTokenizer.Mode;
import io.deem.text.TokenBatch;
import io.deem.text.TokenBatch.Side;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Texts to ids and back in every mode of the LLaMA tokenizer, with padding and truncation. The
 * tokenizer itself is found by {@link ReferenceTokenizer}.
 */
final class TokenizerCheck implements FixtureCheck {

  private static final String JAVA = Verification.PLAIN_JAVA;
  private static final String GROUNDING = "_grounding";
  private static final String SAME = "same as ";
  private static final Pattern BATCH =
      Pattern.compile("(?:pad|trunc(\\d+))_(left|right)_(input_ids|attention_mask)");

  @Override
  public String kind() {
    return "tokenizer";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.has("pad_left_input_ids") && fixture.config().has("vocab_sha256");
  }

  @Override
  public boolean needsEngine() {
    return false;
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) throws IOException {
    Sizes config = new Sizes(fixture.config());
    ReferenceTokenizer reference =
        ReferenceTokenizer.find(fixture.folder(), config.text("vocab_sha256"));
    Map<String, LlamaTokenizer> tokenizers = new LinkedHashMap<>();
    tokenizers.put("legacy", reference.open(Mode.LEGACY, false));
    tokenizers.put("nonlegacy", reference.open(Mode.MODERN, false));
    tokenizers.put("legacy" + GROUNDING, reference.open(Mode.LEGACY, true));
    tokenizers.put("nonlegacy" + GROUNDING, reference.open(Mode.MODERN, true));
    tokenizers.put("fast", reference.open(Mode.FAST, true));
    vocabulary(config, tokenizers, report);
    int number = 0;
    for (JsonElement texts : fixture.json("cases.json").getAsJsonArray()) {
      cases("cases." + number++, texts.getAsJsonObject(), tokenizers, report);
    }
    decoding(fixture.json("decode.json").getAsJsonObject(), tokenizers.get("legacy"), report);
    batches(fixture, tokenizers.get("legacy"), report);
  }

  private static void vocabulary(
      Sizes config, Map<String, LlamaTokenizer> tokenizers, Report report) {
    LlamaTokenizer plain = tokenizers.get("legacy");
    LlamaTokenizer grounding = tokenizers.get("legacy" + GROUNDING);
    report.equal("len", JAVA, config.integer("len"), plain.vocabularySize());
    report.equal(
        "len_grounding", JAVA, config.integer("len_grounding"), grounding.vocabularySize());
    report.equal("pad_token_id", JAVA, config.integer("pad_token_id"), plain.paddingId());
    Sizes special = config.section("special_ids");
    for (String token : special.names()) {
      report.equal(
          "special_ids." + token,
          JAVA,
          special.integer(token),
          grounding.tokenId(token).orElse(-1));
    }
  }

  private static void cases(
      String name, JsonObject texts, Map<String, LlamaTokenizer> tokenizers, Report report) {
    String text = texts.get("text").getAsString();
    tokenizers.forEach(
        (mode, tokenizer) -> {
          // Where nothing is stored for grounding, its tokens make no difference.
          JsonElement entry = texts.get(texts.has(mode) ? mode : mode.replace(GROUNDING, ""));
          JsonObject expected = resolve(entry, texts);
          if (expected.has("error")) {
            return;
          }
          String what = name + "." + mode;
          long[] ids = tokenizer.encode(text);
          JsonElement expectedIds = expected.get("ids");
          if (expectedIds.isJsonPrimitive()) {
            expectedIds = resolve(expectedIds, texts).get("ids");
          }
          report.equal(what + ".ids", JAVA, longs(expectedIds), list(ids));
          report.equal(
              what + ".decode",
              JAVA,
              expected.get("decode").getAsString(),
              tokenizer.decode(ids, true));
          report.equal(
              what + ".decode_skip_special",
              JAVA,
              expected.get("decode_skip_special").getAsString(),
              tokenizer.decode(ids));
        });
  }

  private static JsonObject resolve(JsonElement entry, JsonObject texts) {
    JsonElement found = entry;
    while (found.isJsonPrimitive()) {
      found = texts.get(found.getAsString().substring(SAME.length()));
    }
    return found.getAsJsonObject();
  }

  private static void decoding(JsonObject stored, LlamaTokenizer tokenizer, Report report) {
    for (Map.Entry<String, JsonElement> single : stored.getAsJsonObject("single").entrySet()) {
      report.equal(
          "decode.single." + single.getKey(),
          JAVA,
          single.getValue().getAsString(),
          tokenizer.decode(new long[] {Long.parseLong(single.getKey())}, true));
    }
    for (Map.Entry<String, JsonElement> piece : stored.getAsJsonObject("pieces").entrySet()) {
      report.equal(
          "decode.pieces." + piece.getKey(),
          JAVA,
          Integer.parseInt(piece.getKey()),
          tokenizer.tokenId(piece.getValue().getAsString()).orElse(-1));
    }
    int number = 0;
    for (JsonElement element : stored.getAsJsonArray("sequences")) {
      JsonObject sequence = element.getAsJsonObject();
      long[] ids = longs(sequence.get("ids")).stream().mapToLong(Long::longValue).toArray();
      String name = "decode.sequences." + number++;
      report.equal(name, JAVA, sequence.get("decode").getAsString(), tokenizer.decode(ids, true));
      report.equal(
          name + ".skip_special",
          JAVA,
          sequence.get("decode_skip_special").getAsString(),
          tokenizer.decode(ids));
    }
  }

  private static void batches(Fixture fixture, LlamaTokenizer tokenizer, Report report) {
    List<String> texts = new Sizes(fixture.config()).texts("padding_batch");
    Reference reference = report.against(fixture.io(), JAVA);
    for (String name : fixture.io().names()) {
      Matcher matcher = BATCH.matcher(name);
      if (!matcher.matches()) {
        report.fail(name, JAVA, "nothing is known that computes it");
        continue;
      }
      int longest =
          matcher.group(1) == null ? Integer.MAX_VALUE : Integer.parseInt(matcher.group(1));
      Side side = Side.valueOf(matcher.group(2).toUpperCase(Locale.ROOT));
      TokenBatch batch = TokenBatch.encode(tokenizer, texts, longest, tokenizer.paddingId(), side);
      long[] actual = matcher.group(3).equals("input_ids") ? batch.ids() : batch.mask();
      reference.ids(name, actual, batch.rows(), batch.length());
    }
  }

  private static List<Long> longs(JsonElement ids) {
    return ids.getAsJsonArray().asList().stream()
        .map(JsonElement::getAsLong)
        .collect(Collectors.toList());
  }

  private static List<Long> list(long[] ids) {
    return Arrays.stream(ids).boxed().collect(Collectors.toList());
  }
}
