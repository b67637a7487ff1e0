package io.deem.weights;

import io.deem.json.ErrorText;
import io.deem.portable.Buffers;
import io.deem.weights.pickle.MalformedPickleException;
import io.deem.weights.pickle.StoredTensor;
import io.deem.weights.pickle.StoredZip;
import io.deem.weights.pickle.Unpickler;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A state dict as {@code torch.save} writes it since version 1.6 ({@code .bin}, {@code .pt}),
 * memory-mapped and read only.
 *
 * <p>Such a file is a pickle, which in Python can run anything. Here it is read by a reader that
 * knows tensors and plain containers only and refuses everything else by its name. A tensor that is
 * a view (transposed, a slice, shared) is read through its strides.
 */
public final class PyTorchFile implements TensorSource {

  private static final int WINDOW_BITS = 30;
  private static final long WINDOW = 1L << WINDOW_BITS;

  private static final long LARGEST_PICKLE = 64L << 20;
  private static final String PICKLE = "data.pkl";

  /** A checked tensor: all of its elements lie in its storage, which lies in the file. */
  private record Stored(TensorInfo info, long[] stride, boolean contiguous) {}

  private final String origin;
  private final Map<String, Stored> tensors;
  private volatile List<ByteBuffer> windows;

  private PyTorchFile(String origin, Map<String, Stored> tensors, List<ByteBuffer> windows) {
    this.origin = origin;
    this.tensors = tensors;
    this.windows = windows;
  }

  /**
   * Opens a file and checks where each of its tensors lies. A dictionary under the name {@code
   * state_dict} is read in place of the one that holds it; what is not a tensor is left out.
   *
   * @throws NoSuchFileException if there is no such file
   * @throws MalformedWeightsException if it is not such a file, names anything but tensors and
   *     plain containers, or a tensor leaves its storage
   * @throws IOException if it cannot be read
   */
  public static PyTorchFile open(Path path) throws IOException {
    String origin = path.toString();
    if (!Files.exists(path)) {
      throw new NoSuchFileException(origin + ": no such file");
    }
    if (Files.isDirectory(path)) {
      throw new MalformedWeightsException(origin + ": is a folder, not a file of tensors");
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      Map<String, StoredZip.Entry> entries = StoredZip.entries(origin, channel);
      List<ByteBuffer> windows = map(channel);
      Archive archive = new Archive(origin, entries, windows);
      return new PyTorchFile(origin, archive.tensors(), windows);
    } catch (MalformedPickleException e) {
      throw new MalformedWeightsException(e.getMessage(), e);
    }
  }

  /** Maps the file; windows reach a little into the next one, so that no element is cut. */
  private static List<ByteBuffer> map(FileChannel channel) throws IOException {
    List<ByteBuffer> windows = new ArrayList<>();
    long size = channel.size();
    for (long from = 0; from < size; from += WINDOW) {
      long length = Math.min(WINDOW + Long.BYTES, size - from);
      windows.add(channel.map(FileChannel.MapMode.READ_ONLY, from, length));
    }
    return windows;
  }

  /** What {@link #open} reads of the file. */
  private record Archive(
      String origin, Map<String, StoredZip.Entry> entries, List<ByteBuffer> windows) {

    Map<String, Stored> tensors() throws IOException {
      StoredZip.Entry pickle = pickle();
      String prefix = pickle.name().substring(0, pickle.name().length() - PICKLE.length());
      StoredZip.Entry order = entries.get(prefix + "byteorder");
      if (order != null && !"little".equals(text(order))) {
        throw new MalformedWeightsException(
            origin + ": byteorder is " + ErrorText.quote(text(order)) + ", not \"little\"");
      }
      Object root = Unpickler.read(origin, copy(pickle));
      if (root instanceof Map<?, ?> map && map.get("state_dict") instanceof Map<?, ?> inner) {
        root = inner;
      }
      if (!(root instanceof Map<?, ?> dictionary)) {
        throw new MalformedWeightsException(origin + ": holds no dictionary of tensors");
      }
      Map<String, Stored> tensors = new LinkedHashMap<>();
      for (Map.Entry<?, ?> entry : dictionary.entrySet()) {
        if (entry.getKey() instanceof String name
            && entry.getValue() instanceof StoredTensor tensor) {
          tensors.put(name, check(name, tensor, entries.get(prefix + "data/" + tensor.key())));
        }
      }
      return Collections.unmodifiableMap(tensors);
    }

    private StoredZip.Entry pickle() throws MalformedWeightsException {
      StoredZip.Entry found = null;
      for (StoredZip.Entry entry : entries.values()) {
        if (entry.name().equals(PICKLE) || entry.name().endsWith("/" + PICKLE)) {
          if (found != null) {
            throw new MalformedWeightsException(origin + ": holds " + PICKLE + " twice");
          }
          found = entry;
        }
      }
      if (found == null) {
        throw new MalformedWeightsException(origin + ": is a ZIP file without PyTorch's " + PICKLE);
      }
      if (found.length() > LARGEST_PICKLE) {
        throw new MalformedWeightsException(
            String.format(
                "%s: entry %s of %d bytes is over the limit of %d",
                origin, ErrorText.quote(found.name()), found.length(), LARGEST_PICKLE));
      }
      return found;
    }

    private String text(StoredZip.Entry entry) {
      byte[] bytes = new byte[(int) Math.min(entry.length(), 16)];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = byteAt(windows, entry.offset() + i);
      }
      return new String(bytes, java.nio.charset.StandardCharsets.UTF_8).trim();
    }

