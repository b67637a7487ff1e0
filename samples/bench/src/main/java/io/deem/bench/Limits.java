package io.deem.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * What this machine can do at best, measured now: a figure of a program means something only beside
 * the limit it is up against, and that limit changes with the machine and with what else runs on
 * it.
 *
 * <p>A limit is the best of several iterations, because whatever disturbs one only lowers it.
 */
public final class Limits {

  /** Decoding reads every weight once for each token. */
  public static final String READ_BANDWIDTH = "memory read";

  /** Seeing, drawing and reading a prompt multiply matrices. */
  public static final String MATRIX_PRODUCT = "matrix product";

  private static final Pattern BFLOAT16 = Pattern.compile("\\b(avx512_bf16|amx_bf16|bf16)\\b");

  private final List<Figure> figures;

  private Limits(List<Figure> figures) {
    this.figures = List.copyOf(figures);
  }

  static Limits measure(int threads, Request.Effort effort, Consumer<Figure> listener) {
    List<Figure> figures = new ArrayList<>();
    add(figures, readBandwidth(threads, effort), listener);
    add(figures, matrixProduct(threads, effort, "onnxruntime", "fp32"), listener);
    add(figures, matrixProduct(threads, effort, "libtorch", "fp32"), listener);
    if (hasBfloat16()) {
      add(figures, matrixProduct(threads, effort, "libtorch", "bf16"), listener);
    }
    return new Limits(figures);
  }

  private static void add(List<Figure> figures, Figure figure, Consumer<Figure> listener) {
    figures.add(figure);
    listener.accept(figure);
  }

  /** All of them. */
  public List<Figure> figures() {
    return figures;
  }

  /** Bytes read a second, in GB/s. */
  public Figure readBandwidth() {
    return best(READ_BANDWIDTH, "");
  }

  /** The best of the engines, in GFLOP/s. */
  public Figure matrixProduct(String precision) {
    return best(MATRIX_PRODUCT, precision);
  }

  private Figure best(String name, String precision) {
    Figure best = null;
    for (Figure figure : figures) {
      boolean asked = figure.name().startsWith(name) && figure.precision().equals(precision);
      if (asked && (best == null || figure.value() > best.value())) {
        best = figure;
      }
    }
    if (best == null) {
      throw new NoSuchElementException("no limit of " + name + " in " + precision);
    }
    return best;
  }

  /** The best of several ways to read, since none is the fastest on every processor. */
  private static Figure readBandwidth(int threads, Request.Effort effort) {
    long bytes = Math.max(8L << 20, ((long) effort.megabytes() << 20) / threads);
    double best = 0;
    for (String way : ReadBandwidth.WAYS) {
      double operations =
          Measurement.of(ReadBandwidth.class, effort)
              .threads(threads)
              .heap(threads * bytes + (512L << 20))
              .parameters(Map.of("bytes", String.valueOf(bytes), "way", way))
              .bestRate();
      best = Math.max(best, operations * bytes / 1e9);
    }
    return Figure.limit(READ_BANDWIDTH, "", threads, best, "GB/s");
  }

  private static Figure matrixProduct(
      int threads, Request.Effort effort, String engine, String precision) {
    double side = effort.matrixSide();
    double operations =
        Measurement.of(MatrixProduct.class, effort)
            .heap(1L << 30)
            .property("ai.djl.pytorch.num_threads", threads)
            .parameters(
                Map.of(
                    "engine",
                    engine,
                    "precision",
                    precision,
                    "side",
                    String.valueOf(effort.matrixSide()),
                    "threads",
                    String.valueOf(threads)))
            .bestRate();
    String name = MATRIX_PRODUCT + ", " + engine;
    return Figure.limit(
        name, precision, threads, operations * 2 * side * side * side / 1e9, "GFLOP/s");
  }

  /** Whether the processor multiplies bfloat16; only Linux tells. */
  private static boolean hasBfloat16() {
    try {
      return BFLOAT16.matcher(Files.readString(Path.of("/proc/cpuinfo"))).find();
    } catch (IOException e) {
      return false;
    }
  }
}
