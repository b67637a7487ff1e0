package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Image;
import io.deem.cases.TinyDeem;
import io.deem.onnx.OnnxEngine;
import io.deem.onnx.OnnxExport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong with an exported model is told in one line that names the file. */
class DamagedExportTest {

  private static final DeemOptions EXPORTED =
      DeemOptions.defaults().withThreads(1).withRuntime("exported");
  private static final Image PICTURE = TinyDeem.picture(64, 64, 1);

  @TempDir static Path whole;

  @TempDir Path parent;
  private Path folder;
  private Path index;

  @BeforeAll
  static void export() throws IOException {
    TinyDeem.write(whole.resolve("model"), TinyDeem.config(5));
    OnnxExport.write(new OnnxEngine(1), whole.resolve("model"), whole.resolve("exported"));
  }

  @BeforeEach
  void copy() throws IOException {
    folder = parent.resolve("exported");
    index = folder.resolve("onnx/blocks.json");
    Path from = whole.resolve("exported");
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(from.relativize(file).toString()));
      }
    }
  }

  private void assertRefused(Path file, String why) {
    IOException refused = assertThrows(IOException.class, () -> Deem.open(folder, EXPORTED));
    assertLine(file, why, refused);
  }

  private static void assertLine(Path file, String why, Exception refused) {
    String message = refused.getMessage();
    assertEquals(1, message.lines().count(), message);
    assertTrue(message.contains(file.toString()), message + " does not name " + file);
    assertTrue(message.contains(why), message + " does not say " + why);
  }

  private List<Path> blocks() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("onnx"))) {
      return files.filter(file -> file.toString().endsWith(".onnx")).sorted().toList();
    }
  }

  @Test
  void everyFileIsNeededWhole() throws IOException {
    Path block = blocks().get(3);
    byte[] bytes = Files.readAllBytes(block);
    Files.write(block, Arrays.copyOf(bytes, bytes.length - 1));
    assertRefused(block, "is damaged");
    bytes[bytes.length / 2] ^= 1;
    Files.write(block, bytes);
    assertRefused(block, "is damaged");
    Files.delete(block);
    assertRefused(block, "no such file");
  }

  @Test
  void weightsMustBeThoseOfTheBlocks() throws IOException {
    Path weights = folder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, Arrays.copyOf(bytes, bytes.length - 4));
    assertRefused(weights, "");
    Files.delete(weights);
    assertRefused(folder, "model.safetensors");
    // The same tensors, elsewhere in the file.
    byte[] header = "        ".getBytes(StandardCharsets.UTF_8);
    long length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    ByteBuffer moved = ByteBuffer.allocate(bytes.length + header.length);
    moved.order(ByteOrder.LITTLE_ENDIAN).putLong(length + header.length);
    moved.put(bytes, Long.BYTES, (int) length).put(header);
    moved.put(bytes, Long.BYTES + (int) length, bytes.length - Long.BYTES - (int) length);
    Files.write(weights, moved.array());
    assertRefused(weights, "not the file that the blocks were exported with");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          deem-export/1      | deem-export/9       | format is
          "compiler": "deem  | "compiler": "other  | was exported by another version
          "precision": "fp32 | "precision": "a b   | precision is
          "precision": "fp32 | "precison": "fp32   | unknown entry
          "blocks": {        | "blocks": { "../../x": {"name": "x", "sha256": "0"}, | lists a block under
          "model.safetensors | "../secret          | refers to a file
          "model.safetensors | "a//b               | refers to a file
          "model.safetensors | "none.safetensors   | no such file
          "blocks": {        | "blocks": [         | is not valid JSON
          """)
  void theIndexIsChecked(String from, String to, String why) throws IOException {
    String text = Files.readString(index);
    assertTrue(text.contains(from), text);
    Files.writeString(index, text.replace(from, to));
    assertRefused(why.equals("no such file") ? folder.resolve("none.safetensors") : index, why);
  }

  @Test
  void aModelThatWasNotExportedIsSaidToBeNone() throws IOException {
    folder = whole.resolve("model");
    assertRefused(folder, "is not an exported model");
  }

  @Test
  void aBlockCannotReachOutOfItsFolder() throws Exception {
    Path secret = parent.resolve("secret");
    Files.copy(folder.resolve("model.safetensors"), secret);
    for (String place : List.of("../secret", secret.toString())) {
      for (Path block : blocks()) {
        redirect(block, place);
      }
      try (Deem deem = Deem.open(folder, EXPORTED)) {
        IllegalStateException refused =
            assertThrows(IllegalStateException.class, () -> deem.perceiver().describe(PICTURE));
        assertLine(folder.toRealPath().resolve("onnx"), "", refused);
      }
    }
  }

  @Test
  void whatIsNoModelIsRefusedByName() throws Exception {
    for (Path block : blocks()) {
      replace(block, "this is no protobuf at all".getBytes(StandardCharsets.UTF_8));
    }
    try (Deem deem = Deem.open(folder, EXPORTED)) {
      IllegalStateException refused =
          assertThrows(IllegalStateException.class, () -> deem.perceiver().describe(PICTURE));
      assertLine(folder.toRealPath().resolve("onnx"), ".onnx", refused);
    }
  }

  @Test
  void aBlockThatIsChangedWhileTheModelIsOpenIsRefused() throws Exception {
    try (Deem deem = Deem.open(folder, EXPORTED)) {
      for (Path block : blocks()) {
        Files.write(block, new byte[8]);
      }
      Exception refused =
          assertThrows(RuntimeException.class, () -> deem.perceiver().describe(PICTURE));
      assertLine(folder.toRealPath().resolve("onnx"), "is damaged", refused);
    }
  }

  private void redirect(Path block, String place) throws Exception {
    ModelProto.Builder model = ModelProto.parseFrom(Files.readAllBytes(block)).toBuilder();
    for (TensorProto.Builder tensor : model.getGraphBuilder().getInitializerBuilderList()) {
      for (StringStringEntryProto.Builder entry : tensor.getExternalDataBuilderList()) {
        if (entry.getKey().equals("location")) {
          entry.setValue(place);
        }
      }
    }
    replace(block, model.build().toByteArray());
  }

  /** Replaces a block and what the index says of it, as an attacker would. */
  private void replace(Path block, byte[] bytes) throws Exception {
    String before = hash(Files.readAllBytes(block));
    Files.write(block, bytes);
    String text = Files.readString(index);
    assertTrue(text.contains(before));
    Files.writeString(index, text.replace(before, hash(bytes)));
  }

  private static String hash(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }
}
