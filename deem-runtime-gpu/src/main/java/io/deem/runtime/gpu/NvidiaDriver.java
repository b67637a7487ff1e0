package io.deem.runtime.gpu;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Looks, without loading anything, whether a GPU could be used. */
final class NvidiaDriver {

  /** The oldest driver that runs programs built for CUDA 12.4. */
  static final String OLDEST = "525.60.13";

  private static final Set<String> MACHINES = Set.of("amd64", "x86_64");
  private static final String VERSION_FILE = "proc/driver/nvidia/version";
  private static final Pattern VERSION = Pattern.compile("\\b(\\d{3,4}(?:\\.\\d+){1,2})\\b");

  private final Path root;
  private final Map<String, String> environment;
  private final String system;
  private final String architecture;

  /**
   * A look at a machine.
   *
   * @param root of its files
   * @param system as {@code os.name}
   * @param architecture as {@code os.arch}
   */
  NvidiaDriver(Path root, Map<String, String> environment, String system, String architecture) {
    this.root = root;
    this.environment = environment;
    this.system = system;
    this.architecture = architecture;
  }

  /** A look at this machine. */
  static NvidiaDriver here() {
    return new NvidiaDriver(
        Path.of("/"),
        System.getenv(),
        System.getProperty("os.name"),
        System.getProperty("os.arch"));
  }

  /**
   * Why no GPU can be used.
   *
   * @return null if one can, as far as can be seen
   */
  String unusableBecause() {
    if (!system.toLowerCase(Locale.ROOT).startsWith("linux")
        || !MACHINES.contains(architecture.toLowerCase(Locale.ROOT))) {
      return "libtorch for CUDA is built for Linux on x86-64, and this is "
          + system
          + " on "
          + architecture;
    }
    String visible = environment.get("CUDA_VISIBLE_DEVICES");
    if (visible != null && (visible.isBlank() || visible.strip().equals("-1"))) {
      return "CUDA_VISIBLE_DEVICES hides every GPU";
    }
    if (Files.exists(root.resolve("dev/dxg"))
        && Files.exists(root.resolve("usr/lib/wsl/lib/libcuda.so.1"))) {
      // Windows' own driver, whose version shows only when it is loaded.
      return null;
    }
    Path file = root.resolve(VERSION_FILE);
    if (!Files.exists(file)) {
      return "no NVIDIA driver is loaded (/"
          + VERSION_FILE
          + " is missing); install version "
          + OLDEST
          + " or newer";
    }
    String version = version(file);
    if (version != null && isOlder(version, OLDEST)) {
      return "the NVIDIA driver "
          + version
          + " is too old for CUDA 12.4, which needs "
          + OLDEST
          + " or newer";
    }
    return seesDevice()
        ? null
        : "an NVIDIA driver is loaded, but no GPU is visible (/dev/nvidia0 and the like are"
            + " missing); a container must be given one, for example by docker run --gpus all";
  }

  private static String version(Path file) {
    try {
      Matcher matcher = VERSION.matcher(Files.readString(file));
      return matcher.find() ? matcher.group(1) : null;
    } catch (IOException e) {
      return null;
    }
  }

  private boolean seesDevice() {
    try (DirectoryStream<Path> devices =
        Files.newDirectoryStream(root.resolve("dev"), "nvidia[0-9]*")) {
      return devices.iterator().hasNext();
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean isOlder(String version, String than) {
    String[] a = version.split("\\.", -1);
    String[] b = than.split("\\.", -1);
    for (int i = 0; i < Math.min(a.length, b.length); i++) {
      int difference = Integer.compare(Integer.parseInt(a[i]), Integer.parseInt(b[i]));
      if (difference != 0) {
        return difference < 0;
      }
    }
    return a.length < b.length;
  }
}
