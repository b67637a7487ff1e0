package io.deem.bench;

import ai.onnxruntime.OrtException;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Multiplies two square matrices in each call, the second of them weights. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class MatrixProduct {

  /** A product that an engine has prepared. */
  interface Product extends AutoCloseable {
    /** Computes it, all of it. */
    void run() throws OrtException;

    @Override
    void close();
  }

  /** {@code onnxruntime} or {@code libtorch}. */
  @Param("onnxruntime")
  public String engine;

  /** {@code fp32}, and for libtorch {@code bf16}. */
  @Param("fp32")
  public String precision;

  /** Rows and columns. */
  @Param("2048")
  public int side;

  /** Threads of the engine; libtorch takes them from DJL's system property. */
  @Param("1")
  public int threads;

  private Product product;

  /** Makes the matrices. */
  @Setup
  public void prepare() throws OrtException {
    float[] left = random(1);
    float[] right = random(2);
    product =
        engine.equals("libtorch")
            ? new TorchProduct(left, right, side, precision.equals("bf16"))
            : new OrtProduct(left, right, side, threads);
  }

  private float[] random(long seed) {
    Random random = new Random(seed);
    float[] values = new float[side * side];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return values;
  }

  /** Multiplies. */
  @Benchmark
  public void multiply() throws OrtException {
    product.run();
  }

  /** Frees the matrices. */
  @TearDown
  public void close() {
    product.close();
  }
}
