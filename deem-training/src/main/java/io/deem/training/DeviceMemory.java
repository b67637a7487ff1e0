package io.deem.training;

import io.deem.MemoryEstimate;
import io.deem.graph.Block;
import io.deem.graph.Param;
import io.deem.torch.NarrowWeights;
import io.deem.torch.Recording;
import io.deem.torch.TorchOptions;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Adds up the memory of a GPU that a training takes, from its graph, by the rules of {@link
 * io.deem.torch.TorchSession}: what learns is there in 32 bits, what is frozen in 16 where only
 * products and look-ups read it, and what does not fit visits. CUDA's own few hundred megabytes and
 * libtorch's kernels are not counted.
 */
final class DeviceMemory {

  private final Predicate<String> trainable;
  private final TorchOptions options;
  private final Map<String, Long> sizes = new HashMap<>();
  private final Set<String> away = new LinkedHashSet<>();
  private long learning;
  private long resident;

  private DeviceMemory(Predicate<String> trainable, TorchOptions options) {
    this.trainable = trainable;
    this.options = options;
  }

  /**
   * The estimate.
   *
   * @param params of the whole model
   * @param bytesPerMoment of the optimiser: 4, or about 1 for moments in 8 bits
   * @param step a step that ran over shapes
   */
  static MemoryEstimate estimate(
      Iterable<Param> params,
      Predicate<String> trainable,
      TorchOptions options,
      double bytesPerMoment,
      ShapeScope step,
      Recording recording) {
    DeviceMemory memory = new DeviceMemory(trainable, options);
    memory.place(params, step);
    long visitors = 0;
    long all = 0;
    for (ShapeScope.Visit visit : step.visits()) {
      long block = memory.visiting(visit.block());
      visitors = Math.max(visitors, block);
      all += block;
    }
    Map<String, Long> parts = new LinkedHashMap<>();
    parts.put("weights on the device", memory.resident);
    // Those that are not computed again wait for the backward pass with what they read.
    parts.put("weights that visit", recording == Recording.CHECKPOINTS ? visitors : all);
    parts.put("gradients", memory.learning * Float.BYTES);
    parts.put("optimiser", Math.round(2 * memory.learning * bytesPerMoment));
    parts.put("batch", step.givenBytes());
    MemoryModel.activations(step.visits(), recording, parts);
    return new MemoryEstimate(parts);
  }

  /** Decides as a session would that loads what learns first and the rest as blocks need it. */
  private void place(Iterable<Param> params, ShapeScope step) {
    for (Param param : params) {
      if (trainable.test(param.name())) {
        long elements = param.shape().size().value();
        learning += elements;
        sizes.put(param.name(), elements * Float.BYTES);
        resident += elements * Float.BYTES;
      }
    }
    for (ShapeScope.Visit visit : step.visits()) {
      Set<String> narrow = options.narrowWeights() ? NarrowWeights.names(visit.block()) : Set.of();
      for (Param param : visit.block().params()) {
        if (sizes.containsKey(param.name())) {
          continue;
        }
        long width = narrow.contains(param.name()) ? Short.BYTES : Float.BYTES;
        long bytes = param.shape().size().value() * width;
        sizes.put(param.name(), bytes);
        if (bytes <= options.residentBytes() - resident) {
          resident += bytes;
        } else {
          away.add(param.name());
        }
      }
    }
  }

  private long visiting(Block block) {
    return block.params().stream()
        .map(Param::name)
        .filter(away::contains)
        .mapToLong(sizes::get)
        .sum();
  }
}
