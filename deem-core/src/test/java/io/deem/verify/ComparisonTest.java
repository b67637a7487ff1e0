package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.verify.Comparison.Contents;
import org.junit.jupiter.api.Test;

class ComparisonTest {

  private static final float INFINITY = Float.POSITIVE_INFINITY;

  @Test
  void theToleranceIsAbsolutePlusRelative() {
    assertTrue(compare(floats(10f), floats(10.0100f)).ok());
    assertFalse(compare(floats(10f), floats(10.0102f)).ok());
    assertTrue(compare(floats(0f), floats(0.000099f)).ok());
    assertFalse(compare(floats(0f), floats(0.000101f)).ok());
    Comparison narrow =
        Comparison.ofFloats(
            "x", "java", Tolerance.OUTPUT.times(0.5), floats(10f), floats(10.006f), i -> true);
    assertFalse(narrow.ok());
  }

  @Test
  void differencesAreReported() {
    Comparison comparison = compare(floats(2f, -4f, 0f), floats(2.5f, -4f, 0f));
    assertEquals(0.5, comparison.maxAbs(), 1e-9);
    assertEquals(0.25, comparison.maxRel(), 1e-9);
    assertEquals(
        "x java 0.500 0.250 FAIL (1 of 3; first at 0: 2.5, expected 2.0)", comparison.line());
  }

  @Test
  void nanNeverPasses() {
    assertFalse(compare(floats(Float.NaN), floats(Float.NaN)).ok());
    assertFalse(compare(floats(1f), floats(Float.NaN)).ok());
    assertFalse(compare(floats(Float.NaN), floats(1f)).ok());
    assertTrue(Double.isNaN(compare(floats(1f, 1f), floats(Float.NaN, 1f)).maxAbs()));
  }

  @Test
  void infinitiesMustBeEqual() {
    assertTrue(compare(floats(INFINITY), floats(INFINITY)).ok());
    assertFalse(compare(floats(INFINITY), floats(-INFINITY)).ok());
    assertFalse(compare(floats(INFINITY), floats(1f)).ok());
    assertFalse(compare(floats(1f), floats(INFINITY)).ok());
  }

  @Test
  void shapesMustMatch() {
    Contents<float[]> row = new Contents<>(new float[6], 2, 3);
    assertFalse(compare(row, new Contents<>(new float[6], 3, 2)).ok());
    assertFalse(compare(row, new Contents<>(new float[5], 2, 3)).ok());
    assertTrue(compare(row, new Contents<>(new float[6], 2, 3)).ok());
  }

  @Test
  void elementsThatDoNotCountMayDiffer() {
    Comparison comparison =
        Comparison.ofFloats(
            "x", "java", Tolerance.OUTPUT, floats(1f, 2f), floats(1f, 9f), i -> i == 0);
    assertTrue(comparison.ok());
    assertEquals(0, comparison.maxAbs());
  }

  @Test
  void integersMustBeEqual() {
    Contents<long[]> expected = new Contents<>(new long[] {1, 2}, 2);
    assertTrue(Comparison.ofLongs("x", "java", expected, expected).ok());
    Comparison wrong =
        Comparison.ofLongs("x", "java", expected, new Contents<>(new long[] {1, 3}, 2));
    assertFalse(wrong.ok());
    assertEquals("x java 1.00 0.500 FAIL (first at 1: 3, expected 2)", wrong.line());
    assertFalse(
        Comparison.ofLongs("x", "java", expected, new Contents<>(new long[] {1, 2}, 2, 1)).ok());
  }

  private static Comparison compare(Contents<float[]> expected, Contents<float[]> actual) {
    return Comparison.ofFloats("x", "java", Tolerance.OUTPUT, expected, actual, i -> true);
  }

  private static Contents<float[]> floats(float... values) {
    return new Contents<>(values, values.length);
  }
}
