package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.ShapeException;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.Conv2d;
import io.deem.nn.LayerNorm;
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * DEEM's image encoder: a ConvNeXt (Liu et al. 2022) whose four stages are each projected to one
 * width, so that language model and diffusion model can read its maps at strides 4, 8, 16 and 32.
 *
 * <p>The CLIP projection {@code visual.head.*} of open_clip checkpoints is among the parameters,
 * but only {@link #clipEmbed} computes it; DEEM's own losses never reach it.
 */
public final class ConvNextEncoder implements ImageEncoder {

  private static final int STAGES = 4;
  private static final int STEM_STRIDE = 4;
  private static final int HEAD_STAGE = 3;

  /** The least side of an image: a pixel of the coarsest map. */
  private static final int SMALLEST = 32;

  /** The stage whose map, at stride 16, gives the tokens of the last hidden state. */
  private static final int TOKEN_STAGE = 2;

  /**
   * Sizes.
   *
   * @param depths the blocks of each of the four stages
   * @param dims the channels of each of the four stages
   * @param kernel the width of the depthwise kernels, odd
   * @param layerScale whether each block's branch is multiplied by a learnt {@code gamma}
   * @param adapterDim the width of the maps and tokens that the encoder returns
   * @param embedDim the width of the CLIP embedding; 0 for a checkpoint without that head
   * @param normEps added to variances
   */
  public record Config(
      List<Integer> depths,
      List<Integer> dims,
      int kernel,
      boolean layerScale,
      int adapterDim,
      int embedDim,
      double normEps)
      implements ImageEncoder.Config {

    /** ConvNeXt-base with its CLIP head and DEEM's adapter, as in the published model. */
    public static final Config BASE =
        new Config(List.of(3, 3, 27, 3), List.of(128, 256, 512, 1024), 7, true, 1024, 640, 1e-6);

    public Config {
      depths = List.copyOf(depths);
      dims = List.copyOf(dims);
      if (depths.size() != STAGES || dims.size() != STAGES) {
        throw new IllegalArgumentException(
            "a ConvNeXt has 4 stages, got depths " + depths + " and dims " + dims);
      }
      if (kernel % 2 == 0) {
        throw new IllegalArgumentException("the kernel must be odd, got " + kernel);
      }
    }

    @Override
    public int featureWidth() {
      return adapterDim;
    }

    @Override
    public String title() {
      return String.format("ConvNeXt, blocks %s, channels %s", dashed(depths), dashed(dims));
    }

    private static String dashed(List<Integer> sizes) {
      return sizes.stream().map(String::valueOf).collect(Collectors.joining("-"));
    }

    /** Any that its four strides leave something of. */
    @Override
    public boolean sees(int imageSize) {
      return imageSize >= SMALLEST;
    }

    @Override
    public ConvNextEncoder network(String prefix) {
      return new ConvNextEncoder(this, prefix);
    }
  }

  /**
   * What the encoder sees in a batch of images.
   *
   * @param lastHiddenState [batch, 1 + h16 * w16, adapterDim]: the class token, then the map at
   *     stride 16 row by row
   * @param pooled [batch, adapterDim], the class token
   * @param maps four maps [batch, adapterDim, h, w] at strides 4, 8, 16 and 32
   * @param stem [batch, dims 0, h, w] at stride 4, before the first stage; null if made of {@link
   *     #trunk}
   * @param stages what each stage returns, [batch, dims i, h, w], before the projection
   * @param trunkHead [batch, dims 3], the normalised average of the last stage
   */
  public record Features(
      Value lastHiddenState,
      Value pooled,
      List<Value> maps,
      Value stem,
      List<Value> stages,
      Value trunkHead)
      implements ImageEncoder.Features {}

  private record Size(int height, int width) {}

  private record Blocks(Block stem, List<Block> stages, List<Block> adapters, Block head) {}

  private final Config config;
  private final String model;
  private final Block clipHead;
  private final Map<Size, Blocks> bySize = new ConcurrentHashMap<>();

  /**
   * The network.
   *
   * @param prefix what precedes {@code vision_model.} in its checkpoint names: empty, or for
   *     example {@code visual_tokenizer.sniffer.}
   */
  public ConvNextEncoder(Config config, String prefix) {
    this.config = config;
    this.model = prefix + "vision_model.";
    this.clipHead = config.embedDim() == 0 ? null : Graph.block("convnext clip head", this::clip);
  }

  @Override
  public Config config() {
    return config;
  }

  /**
   * Encodes images.
   *
   * @param scope owns the result
   * @param pixels [batch, 3, height, width], normalised; each side at least 32
   */
  @Override
  public Features forward(Scope scope, Value pixels) {
    Blocks blocks = blocks(pixels.shape());
    Value stem = scope.run1(blocks.stem, pixels);
    List<Value> stages = new ArrayList<>();
    List<Value> maps = new ArrayList<>();
    Value x = stem;
    for (Block stage : blocks.stages) {
      List<Value> results = scope.run(stage, x);
      x = results.get(0);
      stages.add(x);
      maps.add(results.get(1));
    }
    List<Value> head = scope.run(blocks.head, x, maps.get(TOKEN_STAGE));
    return new Features(
        head.get(0), head.get(1), List.copyOf(maps), stem, List.copyOf(stages), head.get(2));
  }

  @Override
  public boolean hasTrunk() {
    return true;
  }

  @Override
  public List<Value> trunk(Scope scope, Value pixels) {
    Blocks blocks = blocks(pixels.shape());
    List<Value> stages = new ArrayList<>();
    Value x = scope.run1(blocks.stem, pixels);
    for (Block stage : blocks.stages) {
      x = scope.run(stage, x).get(0);
      stages.add(x);
    }
    return stages;
  }

  @Override
  public List<Shape> trunkShapes(int imageSize) {
    return blocks(1, 3, imageSize, imageSize).stages.stream()
        .map(stage -> stage.outputs().get(0).shape())
        .collect(Collectors.toList());
  }

  @Override
  public Features adapted(Scope scope, List<Value> trunk) {
    int stride = STEM_STRIDE;
    long[] finest = trunk.get(0).shape();
    Blocks blocks = blocks(finest[0], 3, stride * finest[2], stride * finest[3]);
    List<Value> maps = new ArrayList<>();
    for (int i = 0; i < STAGES; i++) {
      maps.add(scope.run1(blocks.adapters.get(i), trunk.get(i)));
    }
    List<Value> head = scope.run(blocks.head, trunk.get(STAGES - 1), maps.get(TOKEN_STAGE));
    return new Features(
        head.get(0), head.get(1), List.copyOf(maps), null, List.copyOf(trunk), head.get(2));
  }

  /**
   * The CLIP image embedding, not normalised.
   *
   * @param features of the images, from {@link #forward}
   * @return [batch, embedDim]
   * @throws IllegalStateException if the network has no CLIP head
   */
  public Value clipEmbed(Scope scope, Features features) {
    if (clipHead == null) {
      throw new IllegalStateException("this ConvNeXt has no CLIP head (embedDim is 0)");
    }
    return scope.run1(clipHead, features.trunkHead());
  }

  /** All parameters, from the pixels upwards; the CLIP head last. */
  @Override
  public List<Param> params() {
    // Parameters do not depend on the size: any that four stages accept will do.
    Blocks blocks = blocks(1, 3, 32, 32);
    List<Param> params = new ArrayList<>(blocks.stem.params());
    blocks.stages.forEach(stage -> params.addAll(stage.params()));
    params.addAll(blocks.head.params());
    if (clipHead != null) {
      params.addAll(clipHead.params());
    }
    return List.copyOf(params);
  }

  // ---------------------------------------------------------------- blocks

  private Blocks blocks(long... pixels) {
    if (pixels.length != 4 || pixels[1] != 3 || pixels[2] < SMALLEST || pixels[3] < SMALLEST) {
      throw new ShapeException(
          "the image encoder", "[batch,3,height,width] of at least 32x32", Arrays.toString(pixels));
    }
    Size size = new Size((int) pixels[2], (int) pixels[3]);
    return bySize.computeIfAbsent(size, this::build);
  }

  private Blocks build(Size image) {
    Block stem = Graph.block("convnext stem", g -> stem(g, image));
    List<Block> stages = new ArrayList<>();
    List<Block> adapters = new ArrayList<>();
    Shape shape = stem.outputs().get(0).shape();
    for (int i = 0; i < STAGES; i++) {
      int index = i;
      Shape input = shape;
      Block stage = Graph.block("convnext stage " + i, g -> stage(g, index, input));
      stages.add(stage);
      shape = stage.outputs().get(0).shape();
      Shape output = shape;
      adapters.add(
          Graph.block(
              "convnext adapter " + i, g -> List.of(adapter(index, g.input("map", output)))));
    }
    Shape last = shape;
    Shape tokens = stages.get(TOKEN_STAGE).outputs().get(1).shape();
    Block head = Graph.block("convnext head", g -> head(g, last, tokens));
    return new Blocks(stem, List.copyOf(stages), List.copyOf(adapters), head);
  }

  private List<Tensor> stem(Graph g, Size image) {
    int width = config.dims().get(0);
    Tensor x = g.input("pixels", Shape.of(Dim.symbol("batch"), 3, image.height, image.width));
    x = Conv2d.of(model + "visual.trunk.stem.0", 3, width, STEM_STRIDE, STEM_STRIDE, 0).apply(x);
    return List.of(norm("visual.trunk.stem.1", width).applyToChannels(x)); // [batch, width, h, w]
  }

  private List<Tensor> stage(Graph g, int index, Shape input) {
    String stage = "visual.trunk.stages." + index + ".";
    int width = config.dims().get(index);
    Tensor x = g.input("map", input); // [batch, channels, h, w]
    if (index > 0) {
      int before = config.dims().get(index - 1);
      x = norm(stage + "downsample.0", before).applyToChannels(x);
      x = Conv2d.of(model + stage + "downsample.1", before, width, 2, 2, 0).apply(x);
    }
    for (int i = 0; i < config.depths().get(index); i++) {
      x = block(stage + "blocks." + i + ".", width, depthShare(index, i), x);
    }
    return List.of(x, adapter(index, x));
  }

  private Tensor adapter(int stage, Tensor x) {
    int width = config.dims().get(stage);
    Linear adapter = Linear.of(model + "adapter_c" + (stage + 2), width, config.adapterDim());
    return adapter.apply(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2);
  }

  /** How far along a block is, from 0 to 1: stochastic depth drops later blocks more often. */
  private double depthShare(int stage, int block) {
    int before = config.depths().subList(0, stage).stream().mapToInt(Integer::intValue).sum();
    int all = config.depths().stream().mapToInt(Integer::intValue).sum();
    return (double) (before + block) / Math.max(1, all - 1);
  }

  private Tensor block(String name, int width, double depthShare, Tensor x) {
    Graph g = x.graph();
    Tensor y = Conv2d.depthwise(model + name + "conv_dw", width, config.kernel()).apply(x);
    y = norm(name + "norm", width).apply(y.permute(0, 2, 3, 1)); // [batch, h, w, channels]
    y = Linear.of(model + name + "mlp.fc1", width, 4 * width).apply(y).gelu();
    y = Linear.of(model + name + "mlp.fc2", 4 * width, width).apply(y);
    if (config.layerScale()) {
      y = y.times(g.param(Param.of(model + name + "gamma", width)));
    }
    y = depthShare == 0 ? y : y.stochasticDepth(depthShare);
    return x.plus(y.permute(0, 3, 1, 2));
  }

  private List<Tensor> head(Graph g, Shape last, Shape map) {
    int width = config.dims().get(HEAD_STAGE);
    Tensor x = g.input("map", last);
    Tensor tokens =
        g.input("tokens", map).flatten(2, 3).transpose(1, 2); // [batch, h * w, adapterDim]
    Tensor trunk = norm("visual.trunk.head.norm", width).apply(x.mean(false, 2, 3));
    Tensor cls = Linear.of(model + "adapter_cls", width, config.adapterDim()).apply(trunk);
    return List.of(Tensor.concat(1, cls.unsqueeze(1), tokens), cls, trunk);
  }

  private List<Tensor> clip(Graph g) {
    int width = config.dims().get(HEAD_STAGE);
    int hidden = 2 * config.embedDim();
    Tensor x = g.input("trunkHead", Shape.of(Dim.symbol("batch"), width));
    x = Linear.of(model + "visual.head.mlp.fc1", width, hidden).apply(x).gelu();
    Linear last = Linear.withoutBias(model + "visual.head.mlp.fc2", hidden, config.embedDim());
    return List.of(last.apply(x));
  }

  private LayerNorm norm(String name, int width) {
    return LayerNorm.of(model + name, width, config.normEps());
  }
}
