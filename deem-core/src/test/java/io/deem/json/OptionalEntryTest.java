package io.deem.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.model.MaskPooling;
import io.deem.model.VisualTokenizer;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Entries that JSON may leave out, by the one configuration that has one. */
class OptionalEntryTest {

  private static final String PLAIN =
      "{\"positionGrid\":16,\"languageWidth\":4096,\"conditionWidth\":1024}";

  @Test
  void anEntryThatIsLeftOutIsEmpty() {
    VisualTokenizer.Config config = new VisualTokenizer.Config(16, 4096, 1024);
    assertEquals(config, read(PLAIN));
    assertEquals(PLAIN, RecordJson.write(config).toString());
  }

  @Test
  void anEntryThatIsThereIsRead() {
    VisualTokenizer.Config config =
        new VisualTokenizer.Config(16, 4096, 1024, Optional.of(MaskPooling.Config.PUBLISHED));
    String json = RecordJson.write(config).toString();
    assertTrue(json.endsWith("\"maskPooling\":{\"shapeSide\":112,\"hidden\":1024}}"), json);
    assertEquals(config, read(json));
  }

  @Test
  void anEntryThatIsThereIsChecked() {
    assertRefused("null", "maskPooling");
    assertRefused("{\"shapeSide\":112}", "maskPooling.hidden");
    assertRefused("{\"shapeSide\":0,\"hidden\":1024}", "shapeSide must be from 1");
    assertRefused("7", "maskPooling");
  }

  private static void assertRefused(String entry, String expected) {
    String json = PLAIN.replace("}", ",\"maskPooling\":" + entry + "}");
    String message = assertThrows(IllegalArgumentException.class, () -> read(json)).getMessage();
    assertTrue(message.contains(expected), message);
  }

  private static VisualTokenizer.Config read(String json) {
    JsonObject object = JsonParser.parseString(json).getAsJsonObject();
    return RecordJson.read(VisualTokenizer.Config.class, object);
  }
}
