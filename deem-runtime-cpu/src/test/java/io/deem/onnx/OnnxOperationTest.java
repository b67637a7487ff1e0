package io.deem.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.deem.cases.Nd;
import io.deem.cases.OpCase;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Op;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.ort.OnnxSession;
import io.deem.ort.OnnxValue;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation of the graph against plain Java, with the cases that libtorch is tested with. */
class OnnxOperationTest {

  private static final double TOLERANCE = 1e-5;

  private static final OnnxEngine ENGINE = new OnnxEngine(1);

  static Stream<OpCase> cases() {
    return OpCase.all().stream();
  }

  @Test
  void everyOperationHasACase() {
    Set<Op> missing = EnumSet.allOf(Op.class);
    cases().forEach(operation -> missing.remove(operation.op()));
    // Only training has it.
    assertEquals(Set.of(Op.DROPOUT_AT_RATE), missing);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void valueOfInputs(OpCase operation) {
    assertValue(operation);
  }

  /**
   * Parameters are laid out, and what depends on nothing else is computed, before the block runs.
   */
  @ParameterizedTest
  @MethodSource("cases")
  void valueOfParameters(OpCase operation) {
    assertValue(operation.withParams());
  }

  private static void assertValue(OpCase operation) {
    Block block = operation.block(false, false);
    try (OnnxSession session = ENGINE.open(operation.params());
        Scope scope = session.scope()) {
      List<Value> arguments = new ArrayList<>();
      for (OpCase.In in : operation.inputs()) {
        if (!in.param()) {
          arguments.add(value(scope, in));
        }
      }
      Value result = scope.run(block, arguments).get(0);
      assertEquals(block.outputs().get(0).type(), result.type());
      assertClose(operation.expectedResult(), result);
    }
  }

  private static Value value(Scope scope, OpCase.In in) {
    double[] numbers = in.values().values();
    long[] extents = in.values().extents();
    return switch (in.type()) {
      case FLOAT -> scope.floats(in.values().floats(), extents);
      case INT64 -> {
        long[] values = new long[numbers.length];
        for (int i = 0; i < values.length; i++) {
          values[i] = (long) numbers[i];
        }
        yield scope.longs(values, extents);
      }
      case BOOL -> {
        boolean[] values = new boolean[numbers.length];
        for (int i = 0; i < values.length; i++) {
          values[i] = numbers[i] != 0;
        }
        yield scope.bools(values, extents);
      }
    };
  }

  private static void assertClose(Nd expected, Value actual) {
    assertArrayEquals(expected.extents(), actual.shape());
    double[] numbers = numbers(actual);
    double largest = 1;
    for (double value : expected.values()) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < numbers.length; i++) {
      double a = numbers[i];
      double b = expected.values()[i];
      int index = i;
      assertEquals(
          b, a, TOLERANCE * largest, () -> String.format(Locale.ROOT, "element %d", index));
    }
  }

  private static double[] numbers(Value value) {
    if (value.type() == DataType.BOOL) {
      ByteBuffer bytes = OnnxValue.tensorOf(value).getByteBuffer();
      double[] numbers = new double[bytes.remaining()];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = bytes.get(i);
      }
      return numbers;
    }
    if (value.type() == DataType.INT64) {
      long[] values = value.longs();
      double[] numbers = new double[values.length];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = values[i];
      }
      return numbers;
    }
    float[] values = value.floats();
    double[] numbers = new double[values.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = values[i];
    }
    return numbers;
  }
}
