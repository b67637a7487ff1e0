package io.deem.onnx;

import io.deem.graph.Block;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.Function;

/**
 * The blocks of an exported model: {@code onnx/KEY.onnx} in its folder, with the folder's
 * safetensors files as their external data.
 */
final class ExportedModels implements Function<Block, OnnxModel> {

  private static final String FOLDER = "onnx";

  /** A model that embeds its tensors must fit the 2 GiB of a protobuf message. */
  private static final long LARGEST = Integer.MAX_VALUE;

  private final Path folder;

  private ExportedModels(Path folder) {
    this.folder = folder;
  }

  /**
   * The blocks in an exported model's folder.
   *
   * @throws NoSuchFileException if it has none
   */
  static ExportedModels in(Path folder) throws IOException {
    if (!Files.isDirectory(folder.resolve(FOLDER))) {
      throw new NoSuchFileException(folder + ": is not an exported model; it has no " + FOLDER);
    }
    return new ExportedModels(folder.toRealPath());
  }

  private static Path file(Path folder, Block block) {
    return folder.resolve(FOLDER).resolve(BlockKey.of(block) + ".onnx");
  }

  @Override
  public OnnxModel apply(Block block) {
    Path file = file(folder, block);
    try {
      if (!Files.exists(file)) {
        throw new IllegalStateException(
            file + ": no such file; the model was exported without the block " + block.name());
      }
      long size = Files.size(file);
      if (size > LARGEST) {
        throw new IllegalStateException(file + ": " + size + " bytes is over the limit of 2 GiB");
      }
      return new OnnxModel(Files.readAllBytes(file), folder);
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e.getMessage(), e);
    }
  }

  /** Writes the model of a block. */
  static void write(Path folder, Block block, OnnxModel model) {
    Path file = file(folder, block);
    try {
      Files.createDirectories(file.getParent());
      Files.write(file, model.bytes());
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": " + e.getMessage(), e);
    }
  }
}
