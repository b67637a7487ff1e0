package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardWriterTest {

  @TempDir Path folder;

  @Test
  void checksumsAreCastagnolisMasked() {
    // The check value of CRC-32C is that of "123456789"; RFC 3720 has that of 32 zero bytes.
    assertEquals(
        masked(0xE3069283),
        TensorBoardWriter.maskedCrc("123456789".getBytes(StandardCharsets.US_ASCII)));
    assertEquals(masked(0x8A9136AA), TensorBoardWriter.maskedCrc(new byte[32]));
  }

  private static int masked(int crc) {
    return ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
  }

  @Test
  void recordsAreEvents() throws IOException {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", 0.5);
    values.put("broken", Double.NaN);
    values.put("text", -2.25);
    try (TensorBoardWriter writer = new TensorBoardWriter(folder, 300, 1000.5)) {
      writer.scalars(300, 1001.5, values);
    }
    Path file;
    try (Stream<Path> files = Files.list(folder)) {
      file = files.findFirst().orElseThrow();
    }
    List<Map<Integer, Object>> events = new ArrayList<>();
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      byte[] length = new byte[8];
      bytes.get(length);
      assertEquals(TensorBoardWriter.maskedCrc(length), bytes.getInt());
      byte[] data =
          new byte
              [Math.toIntExact(ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong())];
      bytes.get(data);
      assertEquals(TensorBoardWriter.maskedCrc(data), bytes.getInt());
      events.add(fields(data).get(0));
    }
    assertEquals(3, events.size());
    assertEquals("brain.Event:2", text(events.get(0).get(3)));
    assertEquals(1000.5, Double.longBitsToDouble((Long) events.get(0).get(1)));
    assertEquals(1L, fields((byte[]) events.get(1).get(7)).get(0).get(1), "session start");
    assertEquals(300L, events.get(2).get(2));
    List<Map<Integer, Object>> summary = fields((byte[]) events.get(2).get(5));
    assertEquals(2, summary.size(), "one that is not finite is left out");
    Map<Integer, Object> loss = fields((byte[]) summary.get(0).get(1)).get(0);
    assertEquals("loss", text(loss.get(1)));
    assertEquals(0.5f, Float.intBitsToFloat((Integer) loss.get(2)));
    Map<Integer, Object> textLoss = fields((byte[]) summary.get(1).get(1)).get(0);
    assertEquals(-2.25f, Float.intBitsToFloat((Integer) textLoss.get(2)));
    assertFalse(text(textLoss.get(1)).isEmpty());
  }

  private static String text(Object bytes) {
    return new String((byte[]) bytes, StandardCharsets.UTF_8);
  }

  /**
   * A protobuf message by its wire format: field numbers and values. A field that is there again
   * starts another map.
   */
  private static List<Map<Integer, Object>> fields(byte[] message) {
    List<Map<Integer, Object>> all = new ArrayList<>(List.of(new LinkedHashMap<>()));
    ByteBuffer bytes = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      long tag = varint(bytes);
      Object value =
          switch ((int) (tag & 7)) {
            case 0 -> varint(bytes);
            case 1 -> bytes.getLong();
            case 2 -> {
              byte[] inner = new byte[(int) varint(bytes)];
              bytes.get(inner);
              yield inner;
            }
            case 5 -> bytes.getInt();
            default -> throw new IllegalStateException("wire type " + (tag & 7));
          };
      int field = (int) (tag >>> 3);
      if (all.get(all.size() - 1).containsKey(field)) {
        all.add(new LinkedHashMap<>());
      }
      all.get(all.size() - 1).put(field, value);
    }
    return all;
  }

  private static long varint(ByteBuffer bytes) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = bytes.get();
      value |= (long) (next & 0x7F) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }
}
