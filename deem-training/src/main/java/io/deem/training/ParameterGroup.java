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

  /**
   * The paper's first stage: small steps for where attention looks and for the pretrained image
   * encoder, no decay for gates and offsets.
   */
  public static final List<ParameterGroup> PRETRAINING =
      List.of(
          new ParameterGroup("llama_cross_attn.gate", 1e-4, 0),
          new ParameterGroup("sampling_offsets", 1e-5, 0),
          new ParameterGroup("sniffer.vision_model.visual", 2e-5, 0.05),
          new ParameterGroup("", 1e-4, 0.05));

  /** The group that decides for a parameter. */
  public static ParameterGroup of(List<ParameterGroup> groups, String name) {
    return groups.stream()
        .filter(group -> name.contains(group.pattern))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no parameter group fits " + name));
  }
}
