package io.deem.torch;

/**
 * How often training drops elements; see {@link io.deem.graph.Dropped}.
 *
 * @param dropout rate of dropout, from 0 up to but not 1
 * @param stochasticDepth rate of stochastic depth at a network's last block, from 0 up to but not
 *     1; it rises linearly from 0 at the first
 */
public record Regularization(double dropout, double stochasticDepth) {

  /** Nothing is dropped. */
  public static final Regularization NONE = new Regularization(0, 0);

  /** The paper's: 0.1 and 0.1. */
  public static final Regularization PAPER = new Regularization(0.1, 0.1);

  public Regularization {
    require("dropout", dropout);
    require("stochasticDepth", stochasticDepth);
  }

  private static void require(String name, double rate) {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException(name + " must be from 0 to below 1, not " + rate);
    }
  }
}
