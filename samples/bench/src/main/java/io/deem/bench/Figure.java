package io.deem.bench;

/**
 * One measured number beside the limit that it is up against.
 *
 * @param name what was measured, for example {@code decode}
 * @param shape of what, for example {@code llama-1.1b}; empty where the machine alone is measured
 * @param precision {@code fp32}, {@code bf16}, {@code int8}, {@code int4}; empty where none matters
 * @param threads threads that worked
 * @param value the number
 * @param unit its unit
 * @param limitName what bounds it, the name of another figure of the same run; empty if it is a
 *     limit itself
 * @param limitValue the bound, in {@code unit}
 * @param ratio value / limitValue
 */
public record Figure(
    String name,
    String shape,
    String precision,
    int threads,
    double value,
    String unit,
    String limitName,
    double limitValue,
    double ratio) {

  /** A limit of the machine: its own bound. */
  static Figure limit(String name, String precision, int threads, double value, String unit) {
    return new Figure(name, "", precision, threads, value, unit, "", value, 1);
  }

  /** A figure bounded by a limit of the same unit. */
  static Figure under(
      Figure limit, String name, String shape, String precision, int threads, double value) {
    return new Figure(
        name,
        shape,
        precision,
        threads,
        value,
        limit.unit(),
        limit.name(),
        limit.value(),
        value / limit.value());
  }
}
