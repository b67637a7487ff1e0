package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.Image;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
        "describe-model",
        "import",
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
      {"verify"},
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
  void aModelIsDescribed() {
    JsonObject model = succeeds("--json", "describe-model", "--model", MODEL).json(0);
    assertEquals("tiny", model.get("name").getAsString());
    assertEquals("7", model.getAsJsonObject("provenance").get("seed").getAsString());
    assertTrue(model.getAsJsonObject("parameters").has("language model"));
    Ran ran = succeeds("describe-model", "--model", MODEL);
    assertTrue(ran.out.get(0).startsWith("tiny"), ran.out.get(0));
  }

  // ---------------------------------------------------------------- verify

  @Test
  void verifiesAFixture() {
    Ran ran = succeeds("verify", FIXTURE);
    String last = ran.out.get(ran.out.size() - 1);
    assertTrue(last.matches("\\d+ passed, 0 failed"), last);
    assertTrue(ran.out.get(0).endsWith(" ok"), ran.out.get(0));
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
}
