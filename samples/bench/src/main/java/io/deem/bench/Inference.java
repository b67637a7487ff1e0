package io.deem.bench;

import java.io.IOException;
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

/** Does a {@link Workload} once in each call. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class Inference {

  /** The subject's name. */
  @Param("decode")
  public String subject;

  /** A named shape or a model folder. */
  @Param("llama-1.1b")
  public String shape;

  /** {@code fp32}, {@code int8} or {@code int4}. */
  @Param("int4")
  public String precision;

  /** Tokens of a prompt. */
  @Param("64")
  public int prompt;

  /** Threads of the engine. */
  @Param("1")
  public int threads;

  private Workload workload;

  /** Opens what is measured. */
  @Setup
  public void open() throws IOException {
    workload = Workloads.open(subject, Shape.of(shape), precision, prompt, threads);
  }

  /** Runs it. */
  @Benchmark
  public void infer() {
    workload.run();
  }

  /** Closes it. */
  @TearDown
  public void close() {
    workload.close();
  }
}
