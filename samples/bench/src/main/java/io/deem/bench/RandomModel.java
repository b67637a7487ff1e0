package io.deem.bench;

import io.deem.graph.Param;
import io.deem.onnx.LinearWeights;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.quantized.Quantization;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * Random weights in a file, made once: in few bits right away, so that a model of which the numbers
 * in 32 bits would not fit in memory needs no more of it than in few bits.
 */
final class RandomModel implements AutoCloseable {

  /** Raised when other weights would be written for the same network. */
  private static final String VERSION = "2";

  private static final String VERSION_KEY = "deem.bench.random";
  private static final int PIECE = 1 << 20;

  private final SafetensorsFile file;
  private final Map<String, LinearWeights.Quantized> forms;

  private RandomModel(SafetensorsFile file, Map<String, LinearWeights.Quantized> forms) {
    this.file = file;
    this.forms = forms;
  }

  /** Where such files are kept. */
  static Path cache() {
    String chosen = System.getProperty("deem.cache");
    return chosen != null
        ? Path.of(chosen, "bench")
        : Path.of(System.getProperty("user.home"), ".cache", "deem", "bench");
  }

  /**
   * Opens a file of random weights, writing it first if it is not there.
   *
   * @param params all parameters
   * @param matrices those of them that are quantised
   * @param how null to quantise nothing
   */
  static RandomModel open(
      Path path, Collection<Param> params, Collection<Param> matrices, Quantization how)
      throws IOException {
    Set<Param> few = how == null ? Set.of() : new HashSet<>(matrices);
    if (!isWritten(path)) {
      Files.createDirectories(path.toAbsolutePath().getParent());
      write(path, params, few, how);
    }
    SafetensorsFile file = SafetensorsFile.open(path);
    Map<String, LinearWeights.Quantized> forms = new LinkedHashMap<>();
    for (Param param : few) {
      String name = param.name();
      forms.put(
          name,
          new LinearWeights.Quantized(
              how.bits(), how.blockSize(), 4, file, codes(name), scales(name), null));
    }
    return new RandomModel(file, forms);
  }

  private static boolean isWritten(Path path) throws IOException {
    if (!Files.exists(path)) {
      return false;
    }
    try (SafetensorsFile found = SafetensorsFile.open(path)) {
      return VERSION.equals(found.metadata().get(VERSION_KEY));
    }
  }

  private static String codes(String name) {
    return name + ".codes";
  }

  private static String scales(String name) {
    return name + ".scales";
  }

  private static void write(Path path, Collection<Param> params, Set<Param> few, Quantization how)
      throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter().metadata(VERSION_KEY, VERSION);
    for (Param param : params) {
      long[] shape = param.shape().extents();
      if (few.contains(param)) {
        long blocks = how.blocks(shape[1]);
        writer.reserve(
            codes(param.name()), ElementType.U8, new long[] {shape[0], blocks, how.blockBytes()});
        writer.reserve(scales(param.name()), ElementType.F32, new long[] {shape[0], blocks});
      } else {
        writer.reserve(param.name(), ElementType.F32, shape);
      }
    }
    writer.write(path, places -> fill(params, few, how, places));
  }

  private static void fill(
      Collection<Param> params,
      Set<Param> few,
      Quantization how,
      Function<String, SafetensorsWriter.Place> places)
      throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    for (Param param : params) {
      long[] shape = param.shape().extents();
      long size = size(shape);
      // So large that a product keeps the size of its input.
      float spread = (float) Math.sqrt(3.0 * shape[0] / size);
      if (few.contains(param)) {
        long blocks = how.blocks(shape[1]);
        bytes(places.apply(codes(param.name())), shape[0] * blocks * how.blockBytes(), random);
        float scale = spread / (1 << (how.bits() - 1));
        same(places.apply(scales(param.name())), shape[0] * blocks, scale);
      } else if (shape.length == 1) {
        same(places.apply(param.name()), size, param.name().endsWith("bias") ? 0 : 1);
      } else {
        uniform(places.apply(param.name()), size, spread, random);
      }
    }
  }

  private static long size(long... shape) {
    long size = 1;
    for (long extent : shape) {
      size = Math.multiplyExact(size, extent);
    }
    return size;
  }

  private static void bytes(SafetensorsWriter.Place place, long count, SplittableRandom random)
      throws IOException {
    byte[] piece = new byte[(int) Math.min(PIECE, count)];
    for (long at = 0; at < count; at += piece.length) {
      random.nextBytes(piece);
      place.write(at, ByteBuffer.wrap(piece, 0, (int) Math.min(piece.length, count - at)));
    }
  }

  private static void same(SafetensorsWriter.Place place, long count, float value)
      throws IOException {
    floats(place, count, () -> value);
  }

  private static void uniform(
      SafetensorsWriter.Place place, long count, float spread, SplittableRandom random)
      throws IOException {
    floats(place, count, () -> (float) ((2 * random.nextDouble() - 1) * spread));
  }

  private interface Numbers {
    float next();
  }

  private static void floats(SafetensorsWriter.Place place, long count, Numbers numbers)
      throws IOException {
    ByteBuffer piece =
        ByteBuffer.allocate((int) Math.min(PIECE, count) * Float.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (long at = 0; at < count; at += piece.capacity() / Float.BYTES) {
      piece.clear();
      long end = Math.min(count, at + piece.capacity() / Float.BYTES);
      for (long i = at; i < end; i++) {
        piece.putFloat(numbers.next());
      }
      place.write(at * Float.BYTES, piece.flip());
    }
  }

  /** The weights that are stored as they are. */
  SafetensorsFile weights() {
    return file;
  }

  /** The others. */
  LinearWeights linear(String precision) {
    return new LinearWeights() {
      @Override
      public Optional<Quantized> quantized(Param weight) {
        return Optional.ofNullable(forms.get(weight.name()));
      }

      @Override
      public String precision() {
        return precision;
      }
    };
  }

  /**
   * Bytes that a product of each matrix with one row reads. Beside the values and the scale of a
   * block in few bits, ONNX Runtime's kernels read the block's sum, in 32 bits, with which they
   * take the values' offset back.
   *
   * @param few the matrices that are stored as {@code how} says; null for 32 bits
   */
  static long readBytes(List<Param> params, Collection<Param> few, Quantization how) {
    long bytes = 0;
    for (Param param : params) {
      long[] shape = param.shape().extents();
      bytes +=
          how != null && few.contains(param)
              ? shape[0] * how.blocks(shape[1]) * (how.blockBytes() + 2 * Float.BYTES)
              : size(shape) * Float.BYTES;
    }
    return bytes;
  }

  @Override
  public void close() {
    file.close();
  }
}
