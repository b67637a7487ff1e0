package io.deem.perception;

/** A call came after the model was closed, or was running when it was. */
public final class ClosedModelException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  /** Says that the model is closed. */
  public ClosedModelException() {
    super("the model is closed");
  }
}
