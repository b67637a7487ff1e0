package io.deem.cli;

import io.deem.weights.TensorSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Files as {@code torch.save} writes them, for tests. */
final class TorchArchive {

  private final StringBuilder pickle = new StringBuilder("\u0080\u0002}(");
  private final List<Object> storages = new ArrayList<>();

  private TorchArchive() {}

  /**
   * Writes a state dict.
   *
   * @param nameThere the names in the file and what the tensors are called in {@code source}
   */
  static void write(Path file, TensorSource source, Map<String, String> nameThere)
      throws IOException {
    TorchArchive archive = new TorchArchive();
    nameThere.forEach(
        (name, own) -> archive.add(name, source.floats(own), source.info(own).shape()));
    archive.write(file);
  }

  private void add(String name, float[] values, long[] shape) {
    String key = Integer.toString(storages.size() / 2);
    text(name);
    pickle.append("ctorch._utils\n_rebuild_tensor_v2\n((");
    text("storage");
    pickle.append("ctorch\nFloatStorage\n");
    text(key);
    text("cpu");
    number(values.length);
    pickle.append("tQK\0(");
    for (long extent : shape) {
      number((int) extent);
    }
    pickle.append("t(");
    for (int axis = 0; axis < shape.length; axis++) {
      int stride = 1;
      for (int inner = axis + 1; inner < shape.length; inner++) {
        stride *= (int) shape[inner];
      }
      number(stride);
    }
    pickle.append("t\u0089}tR");
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    storages.add("archive/data/" + key);
    storages.add(bytes.array());
  }

  private void write(Path file) throws IOException {
    List<Object> entries = new ArrayList<>();
    entries.add("archive/data.pkl");
    entries.add((pickle + "u.").getBytes(StandardCharsets.ISO_8859_1));
    entries.addAll(storages);
    Files.createDirectories(file.getParent());
    Files.write(file, zip(entries.toArray()));
  }

  private void text(String text) {
    pickle.append('X');
    little(text.length());
    pickle.append(text);
  }

  private void number(int value) {
    pickle.append('J');
    little(value);
  }

  private void little(int value) {
    for (int i = 0; i < Integer.BYTES; i++) {
      pickle.append((char) (value >> (8 * i) & 0xff));
    }
  }

  /** Names and contents in turn, stored as they are. */
  static byte[] zip(Object... entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (int i = 0; i < entries.length; i += 2) {
        byte[] content = (byte[]) entries[i + 1];
        ZipEntry entry = new ZipEntry((String) entries[i]);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(content.length);
        CRC32 sum = new CRC32();
        sum.update(content);
        entry.setCrc(sum.getValue());
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
      }
    }
    return bytes.toByteArray();
  }
}
