package io.deem.graph;

/** A graph was put together from tensors that do not fit each other. */
public final class ShapeException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  /**
   * Says what an operation needs and what it got.
   *
   * @param operation the operation's name
   * @param needed what it takes
   * @param got the shapes it was given
   */
  public ShapeException(String operation, String needed, Object got) {
    super(operation + " needs " + needed + ", got " + got);
  }
}
