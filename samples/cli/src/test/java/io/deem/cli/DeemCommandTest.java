package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.Image;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command as a user sees it: what it prints where, and its exit code. */
class DeemCommandTest {

  /** Random weights, stored once: the folder must still open in later versions. */
  private static final Path MODEL = resource("/models/tiny");

  private static final Path FIXTURE = resource("/fixtures/qformer_plain");

  @TempDir Path folder;

  private Path picture;

  private record Ran(int code, List<String> out, List<String> err) {
    JsonObject json(int line) {
      return JsonParser.parseString(out.get(line)).getAsJsonObject();
    }
  }

  private static Path resource(String name) {
    try {
      return Path.of(DeemCommandTest.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @BeforeEach
  void draw() throws IOException {
    byte[] rgb = new byte[40 * 30 * 3];
    new Random(3).nextBytes(rgb);
    picture = folder.resolve("noise.png");
    Image.ofRgb(40, 30, rgb).write(picture);
  }

  private static Ran deem(Object... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] texts = Arrays.stream(arguments).map(String::valueOf).toArray(String[]::new);
    int code = DeemCommand.run(new PrintWriter(out, true), new PrintWriter(err, true), texts);
    return new Ran(code, out.toString().lines().toList(), err.toString().lines().toList());
  }

  private static Ran succeeds(Object... arguments) {
    Ran ran = deem(arguments);
    assertEquals(List.of(), ran.err);
    assertEquals(0, ran.code);
    return ran;
  }

  /** A failure is one line, with exit code 1. */
  private static String fails(Object... arguments) {
    Ran ran = deem(arguments);
    assertEquals(1, ran.err.size(), ran.err.toString());
    assertEquals(1, ran.code);
    assertEquals(List.of(), ran.out);
    assertTrue(ran.err.get(0).startsWith("deem: "), ran.err.get(0));
    return ran.err.get(0);
  }

  // ---------------------------------------------------------------- usage

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "describe",
        "ask",
        "choose",
        "redraw",
        "fidelity",
        "imagine",
        "chat",
        "describe-model",
        "import",
        "export",
        "verify"
      })
  void everyCommandExplainsItself(String command) {
    Ran ran = command.isEmpty() ? succeeds("--help") : succeeds(command, "--help");
    assertTrue(ran.out.get(0).startsWith("Usage: deem"), ran.out.get(0));
    assertTrue(String.join(" ", ran.out).contains("--json"));
  }

  @Test
  void badUsageHasItsOwnExitCode() {
    Object[][] wrong = {
      {},
      {"look"},
      {"ask"},
      {"ask", picture},
      {"ask", picture, "Is it red?", "--loud"},
      {"choose", picture, "What color is it?", "red"},
      {"redraw", picture, "out.png", "--steps", "0", "--model", MODEL},
      {"redraw", picture, "out.png", "--steps", "many"},
      {"describe", picture, "--threads", "-1", "--model", MODEL},
      {"describe", picture, "--region", "1,2,3", "--model", MODEL},
      {"describe", picture, "--region", "1,2,,3", "--model", MODEL},
      {"describe", picture, "--region", "9,2,3,4", "--model", MODEL},
      {"describe", picture, "--beams", "0", "--model", MODEL},
      {"ask", picture, "Is it red?", "--beams", "2", "--temperature", "1", "--model", MODEL},
      {"imagine", "a red bus", "--model", MODEL},
      {"imagine", "a red bus", "--out", "x.png", "--sampler", "magic", "--model", MODEL},
      {"imagine", "a red bus", "--out", "x.png", "--steps", "0", "--model", MODEL},
      {"imagine", " ", "--out", "x.png", "--model", MODEL},
      {"chat", "--max-tokens", "0", "--model", MODEL},
      {"verify"},
      {"verify", FIXTURE, "--engine", "abacus"},
      {"export", MODEL},
      {"verify", FIXTURE, "--tolerance", "0"},
      {"verify", FIXTURE, "--precision", "fp8"},
    };
    for (Object[] arguments : wrong) {
      Ran ran = deem(arguments);
      assertEquals(2, ran.code, Arrays.toString(arguments));
      assertTrue(ran.err.get(0).startsWith("deem: "), ran.err.toString());
      assertEquals(List.of(), ran.out);
    }
  }

