package io.deem.runtime;

/** A call came after the model was closed, or was running when it was. */
final class ClosedModelException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  ClosedModelException() {
    super("the model is closed");
  }
}
