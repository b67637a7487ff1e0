package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.nn.Linear;
import io.deem.nn.RmsNorm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One layer of {@link LlamaDecoder}: self-attention, in some layers gated attention to images, and
 * a gated MLP. Each adds to the stream.
 */
final class LlamaLayer {

  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim LENGTH = Dim.symbol("length");
  private static final Dim PAST = Dim.symbol("past");
  private static final Dim IMAGES = Dim.symbol("images");

  /** Extent of tables that are either the batch's or shared by all its rows. */
  private static final Dim ROWS = Dim.symbol("rows");

  private static final int IMAGE_HEADS = 16;
  private static final int IMAGE_POINTS = 8;
  private static final int IMAGE_BASE_SIZE = 16;
  private static final int MAX_IMAGES = 50;

  /**
   * What a block of this layer is given and returns.
   *
   * @param masked it is given a mask, which is added to the scores
   * @param continued it is given the keys and values of earlier tokens
   * @param roomy those have room, in which it writes its own; it is given the places too
   * @param kept it returns keys and values, and the projected images if there are any
   * @param images it is given images: features, or if continued what an earlier block made of them;
   *     and which token sees which, or if continued without room, which all of them see
   */
  record Form(boolean masked, boolean continued, boolean roomy, boolean kept, boolean images) {}

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
  private final Map<Form, Block> blocks = new ConcurrentHashMap<>();

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
            ? Graph.block(
                prefix + "images",
                g ->
                    List.of(
                        imageAttention.project(
                            g.input(
                                "images",
                                Shape.of(BATCH, IMAGES, config.pixels(), config.imageWidth())))))
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

  Block block(Form form) {
    return blocks.computeIfAbsent(form, f -> Graph.block(prefix + "forward", g -> build(g, f)));
  }

  /**
   * Makes of image features, [batch, images, pixels, image width], what a continued block takes;
   * null if the layer looks at none.
   */
  Block imageProjection() {
    return imageProjection;
  }

  List<Param> params() {
    return plain().params();
  }

  List<Param> matrices() {
    return plain().matrices();
  }

  private Block plain() {
    return block(new Form(false, false, false, false, seesImages()));
  }

  private List<Tensor> build(Graph g, Form form) {
    int depth = config.headWidth();
    Tensor x = g.input("stream", Shape.of(BATCH, LENGTH, config.width()));
    Tensor cos = g.input("cos", Shape.of(ROWS, LENGTH, depth / 2));
    Tensor sin = g.input("sin", Shape.of(ROWS, LENGTH, depth / 2));
    Dim keys = form.roomy ? PAST : form.continued ? PAST.plus(LENGTH) : LENGTH;
    Tensor mask = form.masked ? g.input("mask", Shape.of(BATCH, 1, LENGTH, keys)) : null;

    Tensor h = inputNorm.apply(x);
    Tensor q = heads(query.apply(h), config.heads()).rope(cos, sin); // [b, heads, length, depth]
    Tensor k = heads(key.apply(h), config.keyHeads()).rope(cos, sin);
    Tensor v = heads(value.apply(h), config.keyHeads());
    if (form.continued) {
      Shape past = Shape.of(BATCH, config.keyHeads(), PAST, depth);
      Tensor pastKeys = g.input("past keys", past);
      Tensor pastValues = g.input("past values", past);
      if (form.roomy) {
        Tensor places = g.input("places", Shape.of(LENGTH), DataType.INT64);
        k = pastKeys.overwrite(2, places, k);
        v = pastValues.overwrite(2, places, v);
      } else {
        k = Tensor.concat(2, pastKeys, k);
        v = Tensor.concat(2, pastValues, v);
      }
    }
    boolean causal = mask == null && !form.continued;
    double scale = 1 / Math.sqrt(depth);
    Tensor mixed =
        form.roomy ? q.attentionToCache(k, v, mask, scale) : q.attention(k, v, mask, causal, scale);
    x = x.plus(output.apply(mixed.transpose(1, 2).reshape(BATCH, LENGTH, config.width())));

    List<Tensor> results = new ArrayList<>();
    if (form.kept) {
      results.addAll(List.of(k, v));
    }
    if (form.images) {
      Tensor projected =
          form.continued
              ? g.input("projected images", imageAttention.projectedShape())
              : imageAttention.project(
                  g.input("images", Shape.of(BATCH, IMAGES, config.pixels(), config.imageWidth())));
      Tensor visible =
          g.input(
              "visible images",
              form.continued && !form.roomy
                  ? Shape.of(BATCH, IMAGES)
                  : Shape.of(BATCH, LENGTH, IMAGES));
      x = x.plus(imageAttention.attend(x, projected, visible));
      if (form.kept && !form.continued) {
        results.add(projected);
      }
    }
    Tensor m = innerNorm.apply(x);
    x = x.plus(down.apply(gate.apply(m).silu().times(up.apply(m))));
    results.add(0, x);
    return results;
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
          config.spatialShapes().stream().map(side -> new int[] {side, side}).toList();
      Tensor seen = synchronizer.attend(streamNorm.apply(x), middle, projected, sizes, visible);
      return seen.times(x.graph().param(gate).tanh());
    }
  }
}
