package io.deem.bench;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Reads memory of the thread's own once, from end to end, in each call. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class ReadBandwidth {

  /**
   * {@code compare}: two halves, with the widest loads that the JVM has for comparing arrays.
   * {@code streams}: one load for each line of the cache, from four places at once, which keeps
   * more prefetchers busy.
   */
  static final List<String> WAYS = List.of("compare", "streams");

  private static final int LONGS_OF_A_LINE = 8;

  /** How much is read. */
  @Param("67108864")
  public long bytes;

  /** One of {@link #WAYS}. */
  @Param("compare")
  public String way;

  private long[] upper;
  private long[] lower;

  /** Writes the memory once, so that it is there. */
  @Setup
  public void fill() {
    int half = Math.toIntExact(bytes / 2 / Long.BYTES);
    upper = new long[half];
    lower = new long[half];
    Arrays.fill(upper, 7);
    Arrays.fill(lower, 7);
  }

  /** Reads it. */
  @Benchmark
  public long read() {
    return way.equals("compare") ? Arrays.mismatch(upper, lower) : streams(upper) + streams(lower);
  }

  private static long streams(long[] longs) {
    int quarter = longs.length / 4;
    long sum = 0;
    for (int i = 0; i < quarter; i += LONGS_OF_A_LINE) {
      sum += longs[i] + longs[i + quarter] + longs[i + 2 * quarter] + longs[i + 3 * quarter];
    }
    return sum;
  }
}
