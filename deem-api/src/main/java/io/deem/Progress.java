package io.deem;

import java.time.Duration;
import java.util.Map;

/**
 * Where long work stands.
 *
 * @param stage what is being done, for example {@code image-text alignment}
 * @param step steps done
 * @param totalSteps steps in all
 * @param metrics losses and the like, by name, of the step just done
 * @param itemsPerSecond pictures, tokens or steps a second, as the work counts them
 * @param remaining an estimate of the time left
 */
public record Progress(
    String stage,
    long step,
    long totalSteps,
    Map<String, Double> metrics,
    double itemsPerSecond,
    Duration remaining) {

  public Progress {
    metrics = Map.copyOf(metrics);
  }
}
