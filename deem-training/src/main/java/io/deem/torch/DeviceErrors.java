package io.deem.torch;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Says in one line what libtorch says of a device in many. */
final class DeviceErrors {

  private static final String SIZE = "([0-9.]+ (?:bytes|[KMGT]iB))";
  private static final Pattern ASKED = Pattern.compile("Tried to allocate " + SIZE);
  private static final Pattern TOTAL = Pattern.compile("total capacity of " + SIZE);
  private static final Pattern FREE = Pattern.compile("of which " + SIZE + " is free");

  private DeviceErrors() {}

  /**
   * What went wrong.
   *
   * @param what the work that failed, for example {@code the block x}
   * @param device where
   */
  static IllegalStateException of(String what, String device, RuntimeException e) {
    String message = String.valueOf(e.getMessage());
    if (message.contains("out of memory")) {
      return new DeviceMemoryException(
          device
              + " is out of memory: "
              + what
              + " needed "
              + found(ASKED, message, "more memory")
              + free(message)
              + "; turn down the batch size, the image size or the number of beams, train with"
              + " gradient checkpointing, or leave weights less of it"
              + " (DeemOptions.withDeviceBytes)",
          e);
    }
    if (message.contains("CUDA") && message.contains("driver version is insufficient")) {
      return new IllegalStateException(
          device + " cannot be used: the NVIDIA driver is too old for CUDA 12.4", e);
    }
    return new IllegalStateException(what + " failed: " + message, e);
  }

  private static String free(String message) {
    String free = found(FREE, message, null);
    String total = found(TOTAL, message, null);
    return free == null || total == null ? "" : ", and " + free + " of its " + total + " are free";
  }

  private static String found(Pattern pattern, String message, String otherwise) {
    Matcher matcher = pattern.matcher(message);
    return matcher.find() ? matcher.group(1) : otherwise;
  }
}
