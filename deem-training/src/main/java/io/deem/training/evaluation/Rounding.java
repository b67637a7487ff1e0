package io.deem.training.evaluation;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** Rounds as Python does: the exact binary value, halves to even. */
final class Rounding {

  private Rounding() {}

  static double twoPlaces(double value) {
    return new BigDecimal(value).setScale(2, RoundingMode.HALF_EVEN).doubleValue();
  }
}
