package io.deem.bench;

import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.model.ImageEncoder;
import io.deem.model.UNet;
import io.deem.onnx.LinearWeights;
import io.deem.onnx.OnnxEngine;
import io.deem.ort.OnnxSession;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** A network with random weights sees a picture, or takes a step in drawing one. */
final class PictureWorkload implements Workload {

  /** Pixels on the side of what a latent stands for. */
  private static final int LATENT = 8;

  /** Tokens of a condition. */
  private static final int CONDITION = 77;

  private final RandomModel model;
  private final OnnxSession session;
  private final Consumer<Scope> work;

  private PictureWorkload(String shape, int threads, List<Param> params, Consumer<Scope> work)
      throws IOException {
    this.work = work;
    model =
        RandomModel.open(
            RandomModel.cache().resolve(shape + "-fp32.safetensors"), params, List.of(), null);
    session = new OnnxEngine(threads).open(model.weights(), LinearWeights.AS_THEY_ARE);
    run();
  }

  /** An encoder and a picture. */
  static Workload encode(String shape, ImageEncoder.Config config, int side, int threads)
      throws IOException {
    ImageEncoder encoder = config.network("sniffer.");
    float[] pixels = new float[3 * side * side];
    Arrays.fill(pixels, 0.5f);
    return new PictureWorkload(
        shape,
        threads,
        encoder.params(),
        scope -> {
          Value picture = scope.floats(pixels, 1, 3, side, side);
          encoder.forward(scope, picture).lastHiddenState().floats();
        });
  }

  /** A denoiser and a noisy picture. */
  static Workload imagine(String shape, UNet.Config config, int side, int threads)
      throws IOException {
    UNet denoiser = new UNet(config, "unet.");
    int latent = side / LATENT;
    float[] noise = new float[config.inChannels() * latent * latent];
    Arrays.fill(noise, 0.5f);
    float[] condition = new float[CONDITION * config.crossAttentionDim()];
    return new PictureWorkload(
        shape,
        threads,
        denoiser.params(),
        scope ->
            denoiser
                .forward(
                    scope,
                    scope.floats(noise, 1, config.inChannels(), latent, latent),
                    scope.longs(new long[] {500}, 1),
                    scope.floats(condition, 1, CONDITION, config.crossAttentionDim()))
                .sample()
                .floats());
  }

  @Override
  public void run() {
    try (Scope scope = session.scope()) {
      work.accept(scope);
    }
  }

  @Override
  public long nativeNanos() {
    return session.nativeNanos();
  }

  @Override
  public double units() {
    return 1;
  }

  @Override
  public double cost() {
    return 0;
  }

  @Override
  public void close() {
    session.close();
    model.close();
  }
}
