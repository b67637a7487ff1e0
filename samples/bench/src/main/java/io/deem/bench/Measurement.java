package io.deem.bench;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** One JMH run of one benchmark class with one set of parameters, in a JVM of its own. */
final class Measurement {
  private final Class<?> benchmark;
  private final Request.Effort effort;
  private final Map<String, String> parameters = new TreeMap<>();
  // Large pages, where they are to be had: a limit should not be that of address lookup.
  private final List<String> jvm =
      new ArrayList<>(List.of("-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UseTransparentHugePages"));
  private int threads = 1;

  private Measurement(Class<?> benchmark, Request.Effort effort) {
    this.benchmark = benchmark;
    this.effort = effort;
  }

  static Measurement of(Class<?> benchmark, Request.Effort effort) {
    return new Measurement(benchmark, effort);
  }

  /** Threads that call the benchmark at once. */
  Measurement threads(int count) {
    threads = count;
    return this;
  }

  /** The largest heap, in bytes. */
  Measurement heap(long bytes) {
    jvm.add("-Xmx" + (bytes >> 20) + "m");
    return this;
  }

  /** A system property of the JVM that measures. */
  Measurement property(String name, Object value) {
    jvm.add("-D" + name + "=" + value);
    return this;
  }

  Measurement parameters(Map<String, String> values) {
    parameters.putAll(values);
    return this;
  }

  /** Calls a second, of all threads together, in the best iteration. */
  double bestRate() {
    TimeValue time = TimeValue.milliseconds(effort.milliseconds());
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + benchmark.getName().replace(".", "\\.") + "\\.")
            .verbosity(VerboseMode.SILENT)
            .shouldFailOnError(true)
            .forks(effort.forks())
            .threads(threads)
            .warmupIterations(effort.warmups())
            .warmupTime(time)
            .measurementIterations(effort.iterations())
            .measurementTime(time)
            .jvmArgsAppend(jvm.toArray(String[]::new));
    parameters.forEach(options::param);
    Collection<RunResult> results;
    try {
      results = new Runner(options.build()).run();
    } catch (RunnerException e) {
      throw new IllegalStateException(
          benchmark.getSimpleName()
              + " "
              + parameters
              + " could not be measured: "
              + e.getMessage(),
          e);
    }
    double best = 0;
    for (RunResult result : results) {
      for (BenchmarkResult run : result.getBenchmarkResults()) {
        for (IterationResult iteration : run.getIterationResults()) {
          best = Math.max(best, iteration.getPrimaryResult().getScore());
        }
      }
    }
    return best;
  }
}
