package io.deem.torch;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * AdamW whose moments are kept in 8 bits (Dettmers et al. 2022, "8-bit Optimizers via Block-wise
 * Quantization"): each block of {@value #BLOCK} moments has its largest magnitude as a scale, and
 * each moment is the nearest entry of a table whose entries lie the denser the closer they are to
 * zero. Weights, gradients and the arithmetic stay in 32 bits.
 */
public final class EightBitMoments implements AutoCloseable {

  /** Moments that share a scale. */
  static final int BLOCK = 256;

  /** Smaller parameters gain too little; their moments had better stay exact. */
  public static final int SMALLEST = 4096;

  /** Bytes of a moment, with its share of the scale. */
  public static final double BYTES = 1 + (double) Float.BYTES / BLOCK;

  private static final int EXPONENTS = 7;
  private static final String FIRST = "m.";
  private static final String SECOND = "v.";
  private static final String SCALE = ".scale";

  private static final String ADAM_W =
      """
        def read(self: __torch__.Block, codes: Tensor, scale: Tensor, table: Tensor) -> Tensor:
          return torch.mul(torch.reshape(torch.index_select(table, 0, torch.to(torch.reshape(codes, [-1]), 3)), [-1, 256]), scale)
        def write(self: __torch__.Block, x: Tensor, codes: Tensor, scale: Tensor, middles: Tensor) -> Tensor:
          a = torch.amax(torch.abs(x), [1], True)
          b = torch.copy_(scale, a)
          n = torch.div(x, torch.clamp(a, 1.0e-38))
          return torch.copy_(codes, torch.bucketize(n, middles, out_int32=True))
        def forward(self: __torch__.Block, h: Tensor, p: Tensor, g: Tensor, m: Tensor, ms: Tensor, v: Tensor, vs: Tensor, ts: Tensor, ds: Tensor, tu: Tensor, du: Tensor) -> Tensor:
          n = torch.numel(p)
          rest = torch.sub(torch.numel(m), n)
          lr = float(h[1])
          b1 = float(h[2])
          b2 = float(h[3])
          t = float(h[6])
          x = torch.mul(torch.reshape(g, [-1]), float(h[0]))
          x0 = torch.reshape(torch.constant_pad_nd(x, [0, rest], 0), [-1, 256])
          m1 = torch.add(torch.mul((self).read(m, ms, ts, ), b1), torch.mul(x0, torch.sub(1.0, b1)))
          v1 = torch.add(torch.mul((self).read(v, vs, tu, ), b2), torch.mul(torch.mul(x0, x0), torch.sub(1.0, b2)))
          d = torch.add(torch.div(torch.sqrt(v1), torch.sqrt(torch.sub(1.0, torch.pow(b2, t)))), float(h[5]))
          u = torch.mul(torch.div(m1, d), torch.div(lr, torch.sub(1.0, torch.pow(b1, t))))
          w = torch.slice(torch.reshape(u, [-1]), 0, 0, n, 1)
          _0 = torch.mul_(p, torch.sub(1.0, torch.mul(lr, float(h[4]))))
          _1 = torch.sub_(p, torch.reshape(w, torch.size(p)))
          _2 = (self).write(m1, m, ms, ds, )
          _3 = (self).write(v1, v, vs, du, )
          _4 = torch.zero_(g)
          return h
      """;

  private final TorchSession session;
  private final PtNDManager manager;
  private final Map<String, Moments> moments = new TreeMap<>();
  private final List<PtNDArray> tables = new ArrayList<>();

  private record Moments(
      PtNDArray first, PtNDArray firstScale, PtNDArray second, PtNDArray secondScale) {

    void close() {
      List.of(first, firstScale, second, secondScale).forEach(PtNDArray::close);
    }
  }

  /** An optimiser of some of a session's parameters. */
  public EightBitMoments(TorchSession session) {
    this.session = session;
    this.manager = (PtNDManager) session.engine().root().newSubManager();
    for (boolean signed : new boolean[] {true, false}) {
      float[] table = table(signed);
      float[] middles = new float[table.length - 1];
      for (int i = 0; i < middles.length; i++) {
        middles[i] = (table[i] + table[i + 1]) / 2;
      }
      tables.add((PtNDArray) manager.create(table));
      tables.add((PtNDArray) manager.create(middles));
    }
  }

  /**
   * The 256 magnitudes that 8 bits stand for, rising: for each power of ten from 1e-6 to 1 twice as
   * many as for the one before, evenly spread, and 0 and 1.
   *
   * @param signed whether half of them are negative
   */
  static float[] table(boolean signed) {
    List<Double> entries = new ArrayList<>(List.of(0.0, 1.0));
    for (int exponent = 0; exponent < EXPONENTS; exponent++) {
      int count = signed ? 1 << exponent : 2 << exponent;
      double power = Math.pow(10, exponent - (EXPONENTS - 1));
      for (int i = 0; i < count; i++) {
        double mean = 0.1 + 0.9 * (i + 0.5) / count;
        entries.add(power * mean);
        if (signed) {
          entries.add(-power * mean);
        }
      }
    }
    float[] table = new float[entries.size()];
    entries.sort(null);
    for (int i = 0; i < table.length; i++) {
      table[i] = entries.get(i).floatValue();
    }
    return table;
  }

  /** Updates these parameters in place and sets their gradients to zero. */
  public void adamW(List<String> names, OptimizerScript.Update update) {
    double[] numbers = {
      update.clip(),
      update.learningRate(),
      update.beta1(),
      update.beta2(),
      update.weightDecay(),
      update.epsilon(),
      update.step()
    };
    for (String name : names) {
      Moments state = moments.computeIfAbsent(name, this::zero);
      try (TorchScope scope = session.scope()) {
        List<PtNDArray> arguments = new ArrayList<>();
        arguments.add((PtNDArray) scope.manager().create(numbers));
        arguments.add(OptimizerScript.alias(session, scope, name));
        arguments.add(OptimizerScript.gradient(session, scope, name));
        arguments.addAll(List.of(state.first, state.firstScale, state.second, state.secondScale));
        arguments.addAll(tables);
        scope.call(TorchEngine.script(ADAM_W), arguments);
      }
    }
  }

  /** The parameters that have moments. */
  public Set<String> namesWithMoments() {
    return moments.keySet();
  }

  /** Adds the moments to a checkpoint: codes {@code m.NAME}, scales {@code m.NAME.scale}. */
  public void write(SafetensorsWriter into) {
    moments.forEach(
        (name, state) -> {
          write(into, FIRST + name, state.first, state.firstScale);
          write(into, SECOND + name, state.second, state.secondScale);
        });
  }

  private static void write(SafetensorsWriter into, String name, PtNDArray codes, PtNDArray scale) {
    into.bytes(
        name,
        ElementType.U8,
        codes.getShape().getShape(),
        () -> ByteBuffer.wrap(codes.toByteArray()));
    into.floats(name + SCALE, ElementType.F32, scale.getShape().getShape(), scale::toFloatArray);
  }

  /** Whether saved moments of a parameter are in 8 bits. */
  public static boolean has(TensorSource saved, String name) {
    return saved.contains(FIRST + name + SCALE);
  }

  /** Replaces the moments of a parameter by saved ones. */
  public void restore(TensorSource saved, String name) {
    Moments old = moments.remove(name);
    if (old != null) {
      old.close();
    }
    moments.put(
        name,
        new Moments(
            codes(saved, FIRST + name),
            scale(saved, FIRST + name),
            codes(saved, SECOND + name),
            scale(saved, SECOND + name)));
  }

  private PtNDArray codes(TensorSource saved, String name) {
    ByteBuffer stored = saved.bytes(name);
    ByteBuffer own = ByteBuffer.allocateDirect(stored.remaining());
    own.put(stored).flip();
    try (PtNDArray alias =
        manager.create(own, new Shape(own.remaining() / BLOCK, BLOCK), DataType.UINT8)) {
      return (PtNDArray) alias.duplicate();
    }
  }

  private PtNDArray scale(TensorSource saved, String name) {
    float[] values = saved.floats(name + SCALE);
    return (PtNDArray) manager.create(values, new Shape(values.length, 1));
  }

  private Moments zero(String name) {
    long size =
        Arrays.stream(session.loaded(name).getShape().getShape()).reduce(1, (a, b) -> a * b);
    long blocks = (size + BLOCK - 1) / BLOCK;
    return new Moments(
        zeroCodes(blocks, true),
        (PtNDArray) manager.zeros(new Shape(blocks, 1)),
        zeroCodes(blocks, false),
        (PtNDArray) manager.zeros(new Shape(blocks, 1)));
  }

  /** With a scale of 0 any code is zero; the one that means it is the honest choice. */
  private PtNDArray zeroCodes(long blocks, boolean signed) {
    int zero = Arrays.binarySearch(table(signed), 0f);
    return (PtNDArray) manager.full(new Shape(blocks, BLOCK), zero, DataType.UINT8);
  }

  @Override
  public void close() {
    manager.close();
    moments.clear();
  }
}
