package io.deem.ort;

import ai.onnxruntime.OnnxTensor;
import io.deem.graph.BufferPool;
import io.deem.graph.DataType;
import io.deem.graph.Value;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A tensor of ONNX Runtime. Freed when the last scope that owns it, or a value in its memory, is
 * closed.
 */
public final class OnnxValue implements Value {

  final OnnxTensor tensor;

  /** The memory that the tensor aliases if it was made from Java's numbers, else null. */
  private final ByteBuffer memory;

  /** Values in this memory that are not freed. */
  private final AtomicInteger holders;

  OnnxValue(OnnxTensor tensor, ByteBuffer memory) {
    this(tensor, memory, new AtomicInteger());
  }

  private OnnxValue(OnnxTensor tensor, ByteBuffer memory, AtomicInteger holders) {
    this.tensor = tensor;
    this.memory = memory;
    this.holders = holders;
    holders.incrementAndGet();
  }

  /** Another value in the same memory. */
  OnnxValue shared() {
    return new OnnxValue(tensor, memory, holders);
  }

  /** Gives up this value, to be called once. */
  void free(BufferPool pool) {
    if (holders.decrementAndGet() == 0) {
      tensor.close();
      if (memory != null) {
        pool.give(memory);
      }
    }
  }

  static OnnxValue of(Value value) {
    tensorOf(value);
    return (OnnxValue) value;
  }

  /**
   * The tensor of a value.
   *
   * @throws IllegalStateException if its scope is closed
   * @throws IllegalArgumentException if it is another engine's
   */
  public static OnnxTensor tensorOf(Value value) {
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
