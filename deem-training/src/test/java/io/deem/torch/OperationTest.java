package io.deem.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.cases.Nd;
import io.deem.cases.OpCase;
import io.deem.graph.DataType;
import io.deem.graph.Op;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operation of the graph against plain Java in 64 bits, and its gradient against central
 * finite differences.
 */
class OperationTest {

  /** A power of two, so that a 32-bit input plus or minus it is exact. */
  private static final double STEP = 1.0 / 4096;

  private static final List<OpCase> CASES = OpCase.all();

  static Stream<OpCase> cases() {
    return CASES.stream();
  }

  static Stream<OpCase> smoothCases() {
    return CASES.stream().filter(OperationTest::differentiable);
  }

  private static boolean differentiable(OpCase operation) {
    return operation.smooth()
        && operation.block(false, false).outputs().get(0).type() == DataType.FLOAT;
  }

  @Test
  void everyOperationHasACase() {
    Set<Op> missing = EnumSet.allOf(Op.class);
    CASES.forEach(operation -> missing.remove(operation.op()));
    // Its draws are the engine's own, so no plain Java gives its numbers; see DropoutTest.
    assertEquals(Set.of(Op.DROPOUT_AT_RATE), missing);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theCaseContainsItsOperation(OpCase operation) {
    assertTrue(
        operation.block(false, false).nodes().stream().anyMatch(t -> t.op() == operation.op()));
  }

  @Test
  void everyOperationThatHasAGradientHasOneTested() {
    Set<Op> untested = EnumSet.allOf(Op.class);
    smoothCases().forEach(operation -> untested.remove(operation.op()));
    // Truth values and indices have no gradient; what detach and dropout do to one is tested by
    // itself.
    assertEquals(
        EnumSet.of(Op.EQUAL, Op.LESS, Op.AND, Op.NOT, Op.ARG_MAX, Op.DETACH, Op.DROPOUT_AT_RATE),
        untested);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void valueIn64Bits(OpCase operation) {
    assertValue(operation, Precision.FP64, false, 1e-12);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void valueIn32Bits(OpCase operation) {
    assertValue(operation, Precision.FP32, false, 1e-5);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void valueInBfloat16(OpCase operation) {
    assertValue(operation, Precision.BF16, false, 2e-2);
  }

  /** An operation after a product gets its operands in bfloat16 and must cope. */
  @ParameterizedTest
  @MethodSource("cases")
  void valueInBfloat16AfterProducts(OpCase operation) {
    assertValue(operation, Precision.BF16, true, 2e-2);
  }

  @ParameterizedTest
  @MethodSource("smoothCases")
  void gradientIn64Bits(OpCase operation) {
    assertGradients(operation, Precision.FP64, false, 2e-6);
  }

  @ParameterizedTest
  @MethodSource("smoothCases")
  void gradientIn32Bits(OpCase operation) {
    assertGradients(operation, Precision.FP32, false, 1e-4);
  }

  @ParameterizedTest
  @MethodSource("smoothCases")
  void gradientInBfloat16(OpCase operation) {
    assertGradients(operation, Precision.BF16, false, 3e-2);
  }

  @ParameterizedTest
  @MethodSource("smoothCases")
  void gradientInBfloat16ThroughProducts(OpCase operation) {
    assertGradients(operation, Precision.BF16, true, 3e-2);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void valueAsOnAGpu(OpCase operation) {
    TorchOptions gpu = TorchOptions.accelerated(TorchOptions.CPU);
    assertValue(operation, gpu.withPrecision(Precision.FP32), false, 1e-5);
    assertValue(operation, gpu, true, 2e-2);
  }

  @ParameterizedTest
  @MethodSource("smoothCases")
  void gradientAsOnAGpu(OpCase operation) {
    TorchOptions gpu = TorchOptions.accelerated(TorchOptions.CPU);
    assertGradients(operation, gpu.withPrecision(Precision.FP32), false, 1e-4);
    assertGradients(operation, gpu, true, 3e-2);
  }

  private static void assertValue(
      OpCase operation, Precision precision, boolean throughProducts, double tolerance) {
    assertValue(operation, TorchOptions.onProcessor(precision), throughProducts, tolerance);
  }

  private static void assertValue(
      OpCase operation, TorchOptions options, boolean throughProducts, double tolerance) {
    try (OpRun run = new OpRun(operation, options, false, throughProducts)) {
      assertClose("value", operation.expectedResult(), run.result(), tolerance);
    }
  }

  private static void assertGradients(
      OpCase operation, Precision precision, boolean throughProducts, double tolerance) {
    assertGradients(operation, TorchOptions.onProcessor(precision), throughProducts, tolerance);
  }

  private static void assertGradients(
      OpCase operation, TorchOptions options, boolean throughProducts, double tolerance) {
    List<Nd> expected = differences(operation);
    try (OpRun run = new OpRun(operation, options, true, throughProducts)) {
      List<Nd> actual = run.gradients();
      for (int i = 0; i < expected.size(); i++) {
        if (expected.get(i) == null) {
          continue;
        }
        if (actual.get(i) == null) {
          double[] zero = new double[expected.get(i).values().length];
          assertArrayEquals(zero, expected.get(i).values(), "no gradient for input " + i);
        } else {
          assertClose("gradient of input " + i, expected.get(i), actual.get(i), tolerance);
        }
      }
    }
  }

  @Test
  void noGradientFlowsThroughDetach() {
    OpCase.In x = OpCase.In.random(50, 5);
    OpCase half = OpCase.of(Op.DETACH, "", x, t -> t.detach().times(t), nd -> nd.map(v -> v * v));
    for (Precision precision : Precision.values()) {
      try (OpRun run = new OpRun(half, precision, true, false)) {
        Nd expected = Nd.of(new int[] {5}, i -> x.values().at(i) * run.weights().at(i));
        assertClose("gradient", expected, run.gradients().get(0), 1e-6);
      }
    }
  }

  @Test
  void onlyProductsRoundToBfloat16() {
    // The next number above 1 that bfloat16 has is 1 + 1/128.
    OpCase.In x = OpCase.In.floats(Nd.list(1 + 1.0 / 1024));
    OpCase.In one = OpCase.In.floats(new Nd(new double[] {1}, 1, 1));
    OpCase product = OpCase.of(Op.LINEAR, "", x, one, (t, w) -> t.linear(w, null), (a, b) -> a);
    OpCase sum = OpCase.of(Op.ADD_SCALAR, "", x, t -> t.plus(1), nd -> nd.map(v -> v + 1));
    assertEquals(1 + 1.0 / 1024, resultOf(product, Precision.FP32));
    assertEquals(1, resultOf(product, Precision.BF16));
    assertEquals(2 + 1.0 / 1024, resultOf(sum, Precision.BF16));
  }

  private static double resultOf(OpCase operation, Precision precision) {
    try (OpRun run = new OpRun(operation, precision, false, false)) {
      return run.result().values()[0];
    }
  }

  /** Central finite differences in 64 bits for each floating-point input; null for the others. */
  private static List<Nd> differences(OpCase operation) {
    try (OpRun run = new OpRun(operation, Precision.FP64, true, false)) {
      // Loads the parameters, so that they can be set.
      run.result();
      List<Nd> gradients = new ArrayList<>();
      for (int i = 0; i < operation.inputs().size(); i++) {
        boolean number = operation.inputs().get(i).type() == DataType.FLOAT;
        gradients.add(number ? differences(run, i) : null);
      }
      return gradients;
    }
  }

  private static Nd differences(OpRun run, int input) {
    Nd at = run.inputs().get(input);
    double[] slopes = new double[at.values().length];
    for (int k = 0; k < slopes.length; k++) {
      double above = run.weightedSum(moved(run, input, k, STEP));
      double below = run.weightedSum(moved(run, input, k, -STEP));
      slopes[k] = (above - below) / (2 * STEP);
    }
    return new Nd(slopes, at.shape());
  }

  private static List<Nd> moved(OpRun run, int input, int element, double by) {
    List<Nd> inputs = new ArrayList<>(run.inputs());
    Nd original = inputs.get(input);
    double[] values = original.values().clone();
    values[element] += by;
    inputs.set(input, new Nd(values, original.shape()));
    return inputs;
  }

  /** Within a part of the largest number. */
  private static void assertClose(String what, Nd expected, Nd actual, double tolerance) {
    assertNotNull(actual, what);
    assertArrayEquals(expected.shape(), actual.shape(), "shape of the " + what);
    double largest = 1;
    for (double value : expected.values()) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < expected.values().length; i++) {
      double a = actual.values()[i];
      double b = expected.values()[i];
      int index = i;
      assertTrue(
          Math.abs(a - b) <= tolerance * largest,
          () -> String.format(Locale.ROOT, "%s [%d]: %.9g, expected %.9g", what, index, a, b));
    }
  }
}
