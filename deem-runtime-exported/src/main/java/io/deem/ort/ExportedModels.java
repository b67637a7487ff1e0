package io.deem.ort;

import io.deem.graph.Block;
import io.deem.json.ErrorText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;

/**
 * The blocks of an exported model: {@code onnx/KEY.onnx} in its folder, with the folder's
 * safetensors files as their external data, and {@code onnx/blocks.json} that lists them. Opening
 * checks every file; only what is listed and unchanged is given to ONNX Runtime.
 */
public final class ExportedModels implements BlockModels {

  /** Where the blocks are in a model's folder. */
  static final String FOLDER = "onnx";

  /** A model that embeds its tensors must fit the 2 GiB of a protobuf message. */
  private static final long LARGEST = Integer.MAX_VALUE;

  private final Path folder;
  private final ExportIndex index;

  private ExportedModels(Path folder, ExportIndex index) {
    this.folder = folder;
    this.index = index;
  }

  /**
   * The blocks in an exported model's folder.
   *
   * @throws NoSuchFileException if it has none
   * @throws IOException if a file is missing, damaged, of another version or of other weights, in
   *     one line that names it
   */
  public static ExportedModels in(Path folder) throws IOException {
    if (!isExported(folder)) {
      throw new NoSuchFileException(
          folder + ": is not an exported model; it has no " + FOLDER + "/" + ExportIndex.FILE_NAME);
    }
    ExportIndex index = ExportIndex.read(folder.resolve(FOLDER));
    index.checkWeights(folder);
    for (Map.Entry<String, ExportIndex.Entry> block : index.blocks().entrySet()) {
      read(file(folder, block.getKey()), block.getValue());
    }
    return new ExportedModels(folder.toRealPath(), index);
  }

  /** Whether a folder holds an exported model, as far as can be told without reading it. */
  public static boolean isExported(Path folder) {
    return Files.isRegularFile(folder.resolve(FOLDER).resolve(ExportIndex.FILE_NAME));
  }

  /** What matrices were exported in, for example {@code fp32}. */
  public String precision() {
    return index.precision();
  }

  private static Path file(Path folder, String key) {
    return folder.resolve(FOLDER).resolve(key + ".onnx");
  }

  @Override
  public OnnxModel of(Block block) {
    String key = BlockKey.of(block);
    ExportIndex.Entry entry = index.blocks().get(key);
    if (entry == null) {
      throw new IllegalArgumentException(
          folder.resolve(FOLDER)
              + ": has nothing for "
              + ErrorText.quote(block.name())
              + " of this size; pictures can be drawn at the size that the model was exported for");
    }
    Path file = file(folder, key);
    try {
      return new OnnxModel(read(file, entry), folder, file.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  private static byte[] read(Path file, ExportIndex.Entry entry) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    long size = Files.size(file);
    if (size > LARGEST) {
      throw new IOException(file + ": " + size + " bytes is over the limit of 2 GiB");
    }
    byte[] bytes = Files.readAllBytes(file);
    if (!ExportIndex.hash(bytes).equals(entry.sha256())) {
      throw new IOException(
          file + ": is damaged; it is not the file that " + ExportIndex.FILE_NAME + " lists");
    }
    return bytes;
  }
}
