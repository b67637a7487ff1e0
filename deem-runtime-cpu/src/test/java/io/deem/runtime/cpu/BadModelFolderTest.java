package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Deem;
import io.deem.cases.TinyDeem;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelFolder;
import io.deem.text.SpecialTokens;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong with a model folder is told in one line that names the file and the place. */
class BadModelFolderTest {

  private static final String TENSOR = "mm_decoder.layers.0.self_attn.q_proj.weight";

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    TinyDeem.write(folder, TinyDeem.config(5));
  }

  private String refusal() {
    IOException refused = assertThrows(IOException.class, () -> Deem.open(folder));
    String message = refused.getMessage();
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  private void assertRefused(String file, String... parts) {
    String message = refusal();
    assertTrue(message.startsWith(folder.resolve(file) + ": "), message);
    for (String part : parts) {
      assertTrue(message.contains(part), message + " does not contain " + part);
    }
  }

  private void rewrite(String from, String to) throws IOException {
    Path file = folder.resolve("deem.json");
    String text = Files.readString(file);
    assertTrue(text.contains(from), text);
    Files.writeString(file, text.replace(from, to));
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    DeemConfig config = TinyDeem.config(5);
    try (ModelFolder model = ModelFolder.open(folder)) {
      assertEquals(TinyDeem.description(config), model.description());
      assertEquals(98, model.tokenizer().vocabularySize());
      for (String name : TinyDeem.weights(config).names()) {
        assertArrayEquals(
            TinyDeem.weights(config).floats(name), model.weights().floats(name), name);
      }
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(3, files.count(), "nothing is left behind");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "deem/1"                | "deem/2"               | format is
          "format": "deem/1",     |                        | has no entry "format"
          "name": "tiny"          | "name": 3              | entry "name" is not a text
          "name": "tiny"          | "nmae": "tiny"         | unknown entry "nmae"
          "name": "tiny"          | "name": "a\\nb"        | is not usable
          "headTied": false       | "headTied": "no"       | entry "headTied" is not true or false
          "imageSize": 64         | "imageSize": 64.5      | entry "architecture.imageSize" is not a whole number
          "imageSize": 64         | "imageSize": -1        | entry "architecture.imageSize" is not a whole number
          "imageSize": 64,        |                        | has no entry "architecture.imageSize"
          "layers": 3             | "layers": 16000000     | architecture.languageModel.layers
          "vocabulary": 98        | "vocabulary": 99       | has shape [98, 32], expected [99, 32]
          "image": 97             | "image": 90            | has id 97, the model needs 90
          V_PREDICTION            | GUESS                  | entry "architecture.prediction" is not one of
          "latentChannels": 4     | "latentChannels": 3    | inChannels is 4, but its neighbour needs 3
          "tokensPerImage": 5     | "tokensPerImage": 6    | tokensPerImage is 6, but its neighbour needs 5
          {image}A photo of       | A photo of             | must have {image} exactly once
          """)
  void everyEntryOfTheDescriptionIsChecked(String from, String to, String expected)
      throws IOException {
    rewrite(from, to == null ? "" : to);
    String message = refusal();
    assertTrue(message.contains(expected), message);
    assertTrue(message.startsWith(folder.toString()), message);
  }

  @Test
  void aDescriptionMustBeWhole() throws IOException {
    Path file = folder.resolve("deem.json");
    String text = Files.readString(file);
    for (String corrupt :
        new String[] {
          "", "[]", "null", text.substring(0, text.length() / 2), text + "x", "\u0000" + text
        }) {
      Files.writeString(file, corrupt);
      assertRefused("deem.json", "JSON");
    }
    Files.write(file, new byte[] {'{', '"', (byte) 0xff, '"', '}'});
    assertRefused("deem.json", "UTF-8");
    Files.write(file, new byte[2 << 20]);
    assertRefused("deem.json", "over the limit");
    Files.delete(file);
    assertRefused("deem.json", "no such file");
  }

  @Test
  void everyTensorMustBeThere() throws IOException {
    weights(name -> name.equals(TENSOR) ? null : 1);
    assertRefused("model.safetensors", '"' + TENSOR + '"', "no tensor");
  }

  @Test
  void everyTensorMustHaveItsShape() throws IOException {
    weights(name -> name.equals(TENSOR) ? 2 : 1);
    assertRefused("model.safetensors", '"' + TENSOR + '"', "[16, 64]", "expected [32, 32]");
  }

  /** How a tensor's rows are regrouped: divides the first extent; null leaves the tensor out. */
  private interface Change {
    Integer of(String name);
  }

  private void weights(Change change) throws IOException {
    Path file = folder.resolve("model.safetensors");
    SafetensorsWriter writer = new SafetensorsWriter();
    try (SafetensorsFile stored = SafetensorsFile.open(file)) {
      for (String name : stored.names()) {
        Integer factor = change.of(name);
        if (factor != null) {
          TensorInfo info = stored.info(name);
          long[] shape = info.shape();
          if (factor > 1) {
            shape[0] /= factor;
            shape[1] *= factor;
          }
          writer.bytes(name, info.type(), shape, () -> stored.bytes(name));
        }
      }
      writer.write(file);
    }
  }

  @Test
  void tensorsMustNotOverlap() throws IOException {
    safetensors(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
        12);
    assertRefused("model.safetensors", "overlap");
  }

  @Test
  void tensorsMustLieInTheFile() throws IOException {
    safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4);
    assertRefused("model.safetensors", "\"a\"");
  }

  private void safetensors(String header, int data) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + data).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    Files.write(folder.resolve("model.safetensors"), bytes.array());
  }

  @Test
  void theTokenizerMustBeTheModels() throws IOException {
    Path file = folder.resolve("tokenizer.json");
    TinyDeem.tokenizer(50).withAddedTokens(SpecialTokens.IMAGE).write(file);
    assertRefused("tokenizer.json", "vocabulary of 52 tokens, the model needs 98");
    TinyDeem.tokenizer(98).write(file);
    assertRefused("tokenizer.json", SpecialTokens.SNIFFER);
    Files.writeString(file, "{}");
    assertRefused("tokenizer.json");
    Files.delete(file);
    assertRefused("tokenizer.json", "no such file");
  }

  @Test
  void writingRefusesWhatReadingWould() throws IOException {
    DeemConfig config = TinyDeem.config(5);
    ModelFolder.Description description = TinyDeem.description(config);
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                ModelFolder.write(
                    folder,
                    description,
                    TinyDeem.weights(config),
                    ElementType.F32,
                    TinyDeem.tokenizer(98)));
    assertTrue(refused.getMessage().contains(SpecialTokens.SNIFFER), refused.getMessage());
    refused =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                ModelFolder.write(
                    folder,
                    tied(description),
                    TinyDeem.weights(config),
                    ElementType.F32,
                    TinyDeem.tokenizer()));
    assertTrue(refused.getMessage().contains("head"), refused.getMessage());
    // The folder is as it was.
    ModelFolder.open(folder).close();
  }

  @Test
  void aTiedHeadIsDerivedFromTheEmbeddings(@TempDir Path other) throws IOException {
    DeemConfig config = TinyDeem.config(5);
    String table = "mm_decoder.embed_tokens.weight";
    float[] rows = TinyDeem.weights(config).floats(table);
    float[] head = rows.clone();
    Arrays.fill(head, 96 * 32, head.length, 0);
    float[] bias = new float[98];
    bias[96] = -100;
    bias[97] = -100;
    ModelFolder.write(
        other,
        tied(TinyDeem.description(config)),
        TinyDeem.weights(config)
            .set("text_decoder.head.weight", () -> head)
            .set("text_decoder.head.bias", () -> bias),
        ElementType.F32,
        TinyDeem.tokenizer());
    try (SafetensorsFile stored = SafetensorsFile.open(other.resolve("model.safetensors"))) {
      assertFalse(stored.contains("text_decoder.head.weight"));
      assertFalse(stored.contains("text_decoder.head.bias"));
      assertEquals(new DeemNetwork(config).params().size() - 2, stored.names().size());
    }
    try (ModelFolder model = ModelFolder.open(other)) {
      assertArrayEquals(head, model.weights().floats("text_decoder.head.weight", 98, 32));
      assertArrayEquals(bias, model.weights().floats("text_decoder.head.bias", 98));
      assertArrayEquals(rows, model.weights().floats(table));
    }
  }

  private static ModelFolder.Description tied(ModelFolder.Description description) {
    return new ModelFolder.Description(
        description.name(), description.architecture(), description.prompts(), true, Map.of());
  }
}
