package io.deem.torch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** What the processor can do, as the operating system says. */
public final class ProcessorFeatures {

  private static final Path LINUX = Path.of("/proc/cpuinfo");
  private static final Set<String> BFLOAT16 = Set.of("avx512_bf16", "amx_bf16", "bf16");

  private ProcessorFeatures() {}

  /**
   * Whether there are instructions for products in bfloat16, without which it is slower than 32
   * bits. False where the system does not tell.
   */
  public static boolean bfloat16() {
    if (!Files.isReadable(LINUX)) {
      return false;
    }
    try (Stream<String> lines = Files.lines(LINUX, StandardCharsets.ISO_8859_1)) {
      return hasBfloat16(lines);
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether the lines of a {@code /proc/cpuinfo} name such instructions. */
  static boolean hasBfloat16(Stream<String> lines) {
    return lines
        .map(line -> line.toLowerCase(Locale.ROOT))
        .filter(line -> line.startsWith("flags") || line.startsWith("features"))
        .flatMap(line -> Stream.of(line.substring(line.indexOf(':') + 1).trim().split("\\s+", -1)))
        .anyMatch(BFLOAT16::contains);
  }
}
