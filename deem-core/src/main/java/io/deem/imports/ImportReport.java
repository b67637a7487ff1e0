package io.deem.imports;

import io.deem.model.ModelPart;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What became of every tensor.
 *
 * @param used the model's parameters that come from a checkpoint
 * @param missing those that no checkpoint has, which start as new modules do
 * @param leftOver the checkpoints' tensors that the model has no use for
 */
public record ImportReport(List<Used> used, List<Missing> missing, List<LeftOver> leftOver) {

  /**
   * A parameter that comes from a checkpoint.
   *
   * @param parameter its name in the model
   * @param tensor its name there
   * @param file the file that holds it
   * @param elements how many numbers come from there
   */
  public record Used(String parameter, String tensor, String file, long elements) {}

  /** A parameter that no checkpoint has, and how many numbers it is. */
  public record Missing(String parameter, long elements) {}

  /**
   * A tensor without a place.
   *
   * @param superseded whether it has one, but another checkpoint's was taken
   */
  public record LeftOver(String tensor, String file, boolean superseded) {}

  /** Tensors and numbers of a part. */
  public record PartCount(
      int usedTensors, long usedElements, int missingTensors, long missingElements) {

    private PartCount plus(PartCount other) {
      return new PartCount(
          usedTensors + other.usedTensors,
          usedElements + other.usedElements,
          missingTensors + other.missingTensors,
          missingElements + other.missingElements);
    }
  }

  public ImportReport {
    used = List.copyOf(used);
    missing = List.copyOf(missing);
    leftOver = List.copyOf(leftOver);
  }

  /** The same, by part of the model. */
  public Map<ModelPart, PartCount> byPart() {
    Map<ModelPart, PartCount> parts = new EnumMap<>(ModelPart.class);
    for (Used each : used) {
      PartCount one = new PartCount(1, each.elements, 0, 0);
      parts.merge(ModelPart.of(each.parameter), one, PartCount::plus);
    }
    for (Missing each : missing) {
      PartCount one = new PartCount(0, 0, 1, each.elements);
      parts.merge(ModelPart.of(each.parameter), one, PartCount::plus);
    }
    return parts;
  }
}
