package io.deem.training.evaluation;

import io.deem.Image;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Value;
import io.deem.image.Framing;
import io.deem.image.PixelPlanes;
import io.deem.model.DeemNetwork;

/**
 * What an image encoder makes of a whole picture, in one vector: its class token and the mean of
 * its local tokens, as linear evaluations of vision transformers take them (Oquab et al. 2023).
 */
public final class EncoderFeatures {

  private final Session session;
  private final DeemNetwork network;

  /** Features of a model's encoder; the session stays the caller's. */
  public EncoderFeatures(Session session, DeemNetwork network) {
    this.session = session;
    this.network = network;
  }

  /** The length of {@link #of}: twice the encoder's width. */
  public int width() {
    return 2 * network.eyes().encoder().config().featureWidth();
  }

  /** The features of a picture. */
  public float[] of(Image image) {
    int side = network.config().imageSize();
    float[] pixels = PixelPlanes.of(Framing.SQUASH.apply(image, side));
    try (Scope scope = session.scope()) {
      Value seen = scope.floats(pixels, 1, 3, side, side);
      return of(network.eyes().features(scope, seen).lastHiddenState().floats());
    }
  }

  private float[] of(float[] tokens) {
    int width = network.eyes().encoder().config().featureWidth();
    int locals = tokens.length / width - 1;
    float[] features = new float[width()];
    System.arraycopy(tokens, 0, features, 0, width);
    for (int i = width; i < tokens.length; i++) {
      features[width + i % width] += tokens[i] / locals;
    }
    return features;
  }
}
