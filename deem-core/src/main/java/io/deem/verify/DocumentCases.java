package io.deem.verify;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.deem.random.StoredDraws;
import io.deem.text.LlamaTokenizer;
import io.deem.text.SpecialTokens;
import io.deem.text.TokenBatch;
import io.deem.text.TokenBatch.Side;
import io.deem.text.prompt.Document;
import io.deem.text.prompt.DocumentPacker;
import io.deem.text.prompt.DocumentWriter;
import io.deem.text.prompt.GenerationDocument;
import io.deem.text.prompt.MaskedImage;
import io.deem.text.prompt.PackedSequence;
import io.deem.text.prompt.PromptFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The cases of documents with several images. */
final class DocumentCases {

  private static final String PACK = "mmc4_pack";
  private static final String PLACEHOLDER = "grey";

  private final JsonObject samples;
  private final LlamaTokenizer tokenizer;
  private final PromptResults results;

  /**
   * Prepares running cases.
   *
   * @param samples all cases; documents are packed that another case describes
   */
  DocumentCases(JsonObject samples, LlamaTokenizer tokenizer, PromptResults results) {
    this.samples = samples;
    this.tokenizer = tokenizer;
    this.results = results;
  }

  /** Runs a case; false if it is of no known kind. */
  boolean run(String name, JsonObject sample) {
    if (sample.has("docs")) {
      interleaved(name, sample);
    } else if (name.startsWith(PACK)) {
      packed(name, sample);
    } else if (sample.has("captions")) {
      captioned(name, sample);
    } else if (sample.has("annotations")) {
      generated(name, sample);
    } else {
      return false;
    }
    return true;
  }

  private PromptFormat format(JsonObject sample, int longest) {
    JsonElement own = sample.get("num_img_token");
    return new PromptFormat(
        tokenizer, own == null ? results.tokensPerImage() : own.getAsInt(), longest);
  }

  private void interleaved(String name, JsonObject sample) {
    List<Optional<Document<String>>> documents = documents(sample);
    for (int i = 0; i < documents.size(); i++) {
      String what = name + ".doc" + i;
      if (documents.get(i).isPresent()) {
        document(what, documents.get(i).get());
      } else if (results.has(what + ".text_ids")) {
        results
            .report()
            .fail(results.prefix() + what, Verification.PLAIN_JAVA, "the document was dropped");
      }
    }
  }

  private List<Optional<Document<String>>> documents(JsonObject sample) {
    DocumentWriter writer =
        new DocumentWriter(
            format(sample, PromptFormat.CONTEXT_LENGTH),
            new DocumentWriter.Options(
                sample.get("sim_threshold").getAsDouble(),
                sample.get("max_num_images").getAsInt(),
                sample.get("img_first_prob").getAsDouble()));
    StoredDraws draws = PromptResults.draws(sample, List.of(), 0);
    List<Optional<Document<String>>> documents = new ArrayList<>();
    for (JsonElement element : sample.getAsJsonArray("docs")) {
      JsonObject info = element.getAsJsonObject();
      List<DocumentWriter.Picture<String>> pictures = new ArrayList<>();
      for (JsonElement picture : info.getAsJsonArray("image_info")) {
        JsonObject one = picture.getAsJsonObject();
        pictures.add(
            new DocumentWriter.Picture<>(
                "doc_" + one.get("image_name").getAsString().charAt(0),
                one.get("matched_text_index").getAsInt(),
                one.get("matched_sim").getAsDouble()));
      }
      documents.add(writer.interleaved(texts(info.get("text_list")), pictures, draws));
    }
    return documents;
  }

  private void captioned(String name, JsonObject sample) {
    DocumentWriter writer =
        new DocumentWriter(
            format(sample, PromptFormat.CONTEXT_LENGTH),
            new DocumentWriter.Options(0, 1, sample.get("img_first_prob").getAsDouble()));
    StoredDraws draws = PromptResults.draws(sample, List.of(), 0);
    int number = 0;
    for (JsonElement caption : sample.getAsJsonArray("captions")) {
      List<String> parts = caption.isJsonArray() ? texts(caption) : List.of(caption.getAsString());
      String image = sample.get("image").getAsString();
      document(name + "." + number++, writer.captioned(image, parts, draws));
    }
  }

  private void document(String name, Document<String> document) {
    long[] ids = document.ids();
    results.ids(name + ".text_ids", ids, ids.length);
    results.ids(name + ".text_attn_mask", ones(ids.length), ids.length);
    results.images(name, whole(document.images()));
  }

