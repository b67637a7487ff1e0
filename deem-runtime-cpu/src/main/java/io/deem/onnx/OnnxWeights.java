package io.deem.onnx;

import static io.deem.onnx.OnnxGraph.with;

import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.UnsafeByteOperations;
import io.deem.weights.ElementType;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * Adds stored tensors to a graph. Those that lie in a file are not read here: the model refers to
 * their place, and ONNX Runtime maps it. Numbers stored in 16 or 64 bits are referred to as they
 * are stored, with a conversion that ONNX Runtime carries out once, when it loads the model. All
 * files that one model refers to must be in or below one folder; what lies elsewhere, or in no
 * file, goes into the model itself.
 */
final class OnnxWeights {

  private final OnnxGraph graph;

  /** Where the model's files are; null if there are none. */
  private final Path folder;

  /**
   * A writer.
   *
   * @param folder the files that lie in it or below it are referred to; null for none
   */
  OnnxWeights(OnnxGraph graph, Path folder) {
    this.graph = graph;
    this.folder = folder;
  }

  /**
   * The folder that a model should refer to files in.
   *
   * @param stored where some tensors are stored as they are; null for nowhere
   * @param quantised where others are stored in few bits; null for nowhere. If one folder does not
   *     hold both, these are more
   */
  static Path folder(Path stored, Path quantised) {
    if (quantised == null) {
      return stored;
    }
    return stored != null && quantised.startsWith(stored) ? stored : quantised;
  }

  /** The folder of the file of a tensor, or null if it is in none. */
  static Path folderOf(TensorSource source, String tensor) {
    Path file = real(source, tensor);
    return file == null ? null : file.getParent();
  }

  private static Path real(TensorSource source, String tensor) {
    Optional<Path> file = source.file(tensor);
    try {
      // ONNX Runtime refuses files that a link leads out of the folder to.
      return file.isEmpty() ? null : file.get().toRealPath();
    } catch (IOException e) {
      throw new UncheckedIOException(source.origin(tensor) + ": " + e.getMessage(), e);
    }
  }

  /** The folder of the files that the model refers to, or null if there are none. */
  Path folder() {
    return folder;
  }

  /**
   * Adds a tensor of floating-point numbers.
   *
   * @return the name of the value in 32 bits
   */
  String floats(TensorSource source, String tensor, long[] extents, String name) {
    TensorInfo info = source.require(tensor, extents);
    Path file = fileOf(source, tensor);
    if (file == null) {
      float[] values = source.floats(tensor);
      ByteBuffer bytes =
          ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES))
              .order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(values);
      graph.initializer(
          tensor(name, ElementType.F32, extents)
              .setRawData(UnsafeByteOperations.unsafeWrap(bytes))
              .build());
      return name;
    }
    if (!info.type().isFloating()) {
      throw new IllegalArgumentException(
          source.origin(tensor) + ": tensor " + info + " does not hold floating-point numbers");
    }
    graph.initializer(stored(name, info, file, info.shape()));
    return info.type() == ElementType.F32
        ? name
        : graph.node("Cast", List.of(name), with("to", TensorProto.DataType.FLOAT_VALUE));
  }

  /** Adds a tensor as it is stored. */
  String asStored(TensorSource source, String tensor, String name) {
    return asStored(source, tensor, name, source.info(tensor).shape());
  }

  /** Adds a tensor as it is stored, under another shape of as many elements. */
  String asStored(TensorSource source, String tensor, String name, long... extents) {
    TensorInfo info = source.info(tensor);
    Path file = fileOf(source, tensor);
    graph.initializer(
        file != null
            ? stored(name, info, file, extents)
            : tensor(name, info.type(), extents)
                .setRawData(UnsafeByteOperations.unsafeWrap(source.bytes(tensor)))
                .build());
    return name;
  }

  /**
   * Whether the model can refer to tensors as one: they are of one type and lie in one file, one
   * behind the other.
   */
  boolean isOne(TensorSource source, List<String> tensors) {
    Path file = fileOf(source, tensors.get(0));
    if (file == null) {
      return false;
    }
    TensorInfo before = source.info(tensors.get(0));
    for (String tensor : tensors.subList(1, tensors.size())) {
      TensorInfo info = source.info(tensor);
      boolean next =
          info.type() == before.type()
              && info.offset() == before.offset() + before.length()
              && file.equals(fileOf(source, tensor));
      if (!next) {
        return false;
      }
      before = info;
    }
    return true;
  }

  /** Adds tensors that are {@link #isOne one} as they are stored, the first extents added up. */
  String asStored(TensorSource source, List<String> tensors, String name) {
    if (tensors.size() == 1) {
      return asStored(source, tensors.get(0), name);
    }
    TensorInfo first = source.info(tensors.get(0));
    long[] extents = first.shape();
    long length = 0;
    extents[0] = 0;
    for (String tensor : tensors) {
      TensorInfo info = source.info(tensor);
      extents[0] += info.shape()[0];
      length += info.length();
    }
    TensorInfo all = new TensorInfo(name, first.type(), extents, first.offset(), length);
    graph.initializer(stored(name, all, fileOf(source, first.name()), extents));
    return name;
  }

  /** The file of a tensor if the model can refer to it. */
  private Path fileOf(TensorSource source, String tensor) {
    Path file = real(source, tensor);
    return file != null && folder != null && file.startsWith(folder) ? file : null;
  }

  private TensorProto stored(String name, TensorInfo info, Path file, long... extents) {
    return tensor(name, info.type(), extents)
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(entry("location", location(file)))
        .addExternalData(entry("offset", Long.toString(info.offset())))
        .addExternalData(entry("length", Long.toString(info.length())))
        .build();
  }

  /** With slashes, wherever the model was written. */
  private String location(Path file) {
    StringJoiner names = new StringJoiner("/");
    folder.relativize(file).forEach(name -> names.add(name.toString()));
    return names.toString();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static TensorProto.Builder tensor(String name, ElementType type, long[] extents) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(elementType(type));
    Arrays.stream(extents).forEach(tensor::addDims);
    return tensor;
  }

  private static int elementType(ElementType type) {
    return switch (type) {
      case F64 -> TensorProto.DataType.DOUBLE_VALUE;
      case F32 -> TensorProto.DataType.FLOAT_VALUE;
      case F16 -> TensorProto.DataType.FLOAT16_VALUE;
      case BF16 -> TensorProto.DataType.BFLOAT16_VALUE;
      case I64 -> TensorProto.DataType.INT64_VALUE;
      case I32 -> TensorProto.DataType.INT32_VALUE;
      case I16 -> TensorProto.DataType.INT16_VALUE;
      case I8 -> TensorProto.DataType.INT8_VALUE;
      case U8 -> TensorProto.DataType.UINT8_VALUE;
      case BOOL -> TensorProto.DataType.BOOL_VALUE;
    };
  }
}
