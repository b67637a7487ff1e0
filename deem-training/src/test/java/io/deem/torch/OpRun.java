package io.deem.torch;

import io.deem.cases.Nd;
import io.deem.cases.OpCase;
import io.deem.cases.OpCase.In;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import java.util.ArrayList;
import java.util.List;

/** Runs one case on libtorch. */
final class OpRun implements AutoCloseable {

  private final OpCase operation;
  private final TorchSession session;
  private final Block block;

  /** Null if the result is not summed. */
  private final Nd weights;

  OpRun(OpCase operation, Precision precision, boolean differentiated, boolean throughProducts) {
    this(operation, TorchOptions.onProcessor(precision), differentiated, throughProducts);
  }

  OpRun(OpCase operation, TorchOptions options, boolean differentiated, boolean throughProducts) {
    this.operation = operation;
    this.session = new TorchEngine(options).open(operation.params());
    this.session.trainable(name -> true);
    this.block = operation.block(differentiated, throughProducts);
    this.weights = differentiated ? weightsFor(operation) : null;
  }

  /** What the result is multiplied by before it is summed. */
  Nd weights() {
    return weights;
  }

  /** What the operation returns. */
  Nd result() {
    try (TrainingScope scope = session.trainingScope()) {
      return read(scope.run(block, arguments(scope, inputs())).get(0));
    }
  }

  /** The weighted sum of the result, for other inputs than the case's. */
  double weightedSum(List<Nd> inputs) {
    for (int i = 0; i < inputs.size(); i++) {
      if (operation.inputs().get(i).param()) {
        session.set(OpCase.paramName(i), inputs.get(i).floats());
      }
    }
    try (TrainingScope scope = session.trainingScope()) {
      return read(scope.run(block, arguments(scope, inputs)).get(1)).values()[0];
    }
  }

  /**
   * The gradient of {@link #weightedSum} with respect to each input; null for those that have none.
   */
  List<Nd> gradients() {
    try (TrainingScope scope = session.trainingScope()) {
      List<Value> arguments = arguments(scope, inputs());
      scope.backward(scope.run(block, arguments).get(1));
      List<Nd> gradients = new ArrayList<>();
      int argument = 0;
      for (int i = 0; i < operation.inputs().size(); i++) {
        In in = operation.inputs().get(i);
        Value gradient = null;
        if (in.param()) {
          gradient = scope.gradient(OpCase.paramName(i));
        } else {
          Value value = arguments.get(argument++);
          gradient = in.type() == DataType.FLOAT ? scope.gradient(value) : null;
        }
        gradients.add(gradient == null ? null : read(gradient));
      }
      return gradients;
    }
  }

  List<Nd> inputs() {
    return operation.inputs().stream().map(In::values).toList();
  }

  private static Nd weightsFor(OpCase operation) {
    Nd expected = operation.expectedResult();
    return expected.shape().length == 0 ? Nd.scalar(1.25) : Nd.random(99, expected.shape());
  }

  private List<Value> arguments(TrainingScope scope, List<Nd> inputs) {
    List<Value> values = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      In in = operation.inputs().get(i);
      if (!in.param()) {
        values.add(value(scope, inputs.get(i), in.type()));
      }
    }
    if (weights != null) {
      values.add(scope.floats(weights.floats(), weights.extents()));
    }
    return values;
  }

  private static Value value(TrainingScope scope, Nd nd, DataType type) {
    double[] numbers = nd.values();
    return switch (type) {
      case FLOAT -> scope.leaf(nd.floats(), nd.extents());
      case INT64 -> {
        long[] values = new long[numbers.length];
        for (int i = 0; i < values.length; i++) {
          values[i] = (long) numbers[i];
        }
        yield scope.longs(values, nd.extents());
      }
      case BOOL -> {
        boolean[] values = new boolean[numbers.length];
        for (int i = 0; i < values.length; i++) {
          values[i] = numbers[i] != 0;
        }
        yield scope.bools(values, nd.extents());
      }
    };
  }

  /** A value in full precision, which its public methods narrow to 32 bits. */
  static Nd read(Value value) {
    ai.djl.ndarray.NDArray array = TorchValue.arrayOf(value);
    long[] extents = value.shape();
    int[] shape = new int[extents.length];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = (int) extents[i];
    }
    Number[] numbers = array.toType(ai.djl.ndarray.types.DataType.FLOAT64, true).toArray();
    double[] values = new double[numbers.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = numbers[i].doubleValue();
    }
    return new Nd(values, shape);
  }

  @Override
  public void close() {
    session.close();
  }
}