    private ByteBuffer copy(StoredZip.Entry entry) {
      ByteBuffer bytes = ByteBuffer.allocate((int) entry.length());
      copyRun(windows, entry.offset(), bytes, bytes.capacity());
      return Buffers.flip(bytes);
    }

    private Stored check(String name, StoredTensor tensor, StoredZip.Entry storage)
        throws MalformedWeightsException {
      ElementType type = typeOf(tensor.storageType());
      if (storage == null) {
        throw malformed(name, "is in storage " + ErrorText.quote(tensor.key()) + ", not there");
      }
      long inStorage = tensor.storageElements();
      if (inStorage < 0 || inStorage > storage.length() / type.bytes()) {
        throw malformed(
            name, inStorage + " " + type + " elements, its storage " + storage.length() + " bytes");
      }
      long[] shape = tensor.shape();
      long[] stride = tensor.stride();
      long elements = 1;
      long last = tensor.offset();
      long dense = 1;
      boolean contiguous = true;
      try {
        for (int i = shape.length - 1; i >= 0; i--) {
          if (shape[i] < 0 || stride[i] < 0) {
            throw malformed(name, "has a negative size or stride");
          }
          contiguous &= shape[i] == 1 || stride[i] == dense;
          dense = Math.multiplyExact(dense, Math.max(1, shape[i]));
          elements = Math.multiplyExact(elements, shape[i]);
          last = Math.addExact(last, Math.multiplyExact(Math.max(0, shape[i] - 1), stride[i]));
        }
      } catch (ArithmeticException e) {
        throw malformed(name, "is larger than any file");
      }
      boolean inside = tensor.offset() >= 0 && last >= 0 && last < inStorage;
      if (elements > inStorage || (elements > 0 && !inside)) {
        throw malformed(name, "leaves its storage of " + inStorage + " elements");
      }
      TensorInfo info =
          new TensorInfo(
              name,
              type,
              shape,
              storage.offset() + tensor.offset() * type.bytes(),
              elements * type.bytes());
      return new Stored(info, stride, contiguous);
    }

    private ElementType typeOf(String storage) throws MalformedWeightsException {
      return switch (storage) {
        case "DoubleStorage" -> ElementType.F64;
        case "FloatStorage" -> ElementType.F32;
        case "HalfStorage" -> ElementType.F16;
        case "BFloat16Storage" -> ElementType.BF16;
        case "LongStorage" -> ElementType.I64;
        case "IntStorage" -> ElementType.I32;
        case "ShortStorage" -> ElementType.I16;
        case "CharStorage" -> ElementType.I8;
        case "ByteStorage" -> ElementType.U8;
        case "BoolStorage" -> ElementType.BOOL;
        default ->
            throw new MalformedWeightsException(
                origin + ": holds elements of the unknown kind " + ErrorText.quote(storage));
      };
    }

