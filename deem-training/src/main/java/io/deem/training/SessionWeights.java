package io.deem.training;

import io.deem.torch.TorchSession;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;

/** Writes what a session has learnt. */
public final class SessionWeights {

  private SessionWeights() {}

  /**
   * The loaded parameters of a session in 32 bits; write them while the session does not change.
   */
  public static SafetensorsWriter of(TorchSession session) {
    return of(session, session.params());
  }

  /** The loaded parameters as weights to be copied from; what is read is their present value. */
  public static TensorSource source(TorchSession session) {
    return new Source(session);
  }

  /** Some of the loaded parameters; see {@link #of(TorchSession)}. */
  public static SafetensorsWriter of(TorchSession session, Collection<String> names) {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (String name : names) {
      writer.floats(
          name, ElementType.F32, session.param(name).shape(), () -> session.param(name).floats());
    }
    return writer;
  }

  private record Source(TorchSession session) implements TensorSource {

    @Override
    public Set<String> names() {
      return new LinkedHashSet<>(session.params());
    }

    @Override
    public TensorInfo info(String name) {
      long[] shape = session.param(name).shape();
      long length = Float.BYTES;
      for (long extent : shape) {
        length = Math.multiplyExact(length, extent);
      }
      return new TensorInfo(name, ElementType.F32, shape, 0, length);
    }

    @Override
    public float[] floats(String name) {
      return session.param(name).floats();
    }

    @Override
    public ByteBuffer bytes(String name) {
      float[] floats = floats(name);
      ByteBuffer bytes =
          ByteBuffer.allocate(floats.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(floats);
      return bytes;
    }

    @Override
    public long[] longs(String name) {
      throw new IllegalArgumentException(name + " holds floating-point numbers");
    }

    @Override
    public String origin() {
      return "the trained weights";
    }

    @Override
    public void close() {
      // The session is closed by whoever opened it.
    }
  }
}
