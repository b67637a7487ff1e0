package io.deem.torch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
    return hasBfloat16(lines());
  }

  /**
   * Whether the processor has 512-bit vectors that Intel's MKL, with which libtorch multiplies
   * matrices in 32 bits, leaves alone because Intel did not make it. Its oneDNN uses them: measured
   * on a Zen 5, products are twice as fast there. False where the system does not tell.
   */
  static boolean unusedByMkl() {
    return isUnusedByMkl(lines());
  }

  private static List<String> lines() {
    if (!Files.isReadable(LINUX)) {
      return List.of();
    }
    try (Stream<String> lines = Files.lines(LINUX, StandardCharsets.ISO_8859_1)) {
      return lines.map(line -> line.toLowerCase(Locale.ROOT)).toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /** Whether the lower-case lines of a {@code /proc/cpuinfo} name such instructions. */
  static boolean hasBfloat16(List<String> lines) {
    return flags(lines).anyMatch(BFLOAT16::contains);
  }

  /** Whether the lower-case lines of a {@code /proc/cpuinfo} are those of such a processor. */
  static boolean isUnusedByMkl(List<String> lines) {
    boolean amd =
        lines.stream()
            .anyMatch(line -> line.startsWith("vendor_id") && line.contains("authenticamd"));
    return amd && flags(lines).anyMatch("avx512f"::equals);
  }

  private static Stream<String> flags(List<String> lines) {
    return lines.stream()
        .filter(line -> line.startsWith("flags") || line.startsWith("features"))
        .flatMap(line -> Stream.of(line.substring(line.indexOf(':') + 1).trim().split("\\s+", -1)));
  }
}
