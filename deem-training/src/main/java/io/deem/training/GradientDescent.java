package io.deem.training;

import io.deem.torch.MomentumScript;
import io.deem.torch.OptimizerScript;
import io.deem.torch.TorchSession;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorSource;
import java.util.List;

/**
 * Stochastic gradient descent with momentum (PyTorch's {@code SGD}), without weight decay,
 * dampening or Nesterov's correction: {@code m = momentum * m + gradient; p = p - rate * m}.
 */
public final class GradientDescent implements Optimizer {

  /**
   * The constants.
   *
   * @param learningRate of every parameter
   * @param momentum from 0 to less than 1
   * @param maxNorm gradients are scaled down to this global norm; 0 for no clipping
   */
  public record Config(double learningRate, double momentum, double maxNorm) {

    /** DIVA's: 1e-4 and 0.9, no clipping. */
    public static final Config DIVA = new Config(1e-4, 0.9, 0);

    public Config {
      if (!(learningRate > 0 && learningRate < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("learningRate must be positive, not " + learningRate);
      }
      if (!(momentum >= 0 && momentum < 1)) {
        throw new IllegalArgumentException(
            "momentum must be from 0 to less than 1, not " + momentum);
      }
    }
  }

  private final TorchSession session;
  private final Config config;
  private final OptimizerScript gradients;
  private final MomentumScript script;
  private long step;

  /** An optimiser for the parameters of a session that learn. */
  public GradientDescent(TorchSession session, Config config) {
    this.session = session;
    this.config = config;
    this.gradients = new OptimizerScript(session);
    this.script = new MomentumScript(session);
  }

  @Override
  public long steps() {
    return step;
  }

  @Override
  public double step(double rateFactor) {
    List<String> names = gradients.namesWithGradient();
    double norm = gradients.globalNorm(names);
    if (!Double.isFinite(norm)) {
      session.clearGradients();
      return norm;
    }
    step++;
    double clip = config.maxNorm > 0 ? Math.min(1, config.maxNorm / (norm + 1e-6)) : 1;
    if (!names.isEmpty()) {
      script.update(names, config.learningRate * rateFactor, config.momentum, clip);
    }
    return norm;
  }

  @Override
  public void write(SafetensorsWriter into) {
    script.write(into);
  }

  @Override
  public void restore(TensorSource moments, long steps) {
    script.restore(moments);
    step = steps;
  }

  @Override
  public void close() {
    gradients.close();
    script.close();
  }
}
