package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.model.ModelFolder;
import io.deem.text.TokenizerFile;
import io.deem.training.InitialDeem;
import io.deem.weights.ElementType;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The import and the description of models, from the command line. */
class ImportCommandTest {

  private static final int OWN_TOKENS = 96;
  private static final int WIDTH = 32;

  @TempDir Path folder;
  private Path tiny;
  private Path model;
  private String out;
  private String err;

  /** Takes a model apart into the checkpoints that it could have been made of. */
  @BeforeEach
  void originals() throws IOException, URISyntaxException {
    tiny = Path.of(ImportCommandTest.class.getResource("/models/tiny").toURI());
    model = folder.resolve("imported");
    Files.createDirectories(folder.resolve("llama"));
    Files.writeString(
        folder.resolve("llama/config.json"),
        """
        {"hidden_act": "silu", "hidden_size": 32, "intermediate_size": 72, "vocab_size": 96,
         "num_attention_heads": 4, "num_hidden_layers": 3, "rms_norm_eps": 1e-05}
        """);
    TokenizerFile.read(tiny).withoutAddedTokens().write(folder.resolve("llama/tokenizer.json"));
    try (ModelWeights all = ModelWeights.open(tiny)) {
      write(all, "llama/model.safetensors", "mm_decoder.", "model.");
      write(all, "encoder.safetensors", "visual_tokenizer.sniffer.vision_model.visual.", "visual.");
      String file = "/diffusion_pytorch_model.safetensors";
      write(all, "sd/unet" + file, "visual_tokenizer.encoder.unet.", "");
      write(all, "sd/vae" + file, "visual_tokenizer.encoder.vae.", "");
    }
  }

  private void write(TensorSource all, String file, String prefix, String there)
      throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (String name : all.names()) {
      if (name.contains("llama_cross_attn")) {
        continue;
      }
      if (name.startsWith(prefix)) {
        add(writer, all, name, there + name.substring(prefix.length()));
      } else if (there.equals("model.") && name.equals("text_decoder.head.weight")) {
        add(writer, all, name, "lm_head.weight");
      }
    }
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    writer.write(path);
  }

  private static void add(SafetensorsWriter writer, TensorSource all, String name, String there) {
    TensorInfo info = all.info(name);
    long[] shape = info.shape();
    float[] values = all.floats(name);
    if (shape[0] > OWN_TOKENS && shape.length == 2 && shape[1] == WIDTH && isTable(name)) {
      shape[0] = OWN_TOKENS;
      values = Arrays.copyOf(values, OWN_TOKENS * WIDTH);
    }
    float[] stored = values;
    writer.floats(there, ElementType.F32, shape, () -> stored);
  }

  private static boolean isTable(String name) {
    return name.equals("mm_decoder.embed_tokens.weight") || name.equals("text_decoder.head.weight");
  }

  private int deem(Object... arguments) {
    StringWriter printed = new StringWriter();
    StringWriter failed = new StringWriter();
    String[] texts = Arrays.stream(arguments).map(String::valueOf).toArray(String[]::new);
    int code =
        DeemCommand.run(new PrintWriter(printed, true), new PrintWriter(failed, true), texts);
    out = printed.toString();
    err = failed.toString();
    return code;
  }

  private int importTiny(Object... more) {
    Object[] arguments = {
      "import",
      model,
      "--llama",
      folder.resolve("llama"),
      "--encoder",
      folder.resolve("encoder.safetensors"),
      "--stable-diffusion",
      folder.resolve("sd"),
      "--architecture",
      tiny.resolve("deem.json"),
      "--seed",
      5
    };
    Object[] all = Arrays.copyOf(arguments, arguments.length + more.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return deem(all);
  }

  @Test
  void importsAModelThatRuns() throws IOException {
    assertEquals(0, importTiny("--json"), () -> err);
    JsonObject report = JsonParser.parseString(out).getAsJsonObject();
    Set<String> missing = new TreeSet<>();
    report
        .getAsJsonArray("missing")
        .forEach(each -> missing.add(each.getAsJsonObject().get("parameter").getAsString()));
    assertEquals(0, report.getAsJsonArray("leftOver").size());
    assertEquals(
        0,
        report
            .getAsJsonObject("parts")
            .getAsJsonObject("denoiser")
            .get("missingTensors")
            .getAsInt());
    try (ModelFolder made = ModelFolder.open(model);
        ModelFolder source = ModelFolder.open(tiny)) {
      TensorSource initial = new InitialDeem(made.network(), 5).weights();
      for (String name : made.weights().names()) {
        float[] found = made.weights().floats(name);
        if (isTable(name)) {
          float[] rows = initial.floats(name);
          float[] own = source.weights().floats(name);
          System.arraycopy(own, 0, rows, 0, OWN_TOKENS * WIDTH);
          assertArrayEquals(rows, found, name);
        } else {
          TensorSource from = missing.contains(name) ? initial : source.weights();
          assertArrayEquals(from.floats(name), found, name);
        }
      }
    }
    assertEquals(0, deem("describe-model", "--model", model), () -> err);
    assertTrue(out.startsWith("imported: sees 64 x 64 pixels"), out);
  }

  /** What added tokens start from is the same whether or not the LLaMA is known then. */
  @Test
  void newModulesStartAsTrainingStartsThem() throws IOException {
    try (ModelFolder source = ModelFolder.open(tiny);
        ModelWeights llama = ModelWeights.open(folder.resolve("llama"))) {
      InitialDeem without = new InitialDeem(source.network(), 5);
      float[] embeddings = without.weights().floats("mm_decoder.embed_tokens.weight");
      float[] head = without.weights().floats("text_decoder.head.weight");
      without.languageModel(llama);
      assertArrayEquals(
          added(without.weights().floats("mm_decoder.embed_tokens.weight")), added(embeddings));
      assertArrayEquals(new float[2 * WIDTH], added(head), Float.MIN_VALUE);
    }
  }

  private static float[] added(float[] table) {
    return Arrays.copyOfRange(table, OWN_TOKENS * WIDTH, table.length);
  }

  @Test
  void tellsPeopleEveryTensor() {
    assertEquals(0, importTiny(), () -> err);
    assertTrue(out.contains("used mm_decoder.norm.weight = model.norm.weight ("), out);
    assertTrue(out.contains("missing soi_token, starts anew"), out);
    assertTrue(out.lines().anyMatch(line -> line.startsWith("language model ")), out);
    assertTrue(out.stripTrailing().endsWith(" 0 left over"), out);
  }

  @Test
  void aFailureIsOneLineAndWritesNothing() throws IOException {
    assertEquals(2, deem("import", model));
    Files.delete(folder.resolve("sd/unet/diffusion_pytorch_model.safetensors"));
    assertEquals(1, importTiny());
    assertEquals(1, err.lines().count(), err);
    assertTrue(err.contains("unet: holds none of"), err);
    assertTrue(Files.notExists(model));
  }

  @Test
  void describesAModelWithoutWeights() {
    assertEquals(0, deem("describe-model", "--config", "full-size"), () -> err);
    List<String> lines = out.lines().toList();
    assertTrue(lines.get(0).startsWith("deem-7b: sees 256 x 256"), out);
    assertTrue(out.contains("865,910,724") && out.contains("83,653,863"), out);
    assertEquals(0, deem("describe-model", "--json", "--config", tiny.resolve("deem.json")));
    assertTrue(JsonParser.parseString(out).getAsJsonObject().has("parameters"));
    assertEquals(1, deem("describe-model", "--config", folder.resolve("nothing")));
    assertEquals(1, err.lines().count(), err);
  }
}
