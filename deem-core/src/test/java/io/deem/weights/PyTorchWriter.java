package io.deem.weights;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes a state dict the way {@code torch.save} does: a pickle of protocol 2 in a stored ZIP. */
public final class PyTorchWriter {

  private final ByteArrayOutputStream items = new ByteArrayOutputStream();
  private final Map<String, byte[]> storages = new LinkedHashMap<>();
  private final List<String> extra = new ArrayList<>();

  /** A contiguous tensor of single precision. */
  public PyTorchWriter floats(String name, float[] values, long... shape) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    long[] stride = new long[shape.length];
    long step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      stride[i] = step;
      step *= shape[i];
    }
    return view(name, "FloatStorage", bytes.array(), values.length, 0, shape, stride);
  }

  /** Any view of a storage of its own. */
  public PyTorchWriter view(
      String name,
      String storageType,
      byte[] storage,
      long elements,
      long offset,
      long[] shape,
      long[] stride) {
    String key = Integer.toString(storages.size());
    storages.put(key, storage);
    text(name);
    global("torch._utils", "_rebuild_tensor_v2");
    put("((");
    text("storage");
    global("torch", storageType);
    text(key);
    text("cpu");
    number(elements);
    put("tQ");
    number(offset);
    tuple(shape);
    tuple(stride);
    put(0x89);
    global("collections", "OrderedDict");
    put(")RtR");
    return this;
  }

  /** An entry whose value is what a call of a name gives, {@code module.name(text)}. */
  public PyTorchWriter call(String name, String module, String callee, String argument) {
    text(name);
    global(module, callee);
    put("(");
    text(argument);
    put("tR");
    return this;
  }

  /** A further ZIP entry. */
  public PyTorchWriter entry(String name) {
    extra.add(name);
    return this;
  }

  /** Writes the file, with the given folder in the archive, {@code archive/} in PyTorch's. */
  public void write(Path path, String prefix) throws IOException {
    try (OutputStream out = Files.newOutputStream(path);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      store(zip, prefix + "data.pkl", pickle());
      store(zip, prefix + "byteorder", "little".getBytes(StandardCharsets.UTF_8));
      for (Map.Entry<String, byte[]> storage : storages.entrySet()) {
        store(zip, prefix + "data/" + storage.getKey(), storage.getValue());
      }
      store(zip, prefix + "version", "3\n".getBytes(StandardCharsets.UTF_8));
      for (String name : extra) {
        store(zip, name, new byte[] {1});
      }
    }
  }

  /** The pickle alone. */
  public byte[] pickle() {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    byte[] inside = items.toByteArray();
    items.reset();
    put(0x80);
    put(2);
    global("collections", "OrderedDict");
    put("q");
    put(0);
    put(")Rq");
    put(1);
    put("(");
    whole.writeBytes(items.toByteArray());
    whole.writeBytes(inside);
    items.reset();
    // What a module's state dict carries besides: an attribute with the modules' versions.
    put("u}");
    text("_metadata");
    put("h");
    put(0);
    put(")Rsb.");
    whole.writeBytes(items.toByteArray());
    items.reset();
    items.writeBytes(inside);
    return whole.toByteArray();
  }

  static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCompressedSize(content.length);
    CRC32 sum = new CRC32();
    sum.update(content);
    entry.setCrc(sum.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }

  private void text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    put("X");
    little(bytes.length);
    items.writeBytes(bytes);
  }

  private void global(String module, String name) {
    put("c" + module + "\n" + name + "\n");
  }

  private void number(long value) {
    if (value == (int) value) {
      put("J");
      little((int) value);
    } else {
      put(0x8a);
      put(Long.BYTES);
      items.writeBytes(
          ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    }
  }

  private void tuple(long... values) {
    put("(");
    for (long value : values) {
      number(value);
    }
    put("t");
  }

  private void little(int value) {
    items.writeBytes(
        ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }

  private void put(String bytes) {
    items.writeBytes(bytes.getBytes(StandardCharsets.ISO_8859_1));
  }

  private void put(int value) {
    items.write(value);
  }
}
