package io.deem.torch;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValueUtils;
import io.deem.graph.DataType;
import io.deem.graph.Value;
import java.nio.ByteBuffer;

/** A tensor of libtorch. Freed with the scope that owns it. */
final class TorchValue implements Value {

  final PtNDArray array;

  /** The memory that the tensor aliases if it was made from Java's numbers, else null. */
  ByteBuffer memory;

  /** Null if nobody watches. */
  private final TorchListener listener;

  TorchValue(PtNDArray array) {
    this(array, null);
  }

  TorchValue(PtNDArray array, TorchListener listener) {
    this.array = array;
    this.listener = listener;
  }

  static PtNDArray arrayOf(Value value) {
    if (value instanceof TorchValue torch) {
      if (torch.array.isReleased()) {
        throw new IllegalStateException("the value's scope is closed");
      }
      return torch.array;
    }
    throw new IllegalArgumentException("not a value of the libtorch engine: " + value);
  }

  @Override
  public long[] shape() {
    return arrayOf(this).getShape().getShape().clone();
  }

  @Override
  public DataType type() {
    return switch (arrayOf(this).getDataType()) {
      case FLOAT32, FLOAT64, BFLOAT16, UNKNOWN -> DataType.FLOAT;
      case INT64 -> DataType.INT64;
      case BOOLEAN -> DataType.BOOL;
      default -> throw new IllegalStateException("unexpected type " + array.getDataType());
    };
  }

  @Override
  public float[] floats() {
    float[] numbers =
        switch (arrayOf(this).getDataType()) {
          case FLOAT32 -> array.toFloatArray();
          case FLOAT64 -> narrow(array.toDoubleArray());
          // What DJL calls bfloat16 when it meets one.
          case BFLOAT16, UNKNOWN -> widened(array);
          default -> throw new IllegalStateException("not floating point: " + array.getDataType());
        };
    if (listener != null) {
      listener.read(this, numbers);
    }
    return numbers;
  }

  @Override
  public long[] longs() {
    if (type() != DataType.INT64) {
      throw new IllegalStateException("not integral: " + array.getDataType());
    }
    return array.toLongArray();
  }

  /** DJL's own conversion from bfloat16 would end the process. */
  private static float[] widened(PtNDArray array) {
    try (NDManager manager = array.getManager().newSubManager()) {
      PtNDArray first = (PtNDArray) manager.create(0L);
      first.setName("module_method:forward");
      NDList arguments = new NDList(first, array);
      NDList result = IValueUtils.forward(TorchEngine.script(Scripts.WIDEN), arguments, true);
      return result.singletonOrThrow().toFloatArray();
    }
  }

  private static float[] narrow(double[] values) {
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = (float) values[i];
    }
    return result;
  }
}
