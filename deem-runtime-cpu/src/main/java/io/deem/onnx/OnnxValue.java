package io.deem.onnx;

import ai.onnxruntime.OnnxTensor;
import io.deem.graph.DataType;
import io.deem.graph.Value;
import java.nio.ByteBuffer;

/** A tensor of ONNX Runtime. Freed with the scope that owns it. */
final class OnnxValue implements Value {

  final OnnxTensor tensor;

  /** The memory that the tensor aliases if it was made from Java's numbers, else null. */
  final ByteBuffer memory;

  OnnxValue(OnnxTensor tensor, ByteBuffer memory) {
    this.tensor = tensor;
    this.memory = memory;
  }

  static OnnxTensor tensorOf(Value value) {
    if (value instanceof OnnxValue onnx) {
      if (onnx.tensor.isClosed()) {
        throw new IllegalStateException("the value's scope is closed");
      }
      return onnx.tensor;
    }
    throw new IllegalArgumentException("not a value of the ONNX Runtime engine: " + value);
  }

  @Override
  public long[] shape() {
    return tensorOf(this).getInfo().getShape().clone();
  }

  @Override
  public DataType type() {
    return switch (tensorOf(this).getInfo().type) {
      case FLOAT -> DataType.FLOAT;
      case INT64 -> DataType.INT64;
      case BOOL -> DataType.BOOL;
      default -> throw new IllegalStateException("unexpected type " + tensor.getInfo());
    };
  }

  @Override
  public float[] floats() {
    if (type() != DataType.FLOAT) {
      throw new IllegalStateException("not floating point: " + tensor.getInfo());
    }
    return isEmpty() ? new float[0] : tensor.getFloatBuffer().array();
  }

  @Override
  public long[] longs() {
    if (type() != DataType.INT64) {
      throw new IllegalStateException("not integral: " + tensor.getInfo());
    }
    return isEmpty() ? new long[0] : tensor.getLongBuffer().array();
  }

  private boolean isEmpty() {
    return tensor.getInfo().getNumElements() == 0;
  }
}
