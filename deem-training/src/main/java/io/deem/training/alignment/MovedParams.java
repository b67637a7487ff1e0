package io.deem.training.alignment;

import io.deem.graph.Param;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelPart;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** Which of a model's parameters an alignment may move. */
final class MovedParams {

  private MovedParams() {}

  /** The image encoder and what makes its maps equally wide. */
  static List<Param> encoder(DeemNetwork network) {
    return network.eyes().params().stream()
        .filter(
            param ->
                switch (ModelPart.of(param.name())) {
                  case IMAGE_ENCODER, ENCODER_ADAPTER -> reached(param.name());
                  default -> false;
                })
        .toList();
  }

  /** The encoder, the resampler and what joins them to the condition of the diffusion model. */
  static List<Param> eyes(DeemNetwork network) {
    return network.eyes().params().stream()
        .filter(
            param ->
                switch (ModelPart.of(param.name())) {
                  case IMAGE_ENCODER, ENCODER_ADAPTER, VISUAL_RESAMPLER, VISUAL_TOKENIZER ->
                      reached(param.name());
                  default -> false;
                })
        .toList();
  }

  /** Whether a parameter has one of these names. */
  static Predicate<String> names(List<Param> params) {
    Set<String> names = new HashSet<>();
    params.forEach(param -> names.add(param.name()));
    return names::contains;
  }

  /**
   * The tables of positions never learn; CLIP's own head and the projection to the language model
   * are on no way from the image to the diffusion model.
   */
  private static boolean reached(String name) {
    return !name.endsWith("pos_embed")
        && !name.contains(".visual.head.")
        && !name.contains(".proj_t.");
  }
}
