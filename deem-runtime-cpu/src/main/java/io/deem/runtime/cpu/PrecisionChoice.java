package io.deem.runtime.cpu;

import com.sun.management.OperatingSystemMXBean;
import io.deem.Precision;
import io.deem.graph.Param;
import io.deem.model.DeemNetwork;
import io.deem.onnx.OnnxEngine;
import io.deem.weights.quantized.Quantization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleBiFunction;

/** What the matrices of a model are stored in, and which. */
final class PrecisionChoice {

  /** Products in 4 bits are less exact; so much faster they must be to be preferred to 8. */
  static final double WORTH = 1.5;

  private PrecisionChoice() {}

  /**
   * The precision of a model, which {@link Precision#AUTO} describes.
   *
   * @param memory of the machine, in bytes
   * @param speed products a second of a matrix of the size of a parameter, in a quantisation
   * @return never AUTO
   */
  static Precision of(
      Precision wanted,
      DeemNetwork network,
      long memory,
      ToDoubleBiFunction<Param, Quantization> speed) {
    if (wanted != Precision.AUTO) {
      return wanted;
    }
    long numbers = numbers(network.params());
    if (numbers * Float.BYTES <= memory / 4) {
      return Precision.FP32;
    }
    // Embeddings that no block divides stay as they are; they do not decide.
    long few = numbers(network.matrices());
    if ((numbers - few) * Float.BYTES + few > memory / 2) {
      return Precision.INT4;
    }
    Param largest =
        network.language().decoder().matrices().stream()
            .max(Comparator.comparingLong(each -> numbers(List.of(each))))
            .orElseThrow();
    double eight = speed.applyAsDouble(largest, quantization(Precision.INT8, network));
    double four = speed.applyAsDouble(largest, quantization(Precision.INT4, network));
    return four >= WORTH * eight ? Precision.INT4 : Precision.INT8;
  }

  /** How the matrices are stored. */
  static Quantization quantization(Precision precision, DeemNetwork network) {
    int width = network.config().languageModel().width();
    return Quantization.forWidth(precision == Precision.INT8 ? 8 : 4, width);
  }

  /** The names of the matrices that are stored in blocks: none shorter than a block. */
  static List<String> matrices(DeemNetwork network, Quantization quantization) {
    Param embeddings = network.language().decoder().embeddings();
    List<String> names = new ArrayList<>();
    for (Param param : network.matrices()) {
      int columns = param.shape().dim(1).value();
      boolean fits =
          param.equals(embeddings)
              ? columns % quantization.blockSize() == 0
              : columns >= quantization.blockSize();
      if (fits) {
        names.add(param.name());
      }
    }
    return names;
  }

  /** The machine's memory in bytes, or the container's. */
  static long memory() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
  }

  private static long numbers(Collection<Param> params) {
    long numbers = 0;
    for (Param param : params) {
      long size = 1;
      for (long extent : param.shape().extents()) {
        size *= extent;
      }
      numbers += size;
    }
    return numbers;
  }

  /** Measures products, for {@link #of}. */
  static double speed(OnnxEngine engine, Param matrix, Quantization quantization) {
    try {
      return ProductSpeed.of(engine, matrix, quantization);
    } catch (IOException e) {
      throw new UncheckedIOException("products cannot be measured: " + e.getMessage(), e);
    }
  }
}
