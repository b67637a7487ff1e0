package io.deem.onnx;

import java.nio.file.Path;

/**
 * A block in ONNX's format.
 *
 * @param bytes the model file
 * @param folder of the files that the model's external data lie in, or null if it has none
 */
record OnnxModel(byte[] bytes, Path folder) {

  /** What the block's input of this index is called in the model. */
  static String input(int index) {
    return "x" + index;
  }

  /** What the block's result of this index is called in the model. */
  static String output(int index) {
    return "y" + index;
  }
}
