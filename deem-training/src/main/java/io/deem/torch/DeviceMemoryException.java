package io.deem.torch;

/** A device has less memory free than some work needs; the message says how much and what to do. */
public final class DeviceMemoryException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  DeviceMemoryException(String message, Throwable cause) {
    super(message, cause);
  }
}