  private void packed(String name, JsonObject sample) {
    PromptFormat format = format(sample, sample.get("num_total_token").getAsInt());
    String level = sample.get("truncation_level").getAsString();
    DocumentPacker packer =
        new DocumentPacker(
            format,
            sample.get("max_num_images").getAsInt(),
            level.equals("sample") ? DocumentPacker.Cut.DOCUMENT : DocumentPacker.Cut.IMAGE);
    // The documents come again from the first until there are enough sequences.
    List<Document<String>> documents =
        documents(samples.getAsJsonObject("mmc4")).stream()
            .filter(Optional::isPresent)
            .map(Optional::get)
            .collect(Collectors.toList());
    Iterator<PackedSequence<String>> sequences =
        packer.pack(Stream.generate(documents::stream).flatMap(all -> all).iterator());
    List<PackedSequence<String>> taken = new ArrayList<>();
    for (int i = 0; i < sample.get("n_sequences").getAsInt(); i++) {
      taken.add(sequences.next());
    }
    TokenBatch text =
        TokenBatch.of(
            taken.stream().map(PackedSequence::ids).collect(Collectors.toList()),
            SpecialTokens.PADDING_ID,
            Side.RIGHT);
    results.text(name, text, text.mask());
    results.images(
        name,
        whole(
            taken.stream()
                .flatMap(sequence -> sequence.images().stream())
                .collect(Collectors.toList())));
    results.counts(
        name + ".num_image_per_seq",
        taken.stream().mapToInt(sequence -> sequence.images().size()).toArray());
    results.counts(
        name + ".seq_lens", taken.stream().mapToInt(sequence -> sequence.ids().length).toArray());
    results.counts(
        name + ".nearest_bos_idxs",
        taken.stream().flatMapToInt(sequence -> IntStream.of(sequence.nearestBegins())).toArray());
    JsonArray meta = new JsonArray();
    for (PackedSequence<String> sequence : taken) {
      JsonObject one = new JsonObject();
      one.addProperty("image_cnt", sequence.images().size());
      one.addProperty("is_first_token_image", sequence.beginsWithImage(format) ? 1 : 0);
      one.addProperty("is_truncated", sequence.shortened() ? 1 : 0);
      one.addProperty("uncond_image_cnt", sequence.imagesWithoutContext(format));
      meta.add(one);
    }
    results.scalar(name, "meta", meta);
  }

  private void generated(String name, JsonObject sample) {
    PromptFormat format = format(sample, PromptFormat.CONTEXT_LENGTH);
    List<GenerationDocument<String>> documents = new ArrayList<>();
    for (JsonElement element : sample.getAsJsonArray("annotations")) {
      JsonObject info = element.getAsJsonObject();
      List<Boolean> first = new ArrayList<>();
      info.getAsJsonArray("image_first").forEach(flag -> first.add(flag.getAsBoolean()));
      GenerationDocument<String> document =
          GenerationDocument.of(
              format,
              texts(info.get("sentences")),
              texts(info.get("images")).stream()
                  .map(image -> "doc_" + image)
                  .collect(Collectors.toList()),
              PromptResults.ints(info.get("sentence_ixs")),
              first);
      String what = name + "." + documents.size();
      state(what, document);
      results.images(what, whole(document.document().images()));
      Sizes scalars = new Sizes(results.fixture().config()).section("scalars");
      JsonArray sentences = new JsonArray();
      document.sentences().forEach(sentences::add);
      results
          .report()
          .equal(
              results.prefix() + what + ".sentences",
              Verification.PLAIN_JAVA,
              scalars.section(what).section("meta").config().get("sentences"),
              sentences);
      documents.add(document);
    }
    for (int i = 0; results.has(name + ".update" + i + ".generated"); i++) {
      update(name + ".update" + i, format, documents.get(0));
    }
  }

  private void update(String name, PromptFormat format, GenerationDocument<String> before) {
    String stored = results.prefix() + name + ".generated";
    Sizes scalars = new Sizes(results.fixture().config()).section("scalars");
    boolean force = scalars.section(name).integer("force_gen_image_next") != 0;
    GenerationDocument.Continued<String> after =
        before.continued(format, results.fixture().io().longs(stored), force, PLACEHOLDER);
    state(name, after.document());
    results.scalar(name, "gen_image_next", new JsonPrimitive(after.imageNext() ? 1 : 0));
    results.scalar(name, "stopped", new JsonPrimitive(after.stopped() ? 1 : 0));
  }

  private void state(String name, GenerationDocument<String> document) {
    long[] ids = document.document().ids();
    results.ids(name + ".text_ids", ids, 1, ids.length);
    results.ids(name + ".attention_mask", ones(ids.length), 1, ids.length);
    results.counts(name + ".num_image_per_seq", document.document().images().size());
    results.counts(name + ".target_image_idxs", document.targetImage());
  }

  private static List<MaskedImage<String>> whole(List<String> images) {
    return images.stream()
        .map(image -> new MaskedImage<>(image, Optional.empty()))
        .collect(Collectors.toList());
  }

  private static List<String> texts(JsonElement list) {
    return list.getAsJsonArray().asList().stream()
        .map(JsonElement::getAsString)
        .collect(Collectors.toList());
  }

  private static long[] ones(int count) {
    long[] ones = new long[count];
    Arrays.fill(ones, 1);
    return ones;
  }
}
