package io.deem.weights;

/**
 * A well-formed file does not hold the tensor that was asked for: it is missing, or has another
 * shape or element type. The message is one line naming the file and the tensor.
 */
public final class TensorMismatchException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  TensorMismatchException(String message) {
    super(message);
  }
}
