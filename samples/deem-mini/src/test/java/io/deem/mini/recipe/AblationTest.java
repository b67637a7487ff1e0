package io.deem.mini.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole study in its smallest size, with two arms, one with a decoder of its own. */
class AblationTest {

  private static final Path DATA = Path.of("data");
  private static final AblationPlan TINY = new AblationPlan(1, 16, 2, 4, 2, 4, 4, 2);

  @TempDir Path out;

  @Test
  void armsAreTrainedMeasuredAndNotRunAgain() throws IOException {
    ByteArrayOutputStream told = new ByteArrayOutputStream();
    PrintStream log = new PrintStream(told, true, StandardCharsets.UTF_8);
    List<String> arms = List.of("no-feedback", "decoder");
    Ablation.run(DATA, out, TINY, arms, log);

    Path file = out.resolve("arms").resolve("decoder-0.json");
    JsonObject decoder = read(file);
    JsonObject plain = read(out.resolve("arms").resolve("no-feedback-0.json"));
    assertTrue(decoder.getAsJsonObject("losses").get("feedback").getAsDouble() > 0);
    assertTrue(decoder.get("trainable").getAsLong() > plain.get("trainable").getAsLong());
    for (var style : ArmRun.STYLES) {
      JsonObject kinds =
          decoder.getAsJsonObject("styles").getAsJsonObject(style.id()).getAsJsonObject("kinds");
      assertEquals(
          2, kinds.getAsJsonObject("presence-random").getAsJsonArray("scores").size(), style.id());
    }
    JsonObject encoder =
        decoder.getAsJsonObject("gradients").getAsJsonObject("start").getAsJsonObject("encoder");
    assertTrue(encoder.get("feedback").getAsDouble() > 0, "the decoder does not move the encoder");
    assertTrue(Files.readString(out.resolve("table.md")).contains("decoder less no-feedback"));
    assertTrue(Files.readString(out.resolve("figure.svg")).contains("auxiliary latent decoder"));

    assertTrue(told.toString(StandardCharsets.UTF_8).contains("openmoji told apart"));

    FileTime written = Files.getLastModifiedTime(file);
    Ablation.run(DATA, out, TINY, arms, log);
    assertEquals(written, Files.getLastModifiedTime(file));

    AblationPlan other = new AblationPlan(1, 16, 2, 4, 2, 4, 4, 3);
    IOException refused =
        assertThrows(IOException.class, () -> Ablation.run(DATA, out, other, arms, log));
    assertTrue(refused.getMessage().contains("is of another plan"), refused.getMessage());
  }

  @Test
  void unknownArmIsRefused() {
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> Ablation.run(DATA, out, TINY, List.of("deep"), System.out));
    String message = refused.getMessage();
    assertTrue(message.startsWith("there is no arm 'deep'; there are baseline, deem,"), message);
  }

  private static JsonObject read(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }
}
