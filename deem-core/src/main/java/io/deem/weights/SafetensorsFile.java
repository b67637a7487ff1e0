package io.deem.weights;

import io.deem.json.ErrorText;
import io.deem.portable.Bounds;
import io.deem.portable.Buffers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Collections;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * One safetensors file, memory-mapped and read only.
 *
 * <pre>{@code
 * try (SafetensorsFile weights = SafetensorsFile.open(Paths.get("model.safetensors"))) {
 *   float[] embedding = weights.floats("model.embed_tokens.weight");
 * }
 * }</pre>
 *
 * <p>The file must not be changed in place while it is open; replacing it by a rename, as {@link
 * SafetensorsWriter} does, is safe.
 */
public final class SafetensorsFile implements TensorSource {
  /** The largest map that one buffer can hold, a multiple of every element size. */
  private static final long LARGEST_WINDOW = Integer.MAX_VALUE & ~7L;

  private final Path path;
  private final String origin;
  private final Version version;
  private final Map<String, TensorInfo> tensors;
  private final Map<String, String> metadata;
  private volatile NavigableMap<Long, ByteBuffer> windows;

  private SafetensorsFile(
      Path path,
      Version version,
      SafetensorsHeader header,
      NavigableMap<Long, ByteBuffer> windows) {
    this.path = path;
    this.origin = path.toString();
    this.version = version;
    this.tensors = header.tensors();
    this.metadata = header.metadata();
    this.windows = windows;
  }

  /**
   * Opens a file and checks its header in full.
   *
   * @throws NoSuchFileException if there is no such file
   * @throws MalformedWeightsException if it is not a whole, well-formed safetensors file
   * @throws IOException if it cannot be read
   */
  public static SafetensorsFile open(Path path) throws IOException {
    return open(path, LARGEST_WINDOW);
  }

  /** As {@link #open(Path)}, mapping at most {@code windowBytes} (a multiple of 8) at a time. */
  static SafetensorsFile open(Path path, long windowBytes) throws IOException {
    String origin = path.toString();
    if (!Files.exists(path)) {
      throw new NoSuchFileException(origin + ": no such file");
    }
    if (Files.isDirectory(path)) {
      throw new MalformedWeightsException(origin + ": is a folder, not a safetensors file");
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      Version version = Version.of(path);
      SafetensorsHeader header = SafetensorsHeader.read(origin, channel);
      return new SafetensorsFile(path, version, header, map(header, channel, windowBytes));
    }
  }

  /** What changes when another file takes a file's place. */
  private record Version(long size, FileTime modified) {
    static Version of(Path path) throws IOException {
      return new Version(Files.size(path), Files.getLastModifiedTime(path));
    }
  }

  /** Maps runs of whole tensors; only a tensor larger than a window is spread over several. */
  private static NavigableMap<Long, ByteBuffer> map(
      SafetensorsHeader header, FileChannel channel, long windowBytes) throws IOException {
    NavigableMap<Long, ByteBuffer> windows = new TreeMap<>();
    long start = -1;
    long end = -1;
    for (TensorInfo info : header.tensors().values()) {
      if (start < 0) {
        start = info.offset();
      } else if (info.offset() + info.length() - start > windowBytes) {
        mapRun(windows, channel, start, end, windowBytes);
        start = info.offset();
      }
      end = info.offset() + info.length();
    }
    if (start >= 0) {
      mapRun(windows, channel, start, end, windowBytes);
    }
    return windows;
  }

  private static void mapRun(
      NavigableMap<Long, ByteBuffer> windows,
      FileChannel channel,
      long start,
      long end,
      long windowBytes)
      throws IOException {
    for (long from = start; from < end; from += windowBytes) {
      long length = Math.min(windowBytes, end - from);
      windows.put(from, channel.map(FileChannel.MapMode.READ_ONLY, from, length));
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  /** The file's free-form metadata; empty when there is none. */
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public TensorInfo info(String name) {
    TensorInfo info = tensors.get(name);
    if (info == null) {
      throw new TensorMismatchException(
          String.format(
              "%s: no tensor %s among its %d", origin, ErrorText.quote(name), tensors.size()));
    }
    return info;
  }

  @Override
  public ByteBuffer bytes(String name) {
    TensorInfo info = info(name);
    ByteBuffer piece = piece(info, 0);
    if (piece.remaining() < info.length()) {
      throw mismatch(info, "is too large for one buffer (" + info.length() + " bytes)");
    }
    return piece;
  }

  @Override
  public ByteBuffer bytes(String name, long from) {
    TensorInfo info = info(name);
    Bounds.checkIndex(from, info.length());
    return piece(info, from);
  }

  @Override
  public float[] floats(String name) {
    TensorInfo info = info(name);
    if (!info.type().isFloating()) {
      throw mismatch(info, "does not hold floating-point numbers");
    }
    float[] values = new float[arrayLength(info)];
    int done = 0;
    while (done < values.length) {
      ByteBuffer piece = piece(info, (long) done * info.type().bytes());
      done += Elements.floats(piece, info.type(), values, done);
    }
    return values;
  }

  @Override
  public long[] longs(String name) {
    TensorInfo info = info(name);
    if (info.type().isFloating()) {
      throw mismatch(info, "does not hold integers");
    }
    long[] values = new long[arrayLength(info)];
    int done = 0;
    while (done < values.length) {
      ByteBuffer piece = piece(info, (long) done * info.type().bytes());
      done += Elements.longs(piece, info.type(), values, done);
    }
    return values;
  }

  @Override
  public Optional<Path> file(String name) {
    info(name);
    try {
      // Whoever maps the file by its name must get the one whose header was checked.
      if (!version.equals(Version.of(path))) {
        throw new IllegalStateException(origin + ": was replaced while it was in use");
      }
    } catch (IOException e) {
      throw new IllegalStateException(origin + ": can no longer be read: " + e.getMessage(), e);
    }
    return Optional.of(path);
  }

  @Override
  public String origin() {
    return origin;
  }

  /**
   * Ends reading through this object. The maps themselves go when the last buffer handed out is
   * garbage.
   */
  @Override
  public void close() {
    windows = null;
  }

  /** The tensor's bytes from {@code from} on, as far as one window reaches. */
  private ByteBuffer piece(TensorInfo info, long from) {
    NavigableMap<Long, ByteBuffer> open = windows;
    if (open == null) {
      throw new IllegalStateException(origin + ": already closed");
    }
    long left = info.length() - from;
    if (left == 0) {
      return ByteBuffer.allocateDirect(0).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
    Map.Entry<Long, ByteBuffer> window = open.floorEntry(info.offset() + from);
    int start = (int) (info.offset() + from - window.getKey());
    int length = (int) Math.min(left, window.getValue().capacity() - start);
    return Buffers.slice(window.getValue(), start, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private int arrayLength(TensorInfo info) {
    if (info.elements() > Integer.MAX_VALUE - 8) {
      throw mismatch(info, "has more elements than a Java array holds");
    }
    return (int) info.elements();
  }

  private TensorMismatchException mismatch(TensorInfo info, String found) {
    return new TensorMismatchException(
        String.format(
            "%s: tensor %s (%s) %s", origin, ErrorText.quote(info.name()), info.type(), found));
  }
}