    private MalformedWeightsException malformed(String name, String found) {
      return new MalformedWeightsException(
          origin + ": tensor " + ErrorText.quote(name) + " " + found);
    }
  }

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public TensorInfo info(String name) {
    return stored(name).info;
  }

  /**
   * {@inheritDoc}
   *
   * <p>A view that is not contiguous is copied.
   */
  @Override
  public ByteBuffer bytes(String name) {
    Stored tensor = stored(name);
    long from = tensor.info.offset();
    long length = tensor.info.length();
    List<ByteBuffer> open = open();
    if (tensor.contiguous && length > 0 && (from & (WINDOW - 1)) + length <= WINDOW) {
      return Buffers.slice(
              open.get((int) (from >> WINDOW_BITS)), (int) (from & (WINDOW - 1)), (int) length)
          .order(ByteOrder.LITTLE_ENDIAN);
    }
    if (length > Integer.MAX_VALUE - 8) {
      throw mismatch(tensor.info, "is too large for one buffer (" + length + " bytes)");
    }
    ByteBuffer bytes = ByteBuffer.allocateDirect((int) length);
    gather(open, tensor, bytes);
    return Buffers.flip(bytes).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public float[] floats(String name) {
    Stored tensor = stored(name);
    if (!tensor.info.type().isFloating()) {
      throw mismatch(tensor.info, "does not hold floating-point numbers");
    }
    float[] values = new float[arrayLength(tensor.info)];
    int done = 0;
    for (ByteBuffer piece : pieces(name, tensor)) {
      done += Elements.floats(piece, tensor.info.type(), values, done);
    }
    return values;
  }

  @Override
  public long[] longs(String name) {
    Stored tensor = stored(name);
    if (tensor.info.type().isFloating()) {
      throw mismatch(tensor.info, "does not hold integers");
    }
    long[] values = new long[arrayLength(tensor.info)];
    int done = 0;
    for (ByteBuffer piece : pieces(name, tensor)) {
      done += Elements.longs(piece, tensor.info.type(), values, done);
    }
    return values;
  }

  @Override
  public String origin() {
    return origin;
  }

  /** Ends reading through this object; the maps go when the last buffer is garbage. */
  @Override
  public void close() {
    windows = null;
  }

  /** The tensor in pieces of whole elements, without a copy where it is contiguous. */
  private List<ByteBuffer> pieces(String name, Stored tensor) {
    if (!tensor.contiguous) {
      return List.of(bytes(name));
    }
    List<ByteBuffer> pieces = new ArrayList<>();
    int size = tensor.info.type().bytes();
    long end = tensor.info.offset() + tensor.info.length();
    for (long from = tensor.info.offset(); from < end; ) {
      ByteBuffer window = open().get((int) (from >> WINDOW_BITS));
      int start = (int) (from & (WINDOW - 1));
      long whole = Math.min((end - from) / size, (WINDOW - start + size - 1) / size);
      pieces.add(Buffers.slice(window, start, (int) whole * size).order(ByteOrder.LITTLE_ENDIAN));
      from += whole * size;
    }
    return pieces;
  }

  /** Appends the elements of a view in row-major order. */
  private static void gather(List<ByteBuffer> windows, Stored tensor, ByteBuffer to) {
    if (!to.hasRemaining()) {
      return;
    }
    int size = tensor.info.type().bytes();
    if (tensor.contiguous) {
      copyRun(windows, tensor.info.offset(), to, to.remaining());
      return;
    }
    long[] shape = tensor.info.shape();
    long[] index = new long[shape.length];
    long at = tensor.info.offset();
    while (true) {
      copyRun(windows, at, to, size);
      int axis = shape.length - 1;
      while (axis >= 0 && index[axis] == shape[axis] - 1) {
        at -= index[axis] * tensor.stride[axis] * size;
        index[axis--] = 0;
      }
      if (axis < 0) {
        return;
      }
      index[axis]++;
      at += tensor.stride[axis] * size;
    }
  }

  private static void copyRun(List<ByteBuffer> windows, long from, ByteBuffer to, int length) {
    int done = 0;
    while (done < length) {
      long at = from + done;
      int start = (int) (at & (WINDOW - 1));
      int run = (int) Math.min(length - done, WINDOW - start);
      to.put(Buffers.slice(windows.get((int) (at >> WINDOW_BITS)), start, run));
      done += run;
    }
  }

  private static byte byteAt(List<ByteBuffer> windows, long at) {
    return windows.get((int) (at >> WINDOW_BITS)).get((int) (at & (WINDOW - 1)));
  }

  private Stored stored(String name) {
    Stored tensor = tensors.get(name);
    if (tensor == null) {
      throw new TensorMismatchException(
          String.format(
              "%s: no tensor %s among its %d", origin, ErrorText.quote(name), tensors.size()));
    }
    return tensor;
  }

  private List<ByteBuffer> open() {
    List<ByteBuffer> open = windows;
    if (open == null) {
      throw new IllegalStateException(origin + ": already closed");
    }
    return open;
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