  @Test
  void deemMiniIsTheDefault() {
    Assumptions.assumeTrue(System.getenv("DEEM_MODEL") == null);
    Ran ran = deem("describe-model");
    assertEquals(0, ran.code, ran.err.toString());
    assertTrue(ran.out.get(0).contains("deem-mini"), ran.out.toString());
  }

  // ---------------------------------------------------------------- bad input

  @ParameterizedTest
  @ValueSource(strings = {"truncated.png", "huge.png", "empty.png", "text.png", "missing.png"})
  void aBadPictureIsOneLine(String name) throws IOException {
    Path bad = folder.resolve(name);
    switch (name) {
      case "truncated.png" -> {
        byte[] whole = Files.readAllBytes(picture);
        Files.write(bad, Arrays.copyOf(whole, whole.length / 2));
      }
      case "huge.png" -> Files.write(bad, pngHeader(30_000, 30_000));
      case "empty.png" -> Files.write(bad, new byte[0]);
      case "text.png" -> Files.writeString(bad, "no picture");
      default -> assertFalse(Files.exists(bad));
    }
    String line = fails("ask", bad, "Is there a dog?", "--model", MODEL);
    assertTrue(line.contains(bad.toString()), line);
    if (name.equals("huge.png")) {
      assertTrue(line.contains("30000"), line);
    }
    assertEquals(line, fails("describe", picture, bad, "--model", MODEL));
    assertEquals(line, fails("fidelity", bad, "--model", MODEL));
    assertEquals(line, fails("redraw", bad, folder.resolve("out.png"), "--model", MODEL));
  }

  private static byte[] pngHeader(int width, int height) throws IOException {
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(header);
    data.write("IHDR".getBytes(StandardCharsets.US_ASCII));
    data.writeInt(width);
    data.writeInt(height);
    data.write(new byte[] {8, 2, 0, 0, 0});
    CRC32 checksum = new CRC32();
    checksum.update(header.toByteArray());
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    DataOutputStream file = new DataOutputStream(png);
    file.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
    file.writeInt(13);
    file.write(header.toByteArray());
    file.writeInt((int) checksum.getValue());
    return png.toByteArray();
  }

  @Test
  void aBadModelIsOneLine() throws IOException {
    String missing = fails("describe", picture, "--model", folder.resolve("nowhere"));
    assertTrue(missing.contains("nowhere"), missing);
    Path model = Files.createDirectory(folder.resolve("model"));
    assertTrue(fails("describe-model", "--model", model).contains("deem.json"));
    for (String file : List.of("deem.json", "model.safetensors", "tokenizer.json")) {
      Files.copy(MODEL.resolve(file), model.resolve(file));
    }
    succeeds("describe-model", "--model", model);
    Files.write(model.resolve("model.safetensors"), new byte[] {1, 2, 3});
    String line = fails("describe", picture, "--model", model);
    assertTrue(line.contains("model.safetensors"), line);
    Ran traced = deem("describe", picture, "--model", model, "--stacktrace");
    assertEquals(line, traced.err.get(0));
    assertTrue(traced.err.size() > 3, "the stack trace was asked for");
    assertTrue(
        fails("describe", picture, "--model", MODEL, "--runtime", "abacus").contains("abacus"));
  }

  @Test
  void aSpecialTokenIsNoQuestion() {
    String line = fails("ask", picture, "What is <|sniffer|>?", "--model", MODEL);
    assertTrue(line.contains("<|sniffer|>"), line);
  }

  // ---------------------------------------------------------------- perceiving

  @Test
  void perceivesForPeople() {
    assertEquals(1, succeeds("describe", picture, "--model", MODEL).out.size());
    Ran ran = succeeds("choose", picture, "Is there a dog?", "yes", "no", "--model", MODEL);
    assertEquals(2, ran.out.size());
    assertTrue(ran.out.get(0).matches("[01]\\.\\d{3} (yes|no)"), ran.out.get(0));
    ran = succeeds("fidelity", picture, "--model", MODEL);
    assertTrue(ran.out.get(0).matches("loss .*, blind .*, gain .*"), ran.out.get(0));
    ran = succeeds("ask", picture, "Is there a dog?", "--model", MODEL);
    assertTrue(ran.out.get(0).matches(".* \\([01]\\.\\d{3}\\)"), ran.out.get(0));
  }

