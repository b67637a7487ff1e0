package io.deem.lora;

import io.deem.graph.Block;
import io.deem.graph.BlockRewriting;
import io.deem.graph.Op;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * Low-rank adaptation (Hu et al. 2021, "LoRA"): a linear layer {@code x W^T + b} becomes {@code x
 * W^T + b + (alpha / rank) (dropout(x) A^T) B^T}, and only A [rank, in] and B [out, rank] learn.
 *
 * <p>It works on the graph, not in the networks: give it to an engine's session as its {@link
 * BlockRewriting}, and every linear layer of every network whose name is a target is adapted,
 * wherever its weight is a parameter by itself. Embedding tables and parts of a larger weight are
 * not linear layers.
 *
 * <p>The factors of the layer {@code NAME} are the parameters {@code NAME.lora_A} and {@code
 * NAME.lora_B}.
 *
 * <pre>{@code
 * LowRankAdaptation lora = new LowRankAdaptation(16, 16, 0.1, name -> name.endsWith("_proj"));
 * TorchSession session = engine.open(AdaptedWeights.fresh(weights, lora, seed), lora);
 * session.trainable(lora.learnt(false));
 * }</pre>
 *
 * @param rank of the change, at least 1
 * @param alpha the change is multiplied by {@code alpha / rank}
 * @param dropout share of the change's input that is zero in training, from 0 to less than 1
 * @param targets which layers are adapted, by their names without {@code .weight}
 */
public record LowRankAdaptation(int rank, double alpha, double dropout, Predicate<String> targets)
    implements BlockRewriting {

  /** What follows a layer's name in that of its first factor. */
  public static final String A = ".lora_A";

  /** What follows a layer's name in that of its second factor. */
  public static final String B = ".lora_B";

  static final String WEIGHT = ".weight";
  private static final String BIAS = ".bias";

  public LowRankAdaptation {
    Objects.requireNonNull(targets, "targets");
    if (rank < 1) {
      throw new IllegalArgumentException("rank must be at least 1, not " + rank);
    }
    if (!(alpha > 0 && alpha < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("alpha must be positive, not " + alpha);
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout must be from 0 to less than 1, not " + dropout);
    }
  }

  /** What the product of the factors is multiplied by. */
  public double scale() {
    return alpha / rank;
  }

  @Override
  public Block apply(Block block, boolean training) {
    boolean concerned =
        block.nodes().stream().anyMatch(node -> node.op() == Op.LINEAR && layer(node) != null);
    return concerned ? block.rewritten(node -> adapted(node, training)) : block;
  }

  /**
   * Which parameters learn: the factors alone, or also the biases of the adapted layers ({@code
   * lora_only} in the peft library).
   */
  public Predicate<String> learnt(boolean biases) {
    return name -> {
      if (name.endsWith(A) || name.endsWith(B)) {
        return targets.test(name.substring(0, name.length() - A.length()));
      }
      return biases
          && name.endsWith(BIAS)
          && targets.test(name.substring(0, name.length() - BIAS.length()));
    };
  }

  /** The layer whose weight a tensor is, if that layer is adapted; else null. */
  String layer(TensorInfo weight) {
    return weight.shape().length == 2 ? layer(weight.name()) : null;
  }

  /** The layer whose weight is named so, if it is a target; else null. */
  public String layer(String weight) {
    if (!weight.endsWith(WEIGHT)) {
      return null;
    }
    String name = weight.substring(0, weight.length() - WEIGHT.length());
    return targets.test(name) ? name : null;
  }

  private String layer(Tensor linear) {
    Tensor weight = linear.operands().get(1);
    return weight.op() == Op.PARAM
        ? layer(weight.attributes().get("param", Param.class).name())
        : null;
  }

  private Tensor adapted(Tensor node, boolean training) {
    String name = node.op() == Op.LINEAR ? layer(node) : null;
    if (name == null) {
      return node;
    }
    Tensor x = node.operands().get(0);
    long in = x.dim(-1).value();
    long out = node.dim(-1).value();
    Tensor a = node.graph().param(Param.of(name + A, rank, in));
    Tensor b = node.graph().param(Param.of(name + B, out, rank));
    Tensor kept = training ? x.dropout(dropout) : x;
    return node.plus(kept.linear(a, null).linear(b, null).times(scale()));
  }

  /** The extents of a layer's first factor. */
  long[] shapeOfA(TensorSource base, String layer) {
    return new long[] {rank, base.info(layer + WEIGHT).shape()[1]};
  }

  /** The extents of a layer's second factor. */
  long[] shapeOfB(TensorSource base, String layer) {
    return new long[] {base.info(layer + WEIGHT).shape()[0], rank};
  }
}
