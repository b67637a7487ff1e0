package io.deem.weights;

import com.google.gson.stream.JsonWriter;
import io.deem.portable.Bounds;
import io.deem.portable.Buffers;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Writes a safetensors file atomically, one tensor at a time, so that no more than one is in
 * memory.
 *
 * <pre>{@code
 * new SafetensorsWriter()
 *     .metadata("format", "pt")
 *     .floats("weight", ElementType.BF16, new long[] {2, 3}, () -> weight)
 *     .longs("step", ElementType.I64, new long[0], () -> new long[] {step})
 *     .write(Paths.get("model.safetensors"));
 * }</pre>
 *
 * <p>Tensors are stored with the widest elements first, otherwise in the order given; this keeps
 * every tensor aligned to its element size. A supplier is called once for each {@link #write}.
 */
public final class SafetensorsWriter {
  private static final int BUFFER_BYTES = 1 << 18;

  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private record Entry(TensorInfo info, Data data) {}

  private interface Data {
    void writeTo(FileChannel channel, TensorInfo info) throws IOException;
  }

  /** The place of a reserved tensor in a file that is being written; for any number of threads. */
  public interface Place {
    /**
     * Writes the buffer's bytes.
     *
     * @param from where they start in the tensor, in bytes
     * @throws IndexOutOfBoundsException if they reach beyond the tensor
     */
    void write(long from, ByteBuffer bytes) throws IOException;
  }

  /** Writes the reserved tensors, every byte of them once. */
  @FunctionalInterface
  public interface Filling {
    /** Writes everything; {@code places} gives the place of a reserved tensor by its name. */
    void fill(Function<String, Place> places) throws IOException;
  }

  /** Adds a line of free-form metadata; the last value of a key stays. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(Objects.requireNonNull(key, "key"), Objects.requireNonNull(value, "value"));
    return this;
  }

  /**
   * Adds a tensor of floating-point numbers, rounded to nearest, ties to even, where the type is
   * narrower.
   *
   * @param type F64, F32, F16 or BF16
   * @param shape dimensions, outermost first
   * @param values gives the elements in row-major order
   * @throws IllegalArgumentException if the name is taken, a dimension is negative or the type is
   *     not floating-point
   */
  public SafetensorsWriter floats(
      String name, ElementType type, long[] shape, Supplier<float[]> values) {
    if (!type.isFloating()) {
      throw new IllegalArgumentException("tensor \"" + name + "\": " + type + " is not floating");
    }
    return add(name, type, shape, (channel, info) -> writeFloats(channel, info, values.get()));
  }

  /**
   * Adds a tensor of integers.
   *
   * @param type I64, I32, I16, I8, U8 or BOOL
   * @param values gives the elements in row-major order; each must fit the type
   * @throws IllegalArgumentException if the name is taken, a dimension is negative or the type is
   *     floating-point
   */
  public SafetensorsWriter longs(
      String name, ElementType type, long[] shape, Supplier<long[]> values) {
    if (type.isFloating()) {
      throw new IllegalArgumentException("tensor \"" + name + "\": " + type + " is not integer");
    }
    return add(name, type, shape, (channel, info) -> writeLongs(channel, info, values.get()));
  }

  /**
   * Adds a tensor whose elements are already stored little endian, of any type.
   *
   * @param bytes gives the bytes between position and limit; the buffer itself is left as it was
   */
  public SafetensorsWriter bytes(
      String name, ElementType type, long[] shape, Supplier<ByteBuffer> bytes) {
    return add(name, type, shape, (channel, info) -> writeBytes(channel, info, bytes.get()));
  }

  /** Adds a tensor as another file stores it. */
  public SafetensorsWriter copy(String name, TensorSource from) {
    TensorInfo info = from.info(name);
    return bytes(name, info.type(), info.shape(), () -> from.bytes(name));
  }

  /**
   * Adds a tensor whose bytes are written in pieces, in any order, by the {@link Filling} given to
   * {@link #write(Path, Filling)}.
   */
  public SafetensorsWriter reserve(String name, ElementType type, long[] shape) {
    return add(name, type, shape, null);
  }

  private SafetensorsWriter add(String name, ElementType type, long[] shape, Data data) {
    long length = type.bytes();
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(
            "tensor \"" + name + "\" has negative shape " + Arrays.toString(shape));
      }
      length = Math.multiplyExact(length, dimension);
    }
    if (name.equals("__metadata__")) {
      throw new IllegalArgumentException("a tensor cannot be named " + name);
    }
    if (entries.putIfAbsent(name, new Entry(new TensorInfo(name, type, shape, 0, length), data))
        != null) {
      throw new IllegalArgumentException("tensor \"" + name + "\" was already added");
    }
    return this;
  }

  /**
   * Writes everything to {@code path}, replacing a file there in one step.
   *
   * @throws IllegalArgumentException if a supplier gives another number of elements than the shape
   *     says, or an integer that does not fit; the file is then as it was
   * @throws IOException if writing fails; the file is then as it was
   */
  public void write(Path path) throws IOException {
    write(path, places -> {});
  }

  /**
   * As {@link #write(Path)}, with reserved tensors.
   *
   * @throws IllegalArgumentException also if a reserved tensor was not written in full; the file is
   *     then as it was
   */
  public void write(Path path, Filling filling) throws IOException {
    List<Entry> ordered = new ArrayList<>(entries.values());
    ordered.sort(Comparator.comparingInt((Entry entry) -> -entry.info().type().bytes()));
    byte[] header = header(ordered);
    AtomicFile.write(
        path,
        channel -> {
          ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
          writeFully(channel, Buffers.flip(start.putLong(header.length).put(header)));
          Map<String, ReservedPlace> places = new HashMap<>();
          for (Entry entry : ordered) {
            if (entry.data() == null) {
              places.put(
                  entry.info().name(),
                  new ReservedPlace(channel, channel.position(), entry.info().length()));
              channel.position(channel.position() + entry.info().length());
            } else {
              entry.data().writeTo(channel, entry.info());
            }
          }
          filling.fill(places::get);
          places.forEach((name, place) -> place.requireWhole(name));
        });
  }

  /** Counts what is written, so that a forgotten piece cannot end as a run of zeros. */
  private static final class ReservedPlace implements Place {
    private final FileChannel channel;
    private final long start;
    private final long length;
    private final AtomicLong written = new AtomicLong();

    ReservedPlace(FileChannel channel, long start, long length) {
      this.channel = channel;
      this.start = start;
      this.length = length;
    }

    @Override
    public void write(long from, ByteBuffer bytes) throws IOException {
      Bounds.checkRange(from, bytes.remaining(), length);
      ByteBuffer left = bytes.duplicate();
      written.addAndGet(left.remaining());
      long to = start + from;
      while (left.hasRemaining()) {
        to += channel.write(left, to);
      }
    }

    void requireWhole(String name) {
      if (written.get() != length) {
        throw new IllegalArgumentException(
            String.format(
                "tensor \"%s\" was given %d of its %d bytes", name, written.get(), length));
      }
    }
  }

  private byte[] header(List<Entry> ordered) throws IOException {
    StringWriter text = new StringWriter();
    JsonWriter json = new JsonWriter(text);
    json.beginObject();
    if (!metadata.isEmpty()) {
      json.name("__metadata__").beginObject();
      for (Map.Entry<String, String> line : metadata.entrySet()) {
        json.name(line.getKey()).value(line.getValue());
      }
      json.endObject();
    }
    long offset = 0;
    for (Entry entry : ordered) {
      TensorInfo info = entry.info();
      json.name(info.name()).beginObject().name("dtype").value(info.type().name());
      json.name("shape").beginArray();
      for (long dimension : info.shape()) {
        json.value(dimension);
      }
      json.endArray();
      json.name("data_offsets").beginArray().value(offset).value(offset + info.length());
      json.endArray().endObject();
      offset += info.length();
    }
    json.endObject().close();
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(bytes, (bytes.length + 7) & ~7);
    Arrays.fill(padded, bytes.length, padded.length, (byte) ' ');
    return padded;
  }

  private static void writeFloats(FileChannel channel, TensorInfo info, float[] values)
      throws IOException {
    checkLength(info, values.length);
    ByteBuffer buffer = buffer(info);
    for (float value : values) {
      if (!buffer.hasRemaining()) {
        writeFully(channel, Buffers.flip(buffer));
        Buffers.clear(buffer);
      }
      Elements.put(buffer, info.type(), value);
    }
    writeFully(channel, Buffers.flip(buffer));
  }

  private static void writeLongs(FileChannel channel, TensorInfo info, long[] values)
      throws IOException {
    checkLength(info, values.length);
    ByteBuffer buffer = buffer(info);
    for (long value : values) {
      if (!buffer.hasRemaining()) {
        writeFully(channel, Buffers.flip(buffer));
        Buffers.clear(buffer);
      }
      if (!Elements.put(buffer, info.type(), value)) {
        throw new IllegalArgumentException(
            "tensor \"" + info.name() + "\": " + value + " does not fit " + info.type());
      }
    }
    writeFully(channel, Buffers.flip(buffer));
  }

  private static void writeBytes(FileChannel channel, TensorInfo info, ByteBuffer bytes)
      throws IOException {
    if (bytes.remaining() != info.length()) {
      throw new IllegalArgumentException(
          String.format(
              "tensor \"%s\" was given %d bytes, its shape %s needs %d",
              info.name(), bytes.remaining(), Arrays.toString(info.shape()), info.length()));
    }
    writeFully(channel, bytes.duplicate());
  }

  private static void checkLength(TensorInfo info, long given) {
    if (given != info.elements()) {
      throw new IllegalArgumentException(
          String.format(
              "tensor \"%s\" was given %d values, its shape %s needs %d",
              info.name(), given, Arrays.toString(info.shape()), info.elements()));
    }
  }

  private static ByteBuffer buffer(TensorInfo info) {
    int size = (int) Math.min(BUFFER_BYTES, info.length());
    return ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
