package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.Image;
import io.deem.TrainingSettings;
import io.deem.model.ModelFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code deem train}, as a user sees it. */
class TrainCommandTest {

  @TempDir Path folder;

  private record Ran(int code, List<String> out, List<String> err) {}

  private static Ran train(Object... arguments) {
    List<Object> all = new ArrayList<>(List.of("train", model()));
    all.addAll(Arrays.asList(arguments));
    return run(all.toArray());
  }

  private static Ran run(Object... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] texts = Arrays.stream(arguments).map(String::valueOf).toArray(String[]::new);
    int code = DeemCommand.run(new PrintWriter(out, true), new PrintWriter(err, true), texts);
    return new Ran(code, out.toString().lines().toList(), err.toString().lines().toList());
  }

  private static Path model() {
    try {
      return Path.of(TrainCommandTest.class.getResource("/models/tiny").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @BeforeEach
  void write() throws IOException {
    byte[] rgb = new byte[64 * 64 * 3];
    Arrays.fill(rgb, (byte) 90);
    Image.ofRgb(64, 64, rgb).write(folder.resolve("gray.png"));
    Files.writeString(
        folder.resolve("data.jsonl"),
        "{\"image\": \"gray.png\", \"question\": \"What color is it ?\", \"answer\": \"blue\"}\n");
  }

  private static void refused(Ran ran, int code, String reason) {
    assertEquals(code, ran.code, ran.err.toString());
    assertTrue(ran.err.get(0).startsWith("deem: "), ran.err.toString());
    assertTrue(ran.err.get(0).contains(reason), ran.err.toString());
    assertEquals(List.of(), ran.out);
  }

  @Test
  void badUsageIsTwo() {
    refused(train("--out", folder.resolve("run")), 2, "--data");
    refused(train("--data", folder), 2, "--out");
    Path out = folder.resolve("run");
    refused(train("--data", folder, "--out", out, "--stage", "four"), 2, "no stage 'four'");
    refused(train("--data", folder, "--out", out, "--steps", "0"), 2, "steps must be at least 1");
    refused(train("--data", folder, "--out", out, "--precision", "fp8"), 2, "--precision");
    assertFalse(Files.exists(out));
  }

  @Test
  void whatIsMissingIsOne() {
    Path out = folder.resolve("run");
    refused(train("--data", folder.resolve("none"), "--out", out), 1, "none");
    refused(train("--data", folder, "--out", out, "--resume"), 1, "has no run to resume");
  }

  @Test
  void aDryRunPrintsMemoryByPart() {
    Ran ran = train("--data", folder, "--batch", 1, "--dry-run");
    assertEquals(0, ran.code, ran.err.toString());
    assertTrue(ran.out.stream().anyMatch(line -> line.startsWith("optimiser")), ran.out.toString());
    assertTrue(ran.out.get(ran.out.size() - 1).startsWith("together"), ran.out.toString());
  }

  @Test
  void adaptersAreMergedIntoAModel() throws IOException {
    Path out = folder.resolve("run");
    Ran ran =
        train(
            "--data",
            folder,
            "--out",
            out,
            "--steps",
            1,
            "--batch",
            1,
            "--accumulation",
            1,
            "--redraws",
            0,
            "--stage",
            "image-text-tuning",
            "--lora",
            2);
    assertEquals(0, ran.code, ran.err.toString());
    Path merged = folder.resolve("merged");
    Path adapters = out.resolve("adapters.safetensors");
    ran = run("merge", model(), adapters, merged);
    assertEquals(0, ran.code, ran.err.toString());
    try (ModelFolder first = ModelFolder.open(model());
        ModelFolder second = ModelFolder.open(merged);
        ModelFolder trained = ModelFolder.open(out.resolve("model"))) {
      String adapted = "mm_decoder.layers.0.mlp.up_proj.weight";
      float[] values = second.weights().floats(adapted);
      assertArrayEquals(trained.weights().floats(adapted), values);
      assertFalse(Arrays.equals(first.weights().floats(adapted), values));
      assertEquals("adapters.safetensors", second.description().provenance().get("adapters"));
    }
    refused(run("merge", model(), adapters, merged), 1, "is there already");
    Path weights = model().resolve("model.safetensors");
    refused(run("merge", model(), weights, folder.resolve("no")), 1, "is not a file of adapters");
    assertFalse(Files.exists(folder.resolve("no")));
  }

  @Test
  void aTrainingPrintsItsStepsAndItsReport() {
    Path out = folder.resolve("run");
    Object[] arguments = {
      "--data",
      folder,
      "--out",
      out,
      "--steps",
      2,
      "--batch",
      1,
      "--accumulation",
      1,
      "--redraws",
      0,
      "--stage",
      "image-text-tuning",
      "--json"
    };
    Ran ran = train(arguments);
    assertEquals(0, ran.code, ran.err.toString());
    assertEquals(3, ran.out.size());
    JsonObject first = JsonParser.parseString(ran.out.get(0)).getAsJsonObject();
    assertEquals(1, first.get("step").getAsInt());
    assertTrue(first.get("loss").getAsDouble() > 0);
    JsonObject report = JsonParser.parseString(ran.out.get(2)).getAsJsonObject();
    assertEquals("image-text tuning", report.get("stage").getAsString());
    assertTrue(Files.exists(out.resolve("model/deem.json")));
    refused(train(arguments), 1, "has a run already");
  }

  @Test
  void dataSetsAreReadFromTheCommandLine() {
    assertEquals(
        new TrainingSettings.Data(
            "llava", List.of(Path.of("l.json")), Optional.of(Path.of("images")), 2),
        DataOption.parse("2*llava:l.json@images"));
    assertEquals(
        new TrainingSettings.Data(
            "refcoco", List.of(Path.of("a"), Path.of("b")), Optional.of(Path.of("c")), 1),
        DataOption.parse("refcoco:a,b@c"));
    assertEquals(
        TrainingSettings.Data.folder(Path.of("photos"), 0.5), DataOption.parse("0.5*photos"));
  }
}
