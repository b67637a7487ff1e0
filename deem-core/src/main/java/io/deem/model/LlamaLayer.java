package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.nn.Linear;
import io.deem.nn.RmsNorm;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One layer of {@link LlamaDecoder}: self-attention, in some layers gated attention to images, and
 * a gated MLP. Each adds to the stream.
 */
final class LlamaLayer {

  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim LENGTH = Dim.symbol("length");
  private static final Dim IMAGES = Dim.symbol("images");

  private static final int IMAGE_HEADS = 16;
  private static final int IMAGE_POINTS = 8;
  private static final int IMAGE_BASE_SIZE = 16;

  /** One more than the images that a token can tell apart by their order. */
  static final int MAX_IMAGES = 50;

  /**
   * What all layers are given beside the stream.
   *
   * @param cos cosines of the positions, [rows, length, head width / 2]
   * @param sin sines of the positions
   * @param mask [batch, 1, length, keys], added to the scores; null lets every token see itself and
   *     all before it
   * @param places of the tokens in caches with room, [length]; null without
   * @param visible which token sees which image, [batch, length, images], or for the next token of
   *     a cache without room [batch, images]; null without images
   */
  record Common(Tensor cos, Tensor sin, Tensor mask, Tensor places, Tensor visible) {}

  /**
   * What a layer is given of earlier tokens.
   *
   * @param keys [batch, key heads, past, head width]
   * @param values [batch, key heads, past, head width]
   */
  record Past(Tensor keys, Tensor values) {}

  /**
   * What a layer computes.
   *
   * @param stream [batch, length, width]
   * @param keys of all tokens
   * @param values of all tokens
   */
  record Outcome(Tensor stream, Tensor keys, Tensor values) {}

  private final LlamaDecoder.Config config;
  private final String prefix;
  private final RmsNorm inputNorm;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear output;
  private final RmsNorm innerNorm;
  private final Linear gate;
  private final Linear up;
  private final Linear down;
  private final ImageAttention imageAttention;
  private final Block imageProjection;

  LlamaLayer(LlamaDecoder.Config config, String prefix, boolean seesImages) {
    this.config = config;
    this.prefix = prefix;
    int width = config.width();
    int keyWidth = config.keyHeads() * config.headWidth();
    inputNorm = RmsNorm.of(prefix + "input_layernorm", width, config.epsilon());
    query = Linear.withoutBias(prefix + "self_attn.q_proj", width, width);
    key = Linear.withoutBias(prefix + "self_attn.k_proj", width, keyWidth);
    value = Linear.withoutBias(prefix + "self_attn.v_proj", width, keyWidth);
    output = Linear.withoutBias(prefix + "self_attn.o_proj", width, width);
    innerNorm = RmsNorm.of(prefix + "post_attention_layernorm", width, config.epsilon());
    gate = Linear.withoutBias(prefix + "mlp.gate_proj", width, config.innerWidth());
    up = Linear.withoutBias(prefix + "mlp.up_proj", width, config.innerWidth());
    down = Linear.withoutBias(prefix + "mlp.down_proj", config.innerWidth(), width);
    imageAttention = seesImages ? new ImageAttention(config, prefix + "llama_cross_attn.") : null;
    imageProjection =
        seesImages
            ? Graph.block(prefix + "images", g -> List.of(projectImages(imageInput(g))))
            : null;
  }

  boolean seesImages() {
    return imageAttention != null;
  }

  /**
   * The shape of projected image features, for [batch, images]; null if the layer looks at none.
   */
  Shape projectedImages() {
    return seesImages() ? imageAttention.projectedShape() : null;
  }

  /**
   * Makes of image features, [batch, images, pixels, image width], what a continued block takes;
   * null if the layer looks at none.
   */
  Block imageProjection() {
    return imageProjection;
  }

  String prefix() {
    return prefix;
  }

  /** Image features, [batch, images, pixels, image width], as an input. */
  Tensor imageInput(Graph g) {
    return g.input("images", Shape.of(BATCH, IMAGES, config.pixels(), config.imageWidth()));
  }

