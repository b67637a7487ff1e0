package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.Image;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code deem evaluate}, with deem-mini. */
class EvaluateCommandTest {

  private static final Path EMOJI = Path.of("..", "deem-mini", "data", "emoji");

  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    return DeemCommand.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
  }

  @Test
  void scenesArePrintedForMachinesAndReported() throws IOException {
    Path report = folder.resolve("report.html");
    int code =
        run(
            "--json",
            "evaluate",
            "scenes",
            "--concepts",
            EMOJI.resolve("concepts.jsonl").toString(),
            "--style",
            EMOJI.resolve("noto.tar").toString(),
            "--seed",
            "3",
            "--scenes",
            "4",
            "--report",
            report.toString());
    assertEquals(0, code, err.toString());
    JsonObject json = JsonParser.parseString(out.toString()).getAsJsonObject();
    assertEquals("deem-mini", json.get("model").getAsString());
    assertEquals("noto", json.get("style").getAsString());
    assertEquals(3, json.get("seed").getAsInt());
    assertEquals(120, json.get("concepts").getAsInt());
    JsonArray results = json.getAsJsonArray("results");
    List<String> kinds = new ArrayList<>();
    for (JsonElement element : results) {
      JsonObject result = element.getAsJsonObject();
      kinds.add(result.get("kind").getAsString());
      double accuracy = result.get("accuracy").getAsDouble();
      assertTrue(result.get("low").getAsDouble() <= accuracy, result.toString());
      assertTrue(result.get("high").getAsDouble() >= accuracy, result.toString());
      assertTrue(result.has("f1") && result.has("yesShare"), result.toString());
      assertTrue(result.getAsJsonObject("written").has("accuracy"), result.toString());
    }
    assertEquals(
        List.of(
            "presence-random",
            "presence-popular",
            "presence-adversarial",
            "count",
            "colour",
            "position",
            "orientation",
            "pairs",
            "robust"),
        kinds);
    assertEquals(8, results.get(0).getAsJsonObject().get("n").getAsInt());
    assertEquals(4, results.get(7).getAsJsonObject().get("n").getAsInt());
    assertTrue(Files.readString(report).contains("deem-mini on scenes of noto"));
  }

  @Test
  void questionsOfAFolderAreAsked() throws IOException {
    Path data = Files.createDirectory(folder.resolve("data"));
    Image.ofRgb(8, 8, new byte[192]).write(data.resolve("a.png"));
    Files.writeString(
        data.resolve("data.jsonl"),
        "{\"image\": \"a.png\", \"question\": \"Is there a dog in the image?\", \"answer\": \"no\","
            + " \"options\": [\"yes\", \"no\"]}\n");
    assertEquals(0, run("evaluate", "questions", data.toString()), err.toString());
    assertTrue(out.toString().startsWith("data "), out.toString());
    assertTrue(out.toString().contains(" written "), out.toString());
  }

  @Test
  void aProbeTellsWhatTheEncoderTellsApart() throws IOException {
    Path train = folder.resolve("train");
    Path test = folder.resolve("test");
    for (int i = 0; i < 6; i++) {
      plain(train.resolve("red_thing"), i, 200 + 5 * i, 20);
      plain(train.resolve("blue"), i, 20, 200 + 5 * i);
      plain(test.resolve("red_thing"), i, 190 + 6 * i, 30);
      plain(test.resolve("blue"), i, 10 + i, 210);
    }
    int code = run("--json", "evaluate", "probe", "--train", train.toString(), test.toString());
    assertEquals(0, code, err.toString());
    JsonObject json = JsonParser.parseString(out.toString()).getAsJsonObject();
    assertEquals(2, json.get("classes").getAsInt());
    JsonObject result = json.getAsJsonArray("results").get(0).getAsJsonObject();
    assertEquals("test", result.get("kind").getAsString());
    assertEquals(12, result.get("n").getAsInt());
    assertEquals(1, result.get("accuracy").getAsDouble());

    plain(test.resolve("green"), 0, 0, 0);
    assertEquals(1, run("evaluate", "probe", "--train", train.toString(), test.toString()));
    assertTrue(err.toString().contains("test: the class 'green' is not in"), err.toString());
  }

  private static void plain(Path at, int number, int red, int blue) throws IOException {
    Files.createDirectories(at);
    byte[] rgb = new byte[16 * 16 * 3];
    for (int i = 0; i < rgb.length; i += 3) {
      rgb[i] = (byte) red;
      rgb[i + 2] = (byte) blue;
    }
    Image.ofRgb(16, 16, rgb).write(at.resolve(number + ".png"));
  }

  @Test
  void badUsageAndMissingFilesAreOneLine() {
    assertEquals(2, run("evaluate"));
    assertEquals(2, run("evaluate", "scenes"));
    assertEquals(1, run("evaluate", "mmvp", "missing.csv", "--images", "."));
    assertTrue(err.toString().contains("missing.csv: no such file"), err.toString());
  }
}
