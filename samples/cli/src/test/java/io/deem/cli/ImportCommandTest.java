package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.model.ModelFolder;
import io.deem.training.InitialDeem;
import io.deem.weights.ModelWeights;
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

  private static final int OWN_TOKENS = TinyOriginals.OWN_TOKENS;
  private static final int WIDTH = TinyOriginals.WIDTH;

  @TempDir Path folder;
  private TinyOriginals originals;
  private Path tiny;
  private Path model;
  private String out;
  private String err;

  @BeforeEach
  void originals() throws IOException, URISyntaxException {
    originals = new TinyOriginals(folder);
    tiny = originals.tiny;
    model = folder.resolve("imported");
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
    return deem(originals.importTo(model, more));
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
        if (TinyOriginals.isTable(name)) {
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
    assertEquals(
        "image encoder: ConvNeXt, blocks 3-3-27-3, channels 128-256-512-1024", lines.get(1));
    assertTrue(out.contains("865,910,724") && out.contains("83,653,863"), out);
    assertEquals(0, deem("describe-model", "--json", "--config", tiny.resolve("deem.json")));
    assertTrue(JsonParser.parseString(out).getAsJsonObject().has("parameters"));
    assertEquals(1, deem("describe-model", "--config", folder.resolve("nothing")));
    assertEquals(1, err.lines().count(), err);
  }
}
