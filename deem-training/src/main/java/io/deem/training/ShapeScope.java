package io.deem.training;

import io.deem.graph.Block;
import io.deem.graph.BlockRewriting;
import io.deem.graph.DataType;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.torch.Precision;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Runs a training step without computing it: its values have shapes and no contents. What each
 * block would cost is written down, in the order in which they run.
 */
final class ShapeScope implements TrainingScope {

  /**
   * A block that ran.
   *
   * @param resultBytes of what it returns
   * @param learns whether it takes part in the backward pass
   */
  record Visit(Block block, BlockCost cost, long resultBytes, boolean learns) {}

  private record Shaped(long[] shape, DataType type, boolean learns) implements Value {

    @Override
    public float[] floats() {
      throw new UnsupportedOperationException("a value without contents");
    }

    @Override
    public long[] longs() {
      throw new UnsupportedOperationException("a value without contents");
    }

    long bytes() {
      long bytes = type == DataType.INT64 ? Long.BYTES : type == DataType.BOOL ? 1 : Float.BYTES;
      for (long extent : shape) {
        bytes = Math.multiplyExact(bytes, extent);
      }
      return bytes;
    }
  }

  private final Predicate<String> trainable;
  private final Precision precision;
  private final boolean drops;
  private final BlockRewriting rewriting;
  private final List<Visit> visits = new ArrayList<>();
  private long givenBytes;

  ShapeScope(Predicate<String> trainable, Precision precision, boolean drops) {
    this(trainable, precision, drops, BlockRewriting.NONE);
  }

  ShapeScope(
      Predicate<String> trainable, Precision precision, boolean drops, BlockRewriting rewriting) {
    this.rewriting = rewriting;
    this.trainable = trainable;
    this.precision = precision;
    this.drops = drops;
  }

  /** What ran, in its order. */
  List<Visit> visits() {
    return visits;
  }

  /** Bytes of the values that were given and not computed. */
  long givenBytes() {
    return givenBytes;
  }

  @Override
  public Value floats(float[] values, long... shape) {
    return given(DataType.FLOAT, shape, false);
  }

  @Override
  public Value longs(long[] values, long... shape) {
    return given(DataType.INT64, shape, false);
  }

  @Override
  public Value bools(boolean[] values, long... shape) {
    return given(DataType.BOOL, shape, false);
  }

  @Override
  public Value leaf(float[] values, long... shape) {
    return given(DataType.FLOAT, shape, true);
  }

  private Value given(DataType type, long[] shape, boolean learns) {
    Shaped value = new Shaped(shape.clone(), type, learns);
    givenBytes += value.bytes();
    return value;
  }

  @Override
  public List<Value> run(Block written, List<Value> inputs) {
    Block block = rewriting.apply(written, true);
    Map<String, Long> symbols = block.bind(inputs.stream().map(Value::shape).toList());
    List<Boolean> learning = inputs.stream().map(value -> ((Shaped) value).learns).toList();
    BlockCost cost = new BlockCost(block, symbols, learning, trainable, precision, drops);
    List<Value> results = new ArrayList<>();
    long bytes = 0;
    boolean learns = false;
    for (Tensor output : block.outputs()) {
      long[] shape = output.shape().dims().stream().mapToLong(d -> d.evaluate(symbols)).toArray();
      Shaped value = new Shaped(shape, output.type(), cost.learns(output));
      bytes += value.bytes();
      learns |= value.learns;
      results.add(value);
    }
    visits.add(new Visit(block, cost, bytes, learns));
    return results;
  }

  @Override
  public void backward(Value loss) {
    // Its cost is that of the blocks that ran.
  }

  @Override
  public void backward(Value value, Value cotangent, boolean keepGraph) {
    // Its cost is that of the blocks that ran.
  }

  @Override
  public Value gradient(Value leaf) {
    return null;
  }

  @Override
  public Value gradient(String param) {
    return null;
  }

  @Override
  public ShapeScope child() {
    return this;
  }

  @Override
  public Value keep(Value value) {
    return value;
  }

  @Override
  public void close() {
    // Nothing is held.
  }
}
