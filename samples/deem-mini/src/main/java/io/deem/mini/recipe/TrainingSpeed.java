package io.deem.mini.recipe;

import io.deem.model.DeemConfig;
import io.deem.torch.Precision;
import io.deem.training.TrainingProfile;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;

/**
 * Measures how fast the first stage trains, on deem-mini's shape and on one of about 100 million
 * parameters, in 32 bits and in bfloat16.
 *
 * <pre>{@code TrainingSpeed [mini|100m [fp32|bf16 [ROWS [STEPS]]]]}</pre>
 */
public final class TrainingSpeed {

  private TrainingSpeed() {}

  /** Measures and prints. */
  public static void main(String[] args) throws IOException {
    int rows = args.length > 2 ? Integer.parseInt(args[2]) : 4;
    int steps = args.length > 3 ? Integer.parseInt(args[3]) : 8;
    TrainingProfile.Load load = new TrainingProfile.Load(rows, 48, 2, steps);
    for (String shape : new String[] {"mini", "100m"}) {
      for (Precision precision : new Precision[] {Precision.FP32, Precision.BF16}) {
        String name = precision.name().toLowerCase(Locale.ROOT);
        if ((args.length < 1 || args[0].equals(shape))
            && (args.length < 2 || args[1].equals(name))) {
          DeemConfig config =
              shape.equals("mini") ? MiniArchitecture.config() : TrainingProfile.hundredMillion();
          print(shape, TrainingProfile.measure(config, precision, load));
        }
      }
    }
  }

  private static void print(String shape, TrainingProfile.Result result) {
    System.out.printf(
        Locale.ROOT,
        "%s %s: %.1f M parameters, %.1f M learn; %.3f steps/s, %.1f GFLOP a step, %.1f GFLOP/s,"
            + " %.0f %% of %.1f; peak %d MiB%n",
        shape,
        result.precision(),
        result.parameters() / 1e6,
        result.trainable() / 1e6,
        result.stepsPerSecond(),
        result.gflopPerStep(),
        result.gflopPerSecond(),
        100 * result.gflopPerSecond() / result.peakGflopPerSecond(),
        result.peakGflopPerSecond(),
        result.peakResidentBytes() >> 20);
    double all = result.parts().values().stream().mapToDouble(TrainingProfile.Share::seconds).sum();
    for (Map.Entry<TrainingProfile.Part, TrainingProfile.Share> part : result.parts().entrySet()) {
      TrainingProfile.Share share = part.getValue();
      System.out.printf(
          Locale.ROOT,
          "  %-16s %8.1f ms %5.1f %%  %8.2f GFLOP %7.1f GFLOP/s%n",
          part.getKey().name().toLowerCase(Locale.ROOT).replace('_', ' '),
          1000 * share.seconds(),
          100 * share.seconds() / all,
          share.gflop(),
          share.gflop() / share.seconds());
    }
  }
}
