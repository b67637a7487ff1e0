package io.deem.training;

import java.util.List;

/**
 * The learning rate and weight decay of the parameters whose name contains a text. Of several
 * groups the first that fits decides; the last one should fit all.
 *
 * @param pattern what the name must contain; empty fits every name
 * @param learningRate before warm-up and decay
 * @param weightDecay for parameters that decay at all; biases and layer norms never do
 */
public record ParameterGroup(String pattern, double learningRate, double weightDecay) {

  /** The group that decides for a parameter. */
  static ParameterGroup of(List<ParameterGroup> groups, String name) {
    return groups.stream()
        .filter(group -> name.contains(group.pattern))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no parameter group fits " + name));
  }
}
