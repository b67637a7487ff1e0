package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.ProgressListener;
import io.deem.torch.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Measures how fast a stage trains in 32 bits and in bfloat16, and how much memory it holds. */
final class SpeedStage implements Stage {

  private static final long STEPS = 12;
  private static final Path STATUS = Path.of("/proc/self/status");

  private final DeemStage measured;

  SpeedStage(DeemStage measured) {
    this.measured = measured;
  }

  @Override
  public String name() {
    return "speed";
  }

  @Override
  public void run(ProgressListener listener, Cancellation cancellation) throws IOException {
    for (Precision precision : new Precision[] {Precision.FP32, Precision.BF16}) {
      long[] half = new long[1];
      measured.rehearse(
          precision,
          STEPS,
          progress -> {
            if (progress.step() == STEPS / 2) {
              half[0] = System.nanoTime();
            }
          });
      // The first half warms up: it compiles the scripts and fills the pools.
      double stepsPerSecond = (STEPS - STEPS / 2) / ((System.nanoTime() - half[0]) / 1e9);
      System.out.println(
          String.format(
              Locale.ROOT,
              "%s %s: %.2f steps/s, %.1f samples/s, %s resident",
              measured.name(),
              precision,
              stepsPerSecond,
              stepsPerSecond * measured.samplesPerStep(),
              resident()));
    }
  }

  private static String resident() throws IOException {
    if (!Files.exists(STATUS)) {
      return "unknown memory";
    }
    return Files.readAllLines(STATUS).stream()
        .filter(line -> line.startsWith("VmRSS"))
        .map(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024 + " MiB")
        .findFirst()
        .orElse("unknown memory");
  }
}
