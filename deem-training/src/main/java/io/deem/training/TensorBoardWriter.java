package io.deem.training;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Writes scalars to an event file that TensorBoard reads: TFRecords (length, masked CRC-32C of the
 * length, data, masked CRC-32C of the data) of the protobuf message {@code tensorflow.Event}.
 */
final class TensorBoardWriter implements AutoCloseable {

  private static final int MASK_DELTA = 0xa282ead8;
  private static final int SESSION_START = 1;

  private final FileChannel channel;

  /**
   * Starts a file.
   *
   * @param folder where TensorBoard looks
   * @param firstStep events of earlier files from here on are void: the run goes on from there
   * @param seconds since 1970, of now; makes the file's name
   */
  TensorBoardWriter(Path folder, long firstStep, double seconds) throws IOException {
    Path file =
        folder.resolve("events.out.tfevents." + (long) seconds + "." + System.nanoTime() + ".deem");
    channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    Message version = new Message().fixed64(1, Double.doubleToRawLongBits(seconds));
    record(version.text(3, "brain.Event:2"));
    Message start = new Message().fixed64(1, Double.doubleToRawLongBits(seconds));
    record(start.varint(2, firstStep).message(7, new Message().varint(1, SESSION_START)));
  }

  /** Adds the scalars of a step; those that are not finite are left out. */
  void scalars(long step, double seconds, Map<String, Double> values) throws IOException {
    Message summary = new Message();
    for (Map.Entry<String, Double> value : values.entrySet()) {
      if (Double.isFinite(value.getValue())) {
        summary.message(
            1,
            new Message()
                .text(1, value.getKey())
                .fixed32(2, Float.floatToRawIntBits(value.getValue().floatValue())));
      }
    }
    record(
        new Message()
            .fixed64(1, Double.doubleToRawLongBits(seconds))
            .varint(2, step)
            .message(5, summary));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private void record(Message message) throws IOException {
    byte[] data = message.bytes();
    ByteBuffer record = ByteBuffer.allocate(16 + data.length).order(ByteOrder.LITTLE_ENDIAN);
    byte[] length =
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(data.length).array();
    record.put(length).putInt(maskedCrc(length)).put(data).putInt(maskedCrc(data)).flip();
    while (record.hasRemaining()) {
      channel.write(record);
    }
  }

  /** TensorFlow masks checksums because a checksum of data that holds checksums is weak. */
  static int maskedCrc(byte[] bytes) {
    CRC32C checksum = new CRC32C();
    checksum.update(bytes);
    int crc = (int) checksum.getValue();
    return Integer.rotateRight(crc, 15) + MASK_DELTA;
  }

  /** A protobuf message under construction; each method adds a field. */
  private static final class Message {

    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Message varint(int field, long value) {
      tag(field, VARINT);
      varint(value);
      return this;
    }

    Message fixed64(int field, long bits) {
      tag(field, FIXED64);
      out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(bits).array());
      return this;
    }

    Message fixed32(int field, int bits) {
      tag(field, FIXED32);
      out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bits).array());
      return this;
    }

    Message text(int field, String text) {
      return bytes(field, text.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int field, Message inner) {
      return bytes(field, inner.bytes());
    }

    byte[] bytes() {
      return out.toByteArray();
    }

    private Message bytes(int field, byte[] bytes) {
      tag(field, BYTES);
      varint(bytes.length);
      out.writeBytes(bytes);
      return this;
    }

    private void tag(int field, int type) {
      varint(((long) field << 3) | type);
    }

    private void varint(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        out.write((int) ((rest & 0x7F) | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
    }
  }
}
