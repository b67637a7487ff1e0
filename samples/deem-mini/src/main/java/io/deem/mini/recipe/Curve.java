package io.deem.mini.recipe;

import io.deem.Progress;
import io.deem.ProgressListener;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;

/** Keeps the losses of the last steps. */
final class Curve implements ProgressListener {

  private static final int KEPT = 24;

  private final Deque<Map<String, Double>> last = new ArrayDeque<>();

  @Override
  public void onProgress(Progress progress) {
    last.addLast(Map.copyOf(progress.metrics()));
    if (last.size() > KEPT) {
      last.removeFirst();
    }
  }

  /** The mean of each loss over the last steps that had it. */
  Map<String, Double> end() {
    Map<String, Double> sums = new TreeMap<>();
    Map<String, Integer> counts = new TreeMap<>();
    for (Map<String, Double> metrics : last) {
      metrics.forEach(
          (name, value) -> {
            sums.merge(name, value, Double::sum);
            counts.merge(name, 1, Integer::sum);
          });
    }
    sums.replaceAll((name, sum) -> Math.round(1e4 * sum / counts.get(name)) / 1e4);
    return sums;
  }
}