  @Test
  void perceivesForMachines() throws IOException {
    JsonObject answer =
        succeeds("--json", "ask", picture, "Is there a dog?", "--model", MODEL).json(0);
    assertEquals(picture.toString(), answer.get("image").getAsString());
    assertTrue(answer.get("probability").getAsDouble() > 0);
    Ran two = succeeds("describe", picture, picture, "--json", "--model", MODEL);
    assertTrue(two.json(0).has("text"));
    JsonObject choices =
        succeeds("choose", picture, "Is it red?", "yes", "no", "it", "--json", "--model", MODEL)
            .json(0);
    assertEquals(3, choices.getAsJsonArray("choices").size());
    JsonObject fidelity = succeeds("fidelity", picture, "--json", "--model", MODEL).json(0);
    assertTrue(fidelity.get("loss").getAsDouble() > 0);
    Path drawn = folder.resolve("drawn.png");
    succeeds("redraw", picture, drawn, "--steps", "2", "--seed", "5", "--json", "--model", MODEL);
    assertEquals(64, Image.read(drawn).width());
  }

  @Test
  void aRegionIsABoxAPolygonOrAMask() throws IOException {
    double whole = probability("describe", picture);
    double box = probability("describe", picture, "--region", "5,5,20,25");
    double polygon = probability("describe", picture, "--region", "5, 5, 20,5 ,20,25,5,25");
    byte[] bright = new byte[40 * 30 * 3];
    for (int y = 5; y < 25; y++) {
      Arrays.fill(bright, (y * 40 + 5) * 3, (y * 40 + 20) * 3, (byte) 255);
    }
    Path mask = folder.resolve("mask.png");
    Image.ofRgb(40, 30, bright).write(mask);
    assertNotEquals(whole, box);
    assertEquals(box, polygon);
    assertEquals(box, probability("describe", picture, "--region", mask));
    assertNotEquals(
        succeeds("fidelity", picture, "--model", MODEL).out,
        succeeds("fidelity", picture, "--region", "5,5,20,25", "--model", MODEL).out);
    String line = fails("ask", picture, "Is it?", "--region", "5,5,50,25", "--model", MODEL);
    assertTrue(line.contains(picture.toString()) && line.contains("40 x 30"), line);
    line = fails("describe", picture, "--region", folder.resolve("none.png"), "--model", MODEL);
    assertTrue(line.contains("none.png"), line);
    Path black = folder.resolve("black.png");
    Image.ofRgb(40, 30, new byte[40 * 30 * 3]).write(black);
    line = fails("describe", picture, "--region", black, "--model", MODEL);
    assertTrue(line.contains("black.png") && line.contains("empty"), line);
  }

  private static double probability(Object... arguments) {
    Object[] all = Arrays.copyOf(arguments, arguments.length + 3);
    all[arguments.length] = "--json";
    all[arguments.length + 1] = "--model";
    all[arguments.length + 2] = MODEL;
    return succeeds(all).json(0).get("probability").getAsDouble();
  }

  @Test
  void severalPicturesAreSeenInOneCall() throws IOException {
    Path other = folder.resolve("other.png");
    Image.ofRgb(20, 20, new byte[20 * 20 * 3]).write(other);
    Ran ran = succeeds("ask", picture, "Is it red?", "-i", other, "--json", "--model", MODEL);
    assertEquals(2, ran.out.size());
    assertEquals(other.toString(), ran.json(1).get("image").getAsString());
    assertEquals(
        succeeds("ask", other, "Is it red?", "--model", MODEL).out.get(0),
        succeeds("ask", picture, "Is it red?", "-i", other, "--model", MODEL)
            .out
            .get(1)
            .substring((other + ": ").length()));
    ran = succeeds("choose", picture, "Is it?", "yes", "no", "-i", other, "--model", MODEL);
    assertTrue(ran.out.get(0).startsWith(picture + ": "), ran.out.get(0));
    assertEquals(
        2, succeeds("describe", picture, other, "--beams", "3", "--model", MODEL).out.size());
  }

