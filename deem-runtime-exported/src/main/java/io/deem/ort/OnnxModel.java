package io.deem.ort;

import io.deem.graph.Op;
import io.deem.graph.Tensor;
import java.nio.file.Path;

/**
 * A block in ONNX's format.
 *
 * @param bytes the model file
 * @param folder of the files that the model's external data lie in, or null if it has none
 * @param origin what errors call it: its file, or the block it was made from
 */
public record OnnxModel(byte[] bytes, Path folder, String origin) {

  /** What the block's input of this index is called in the model. */
  public static String input(int index) {
    return "x" + index;
  }

  /** What the block's result of this index is called in the model. */
  public static String output(int index) {
    return "y" + index;
  }

  /**
   * Whether a tensor is an earlier one with some entries overwritten. As a result it takes over the
   * memory of the input that it overwrites.
   */
  public static boolean isOverwriting(Tensor tensor) {
    return tensor.op() == Op.INDEX_COPY && tensor.attributes().flag("inPlace");
  }
}
