package io.deem;

import java.util.Map;

/**
 * What an open model is.
 *
 * @param name for example {@code deem-mini}
 * @param imageSize side of the square that pictures are resized to, in pixels
 * @param runtime the engine that runs it
 * @param parameters the number of weights of each part
 * @param provenance where it comes from: data, seed, versions, parent
 */
public record ModelInfo(
    String name,
    int imageSize,
    String runtime,
    Map<String, Long> parameters,
    Map<String, String> provenance) {

  public ModelInfo {
    parameters = Map.copyOf(parameters);
    provenance = Map.copyOf(provenance);
  }
}