  @Test
  void wordsAreDrawn() throws IOException {
    Path drawn = folder.resolve("drawn.png");
    succeeds("imagine", "a red dog", "--out", drawn, "--steps", "2", "--model", MODEL);
    Image first = Image.read(drawn);
    JsonObject json =
        succeeds(
                "imagine",
                "a red dog",
                "-o",
                drawn,
                "--steps",
                "2",
                "--sampler",
                "EULER",
                "-i",
                picture,
                "--json",
                "--model",
                MODEL)
            .json(0);
    assertEquals(drawn.toString(), json.get("output").getAsString());
    assertNotEquals(first, Image.read(drawn));
    Ran ran = deem("imagine", "dog", "-o", drawn, "--steps", "3", "--progress", "--model", MODEL);
    assertEquals(List.of("imagine 1 of 3", "imagine 2 of 3", "imagine 3 of 3"), ran.err);
    assertTrue(
        fails("imagine", "dog", "-o", drawn, "--size", "65", "--model", MODEL).contains("65"));
  }

  @Test
  void aConversationIsHeldLineByLine() {
    String question = "Is there a dog?";
    Ran ran = chat("/image " + picture + "\n" + question + "\n\nIs it red?\n", "--json");
    assertEquals(0, ran.code, ran.err.toString());
    assertEquals(2, ran.out.size());
    assertEquals(1, ran.json(0).getAsJsonArray("images").size());
    assertEquals(0, ran.json(1).getAsJsonArray("images").size());
    JsonObject asked = succeeds("ask", picture, question, "--json", "--model", MODEL).json(0);
    assertEquals(asked.get("text"), ran.json(0).get("text"));
    ran = chat("/image " + picture + "\n" + question + "\n/quit\nIs it red?\n");
    assertEquals(List.of(asked.get("text").getAsString()), ran.out);
    Ran failing = chat("/image none.png\n/dance\nIs it <s>?\nIs it?\n/clear\n");
    assertEquals(1, failing.code);
    assertEquals(3, failing.err.size(), failing.err.toString());
    assertEquals(1, failing.out.size(), "what follows is answered");
  }

