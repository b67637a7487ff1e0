package io.deem.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Both 16-bit formats over all their values and over the midpoints between them. */
class HalfPrecisionTest {
  @Test
  void everyBfloat16ComesBack() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float value = HalfPrecision.fromBfloat16((short) bits);
      if (!Float.isNaN(value)) {
        assertEquals((short) bits, HalfPrecision.toBfloat16(value));
      } else {
        assertTrue(Float.isNaN(HalfPrecision.fromBfloat16(HalfPrecision.toBfloat16(value))));
      }
    }
  }

  @Test
  void everyFloat16ComesBack() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float value = HalfPrecision.fromFloat16((short) bits);
      if (!Float.isNaN(value)) {
        assertEquals((short) bits, HalfPrecision.toFloat16(value), () -> "value " + value);
      } else {
        assertTrue(Float.isNaN(HalfPrecision.fromFloat16(HalfPrecision.toFloat16(value))));
      }
    }
  }

  @Test
  void float16KnownValues() {
    assertEquals(1f, HalfPrecision.fromFloat16((short) 0x3c00));
    assertEquals(-2f, HalfPrecision.fromFloat16((short) 0xc000));
    assertEquals(65504f, HalfPrecision.fromFloat16((short) 0x7bff));
    assertEquals(0x1p-24f, HalfPrecision.fromFloat16((short) 1));
    assertEquals(0x1p-14f, HalfPrecision.fromFloat16((short) 0x0400));
    assertEquals((short) 0x7c00, HalfPrecision.toFloat16(65520f));
    assertEquals((short) 0x7bff, HalfPrecision.toFloat16(65519.996f));
    assertEquals((short) 0, HalfPrecision.toFloat16(0x1p-25f));
    assertEquals((short) 1, HalfPrecision.toFloat16(Math.nextUp(0x1p-25f)));
    assertEquals((short) 0x8000, HalfPrecision.toFloat16(-1e-30f));
  }

  @Test
  void midpointsGoToEvenAndTheirNeighboursToTheNearer() {
    for (int bits = 0; bits < 0x7bff; bits++) {
      float low = HalfPrecision.fromFloat16((short) bits);
      float high = HalfPrecision.fromFloat16((short) (bits + 1));
      float middle = (low + high) / 2;
      int even = (bits & 1) == 0 ? bits : bits + 1;
      assertEquals((short) even, HalfPrecision.toFloat16(middle));
      assertEquals((short) bits, HalfPrecision.toFloat16(Math.nextDown(middle)));
      assertEquals((short) (bits + 1), HalfPrecision.toFloat16(Math.nextUp(middle)));
      assertEquals((short) (even | 0x8000), HalfPrecision.toFloat16(-middle));
    }
    for (int bits = 1; bits < 0x7f7f; bits++) {
      float middle = Float.intBitsToFloat(bits << 16 | 0x8000);
      int even = (bits & 1) == 0 ? bits : bits + 1;
      assertEquals((short) even, HalfPrecision.toBfloat16(middle));
      assertEquals((short) bits, HalfPrecision.toBfloat16(Math.nextDown(middle)));
      assertEquals((short) (bits + 1), HalfPrecision.toBfloat16(Math.nextUp(middle)));
    }
    assertEquals((short) 0x7f80, HalfPrecision.toBfloat16(Float.MAX_VALUE));
  }
}