  /** What {@link #apply} takes of image features. */
  Tensor projectImages(Tensor images) {
    return imageAttention.project(images);
  }

  /**
   * Appends the layer to a block.
   *
   * @param past null at the beginning
   * @param projected what the layer looks at, as {@link #projectImages} makes it; null for nothing
   */
  Outcome apply(Tensor x, Common common, Past past, Tensor projected) {
    int depth = config.headWidth();
    Tensor cos = common.cos();
    Tensor sin = common.sin();
    Tensor mask = common.mask();
    boolean roomy = common.places() != null;

    Tensor h = inputNorm.apply(x);
    Tensor q = heads(query.apply(h), config.heads()).rope(cos, sin); // [b, heads, length, depth]
    Tensor k = heads(key.apply(h), config.keyHeads()).rope(cos, sin);
    Tensor v = heads(value.apply(h), config.keyHeads());
    if (roomy) {
      k = past.keys().overwrite(2, common.places(), k);
      v = past.values().overwrite(2, common.places(), v);
    } else if (past != null) {
      k = Tensor.concat(2, past.keys(), k);
      v = Tensor.concat(2, past.values(), v);
    }
    boolean causal = mask == null && past == null;
    double scale = 1 / Math.sqrt(depth);
    Tensor mixed =
        roomy ? q.attentionToCache(k, v, mask, scale) : q.attention(k, v, mask, causal, scale);
    Tensor stream =
        x.plus(output.apply(mixed.transpose(1, 2).reshape(BATCH, LENGTH, config.width())));
    if (projected != null) {
      stream = stream.plus(imageAttention.attend(stream, projected, common.visible()));
    }
    Tensor m = innerNorm.apply(stream);
    stream = stream.plus(down.apply(gate.apply(m).silu().times(up.apply(m))));
    return new Outcome(stream, k, v);
  }

  private Tensor heads(Tensor x, int heads) {
    return x.reshape(BATCH, LENGTH, heads, config.headWidth()).transpose(1, 2);
  }

  /**
   * {@code tanh(gate) * mmfs(norm1(x), norm2(images))}: a gate of 0 leaves a language model as it
   * was.
   */
  private static final class ImageAttention {
    private final RmsNorm streamNorm;
    private final RmsNorm imageNorm;
    private final MultiScaleSynchronizer synchronizer;
    private final Param gate;
    private final LlamaDecoder.Config config;

    ImageAttention(LlamaDecoder.Config config, String prefix) {
      this.config = config;
      streamNorm = RmsNorm.of(prefix + "norm1", config.width(), config.epsilon());
      imageNorm = RmsNorm.of(prefix + "norm2", config.imageWidth(), config.epsilon());
      gate = Param.of(prefix + "gate", 1);
      synchronizer =
          new MultiScaleSynchronizer(
              new MultiScaleSynchronizer.Config(
                  config.width(),
                  config.imageWidth(),
                  config.width(),
                  config.imageWidth(),
                  1,
                  IMAGE_HEADS,
                  IMAGE_POINTS,
                  MAX_IMAGES,
                  IMAGE_BASE_SIZE,
                  config.spatialShapes()),
              prefix + "attn.");
    }

    Shape projectedShape() {
      return Shape.of(
          BATCH.times(IMAGES).times(IMAGE_HEADS),
          config.imageWidth() / IMAGE_HEADS,
          config.pixels());
    }

    Tensor project(Tensor images) {
      return synchronizer.projectValues(imageNorm.apply(images));
    }

    /** Attends around the middle of each image. */
    Tensor attend(Tensor x, Tensor projected, Tensor visible) {
      Tensor middle = x.graph().constant(new float[] {0.5f, 0.5f}, 1, 1, 1, 2);
      List<int[]> sizes =
          config.spatialShapes().stream()
              .map(side -> new int[] {side, side})
              .collect(Collectors.toList());
      Tensor seen = synchronizer.attend(streamNorm.apply(x), middle, projected, sizes, visible);
      return seen.times(x.graph().param(gate).tanh());
    }
  }
}
