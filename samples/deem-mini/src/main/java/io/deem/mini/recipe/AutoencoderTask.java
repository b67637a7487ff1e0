package io.deem.mini.recipe;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.AutoencoderKl;
import io.deem.random.RandomSource;
import io.deem.training.TrainingTask;
import java.util.List;
import java.util.Map;

/**
 * Trains the autoencoder on scenes: the absolute and the squared error of the picture, and a slight
 * pull of the latents to a standard normal distribution.
 */
final class AutoencoderTask implements TrainingTask {

  private static final double KL_WEIGHT = 1e-4;

  private final AutoencoderKl autoencoder;
  private final SceneBatches batches;
  private final Block loss;

  AutoencoderTask(AutoencoderKl autoencoder, SceneBatches batches) {
    this.autoencoder = autoencoder;
    this.batches = batches;
    this.loss = Graph.block("autoencoder loss", this::loss);
  }

  @Override
  public Losses losses(TrainingScope scope, long step, RandomSource random) {
    float[] pixels = centred(batches.batch(step).pixels());
    Value picture = scope.floats(pixels, batches.shape());
    AutoencoderKl.Moments moments = autoencoder.encode(scope, picture);
    long[] shape = moments.mean().shape();
    float[] noise = new float[(int) (shape[0] * shape[1] * shape[2] * shape[3])];
    random.gaussian(noise);
    Value latents =
        autoencoder.sample(scope, moments.mean(), moments.std(), scope.floats(noise, shape));
    Value drawn = autoencoder.decode(scope, latents);
    List<Value> losses = scope.run(loss, picture, drawn, moments.mean(), moments.logvar());
    return new Losses(losses.get(0), Map.of("l1", losses.get(1), "kl", losses.get(2)));
  }

  @Override
  public int itemsPerStep() {
    return batches.size();
  }

  /** Pixels from 0 to 1 brought to -1 to 1. */
  static float[] centred(float[] pixels) {
    float[] result = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      result[i] = 2 * pixels[i] - 1;
    }
    return result;
  }

  private List<Tensor> loss(Graph g) {
    long[] shape = batches.shape();
    int side = (int) shape[2];
    int latentSide = side / autoencoder.stride();
    int channels = autoencoder.config().latentChannels();
    Dim batch = Dim.symbol("batch");
    Tensor picture = g.input("picture", Shape.of(batch, 3, side, side));
    Tensor drawn = g.input("drawn", Shape.of(batch, 3, side, side));
    Tensor mean = g.input("mean", Shape.of(batch, channels, latentSide, latentSide));
    Tensor logvar = g.input("logvar", Shape.of(batch, channels, latentSide, latentSide));
    Tensor difference = drawn.minus(picture);
    Tensor l1 = difference.abs().mean();
    Tensor squared = difference.times(difference).mean();
    // The divergence from a standard normal distribution, a latent.
    Tensor kl = mean.times(mean).plus(logvar.exp()).minus(logvar).minus(1.0).times(0.5).mean();
    return List.of(l1.plus(squared).plus(kl.times(KL_WEIGHT)), l1, kl);
  }
}
