package io.deem.training;

import io.deem.MemoryEstimate;
import io.deem.graph.Param;
import io.deem.model.ModelPart;
import io.deem.torch.Precision;
import io.deem.torch.Recording;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Adds up the memory of a training from its graph. */
final class MemoryModel {

  /** What libtorch's prepared operations take in any training; measured. */
  private static final long PREPARED_BYTES = 60L << 20;

  /**
   * What the allocator cannot give back between pieces that come and go, as a share of the
   * activations, after a hundred steps of changing lengths; measured.
   */
  private static final double FRAGMENTS = 0.3;

  /** What products in bfloat16 add to {@link #PREPARED_BYTES}; measured. */
  private static final long PREPARED_BFLOAT16_BYTES = 150L << 20;

  /** What lives in Java's heap beside the weights that pass through it; measured. */
  private static final long LIVE_BYTES = 64L << 20;

  private static final Path STATUS = Path.of("/proc/self/status");

  private MemoryModel() {}

  /**
   * The estimate.
   *
   * @param params all that are loaded
   * @param precision of products
   * @param bytesPerMoment of the optimiser: 4, or about 1 for moments in 8 bits
   * @param step a step that ran over shapes
   * @param mappedBytes of the files that weights are read from
   * @param waitingBytes of batches that are made ahead
   */
  static MemoryEstimate estimate(
      Collection<Param> params,
      Predicate<String> trainable,
      Precision precision,
      double bytesPerMoment,
      ShapeScope step,
      Recording recording,
      long mappedBytes,
      long waitingBytes)
      throws IOException {
    long all = 0;
    long learning = 0;
    long largest = 0;
    for (Param param : params) {
      long size = param.shape().size().value();
      all += size;
      largest = Math.max(largest, size);
      learning += trainable.test(param.name()) ? size : 0;
    }
    Map<String, Long> parts = new LinkedHashMap<>();
    Runtime java = Runtime.getRuntime();
    long used = java.totalMemory() - java.freeMemory();
    parts.put("process before it starts, without heap", Math.max(0, residentBytes() - used));
    // Java touches all of its first heap before it collects anything; the weights pass through it
    // once, an array after the other.
    long first = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getInit();
    long passing = Math.min(all, 2 * largest) * Float.BYTES + LIVE_BYTES;
    parts.put("Java heap", Math.min(java.maxMemory(), first + passing));
    parts.put("model file, mapped", mappedBytes);
    parts.put("weights", all * Float.BYTES);
    parts.put("gradients", learning * Float.BYTES);
    parts.put("optimiser", Math.round(2 * learning * bytesPerMoment));
    parts.put("batches", step.givenBytes() + waitingBytes);
    long others = parts.values().stream().mapToLong(Long::longValue).sum();
    activations(step.visits(), recording, parts);
    long activations = parts.values().stream().mapToLong(Long::longValue).sum() - others;
    long prepared = PREPARED_BYTES + (precision == Precision.BF16 ? PREPARED_BFLOAT16_BYTES : 0);
    parts.put("libtorch's own", prepared + Math.round(FRAGMENTS * activations));
    return new MemoryEstimate(parts);
  }

  static void activations(
      List<ShapeScope.Visit> visits, Recording recording, Map<String, Long> parts) {
    boolean again = recording == Recording.CHECKPOINTS;
    long largest = 0;
    for (ShapeScope.Visit visit : visits) {
      long inside = visit.learns() ? visit.cost().keptBytes() : 0;
      long passing = visit.cost().largestBytes();
      largest = Math.max(largest, again ? inside + visit.resultBytes() + passing : passing);
      long stays = visit.resultBytes() + (again ? 0 : inside);
      parts.merge("activations: " + part(visit), stays, Long::sum);
    }
    parts.put(again ? "a block computed again" : "the largest operation", largest);
  }

  /** The part of the model that a block belongs to. */
  static String part(ShapeScope.Visit visit) {
    return visit.block().params().isEmpty()
        ? "between the parts"
        : ModelPart.of(visit.block().params().get(0).name()).title();
  }

  /** The process's resident memory now; 0 where the system does not tell. */
  static long residentBytes() throws IOException {
    return status("VmRSS:");
  }

  /** The largest resident memory that the process has had; 0 where the system does not tell. */
  static long peakResidentBytes() throws IOException {
    return status("VmHWM:");
  }

  private static long status(String key) throws IOException {
    if (!Files.isReadable(STATUS)) {
      return 0;
    }
    for (String line : Files.readAllLines(STATUS)) {
      if (line.startsWith(key)) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    return 0;
  }
}
