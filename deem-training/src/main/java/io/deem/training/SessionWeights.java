package io.deem.training;

import io.deem.lora.LowRankAdaptation;
import io.deem.torch.TorchSession;
import io.deem.weights.ElementType;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
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

  /**
   * A model's weights to be copied from: the present value of what learns, and all else as it is
   * stored, even where the session keeps it in fewer bits or has not loaded it.
   */
  public static TensorSource source(TorchSession session, TensorSource stored) {
    return new Source(session, stored);
  }

  /**
   * The present factors of adapters, under their names.
   *
   * @param stored the weights that the factors belong to
   */
  public static TensorSource factors(
      TorchSession session, TensorSource stored, LowRankAdaptation lora) {
    OverlaidTensors factors = new OverlaidTensors(stored, "adapters in training");
    for (String name : session.params()) {
      if (lora.learnt(false).test(name)) {
        factors.with(name, session.param(name).shape(), () -> session.param(name).floats());
      }
    }
    return factors;
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

  private record Source(TorchSession session, TensorSource stored) implements TensorSource {

    private boolean learns(String name) {
      return session.trainableNames().test(name);
    }

    @Override
    public Set<String> names() {
      return stored.names();
    }

    @Override
    public TensorInfo info(String name) {
      if (!learns(name)) {
        return stored.info(name);
      }
      long[] shape = session.param(name).shape();
      long length = Float.BYTES;
      for (long extent : shape) {
        length = Math.multiplyExact(length, extent);
      }
      return new TensorInfo(name, ElementType.F32, shape, 0, length);
    }

    @Override
    public float[] floats(String name) {
      return learns(name) ? session.param(name).floats() : stored.floats(name);
    }

    @Override
    public ByteBuffer bytes(String name) {
      if (!learns(name)) {
        return stored.bytes(name);
      }
      float[] floats = floats(name);
      ByteBuffer bytes =
          ByteBuffer.allocate(floats.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(floats);
      return bytes;
    }

    @Override
    public long[] longs(String name) {
      return stored.longs(name);
    }

    @Override
    public String origin() {
      return "the trained weights";
    }

    @Override
    public void close() {
      // Both are closed by whoever opened them.
    }
  }
}