  private static Ran chat(String lines, Object... arguments) {
    List<Object> all = new ArrayList<>(List.of("chat", "--model", MODEL, "--max-tokens", "30"));
    all.addAll(List.of(arguments));
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)));
    try {
      return deem(all.toArray());
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void aModelIsDescribed() {
    JsonObject model = succeeds("--json", "describe-model", "--model", MODEL).json(0);
    assertEquals("tiny", model.get("name").getAsString());
    assertEquals("7", model.getAsJsonObject("provenance").get("seed").getAsString());
    assertTrue(model.getAsJsonObject("parameters").has("language model"));
    Ran ran = succeeds("describe-model", "--model", MODEL);
    assertTrue(ran.out.get(0).startsWith("tiny"), ran.out.get(0));
  }

  // ---------------------------------------------------------------- export

  @Test
  void exportsAModel() {
    Path exported = folder.resolve("exported");
    Ran ran = succeeds("export", MODEL, exported);
    assertTrue(ran.out.get(0).matches(".*: \\d+ blocks"), ran.out.get(0));
    assertEquals(
        succeeds("describe", picture, "--model", MODEL, "--precision", "fp32").out,
        succeeds("describe", picture, "--model", exported, "--runtime", "exported").out);
    String none = fails("describe", picture, "--model", MODEL, "--runtime", "exported");
    assertTrue(none.contains("is not an exported model"), none);
    assertTrue(fails("export", MODEL, exported).contains("is there already"));
  }

  // ---------------------------------------------------------------- verify

  @ParameterizedTest
  @ValueSource(strings = {"lora", "diva", "genhancer"})
  void whatNeedsGradientsIsPassedOverByTheEngineThatHasNone(String fixture) {
    Path there = Path.of("../../deem-training/src/test/resources/fixtures", fixture);
    Ran ran = succeeds("verify", there);
    String last = ran.out.get(ran.out.size() - 1);
    assertTrue(last.matches("[1-9]\\d* passed, 0 failed"), last);
    assertTrue(ran.out.stream().noneMatch(line -> line.contains("onnxruntime")));
    assertTrue(fails("verify", "--engine", "onnxruntime", there).contains("cannot run it"));
  }

  @Test
  void verifiesAFixture() {
    Ran ran = succeeds("verify", FIXTURE);
    String last = ran.out.get(ran.out.size() - 1);
    assertTrue(last.matches("\\d+ passed, 0 failed"), last);
    assertTrue(ran.out.get(0).endsWith(" ok"), ran.out.get(0));
    for (String engine : List.of(" libtorch-fp32 ", " onnxruntime-fp32 ")) {
      assertTrue(ran.out.stream().anyMatch(line -> line.contains(engine)), engine);
    }
    ran = succeeds("verify", "--engine", "onnxruntime", FIXTURE);
    assertTrue(ran.out.stream().noneMatch(line -> line.contains("libtorch")), ran.out.toString());
    assertTrue(succeeds("--json", "verify", FIXTURE).json(0).get("ok").getAsBoolean());
    Ran exact = succeeds("verify", FIXTURE, "--precision", "fp64");
    assertTrue(exact.out.stream().anyMatch(line -> line.contains(" libtorch-fp64 ")));
  }

  @Test
  void aCorruptedFixtureFails() throws IOException {
    Path copy = Files.createDirectory(folder.resolve("copy"));
    for (String file : List.of("config.json", "model.safetensors", "io.safetensors")) {
      Files.copy(FIXTURE.resolve(file), copy.resolve(file));
    }
    succeeds("verify", copy);
    SafetensorsWriter writer = new SafetensorsWriter();
    try (SafetensorsFile stored = SafetensorsFile.open(FIXTURE.resolve("model.safetensors"))) {
      for (String name : stored.names()) {
        TensorInfo info = stored.info(name);
        float[] values = stored.floats(name);
        if (name.equals("queries")) {
          values[0] += 0.5f;
        }
        writer.floats(name, info.type(), info.shape(), () -> values);
      }
      writer.write(copy.resolve("model.safetensors"));
    }
    Ran ran = deem("verify", copy);
    assertEquals(1, ran.code);
    assertTrue(ran.out.stream().anyMatch(line -> line.contains(" FAIL")), ran.out.toString());
    assertEquals(List.of(), ran.err);
    assertTrue(fails("verify", folder).contains(folder.toString()));
  }

  @Test
  void alignsToPictures() throws IOException {
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    for (int i = 0; i < 3; i++) {
      byte[] rgb = new byte[16 * 16 * 3];
      new Random(i).nextBytes(rgb);
      Image.ofRgb(16, 16, rgb).write(pictures.resolve(i + ".png"));
    }
    Path out = folder.resolve("aligned");
    Ran ran =
        deem(
            "align",
            MODEL,
            "--images",
            pictures,
            "--out",
            out,
            "--steps",
            1,
            "--batch",
            1,
            "--json");
    assertEquals(0, ran.code, ran.err.toString());
    assertEquals(1, ran.err.stream().filter(line -> line.startsWith("align: ")).count());
    assertEquals("deem", ran.json(0).get("strategy").getAsString());
    assertEquals(2, ran.json(0).get("trainingImages").getAsInt());
    assertEquals(0, deem("describe-model", "--model", out).code);
    Ran again = deem("align", MODEL, "--images", pictures, "--out", out);
    assertEquals(1, again.code);
    assertEquals(List.of("deem: " + out + ": is there already; choose another folder"), again.err);
    Ran wrong =
        deem("align", MODEL, "--images", pictures, "--out", folder.resolve("b"), "--strategy", "x");
    assertEquals(2, wrong.code);
    assertTrue(wrong.err.get(0).contains("must be deem, diva or genhancer"));
  }
}
