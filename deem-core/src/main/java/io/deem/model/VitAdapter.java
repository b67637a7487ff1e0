package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Resampling;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.Conv2d;
import io.deem.nn.LayerNorm;
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * DEEM's other image encoder: a CLIP vision transformer with an adapter (Chen et al. 2023, "Vision
 * Transformer Adapter for Dense Predictions") that gives it maps at strides 4, 8, 16 and 32.
 *
 * <p>Convolutions see the image beside the transformer. Before each quarter of the transformer's
 * layers an injector adds their detail to the patches; after it an extractor adds the patches'
 * meaning to the convolutions' maps.
 */
public final class VitAdapter implements ImageEncoder {

  private static final int QUARTERS = 4;
  private static final int LAST_EXTRACTORS = 3;

  /** Patches along a side; of more, what this class keeps of each place would not fit memory. */
  private static final int MOST_PATCHES = 256;

  private static final double EPSILON = 1e-5;
  private static final Dim BATCH = Dim.symbol("batch");

  /**
   * Sizes.
   *
   * @param vit the transformer; its patches form a grid of an even side, its layers four equal
   *     groups
   * @param channels of the adapter's first convolution, 64 in published models
   * @param points places that each head of the adapter's attention looks at in each map
   * @param outputWidth of the maps and tokens that the encoder returns; 0 to leave them as wide as
   *     the transformer, without projections, as in ViT-L
   */
  public record Config(ClipVitEncoder.Config vit, int channels, int points, int outputWidth)
      implements ImageEncoder.Config {

    public Config {
      if (vit.grid() % 2 != 0 || vit.grid() > MOST_PATCHES) {
        throw new IllegalArgumentException(
            String.format(
                "the adapter needs an even number of patches along a side, up to %d, not %d",
                MOST_PATCHES, vit.grid()));
      }
      if (channels < 1 || points < 1) {
        throw new IllegalArgumentException(
            "channels and points must be positive, not " + channels + " and " + points);
      }
      if (vit.layers() % QUARTERS != 0) {
        throw new IllegalArgumentException(
            "the adapter needs layers in four equal groups, not " + vit.layers());
      }
    }

    @Override
    public int featureWidth() {
      return outputWidth == 0 ? vit.width() : outputWidth;
    }

    @Override
    public List<Integer> depths() {
      return List.of(vit.layers());
    }

    @Override
    public String title() {
      return String.format(
          "CLIP ViT with adapter, %d layers of width %d, patches of %d pixels",
          vit.layers(), vit.width(), vit.patchSize());
    }

    /** The one that its position embeddings are for. */
    @Override
    public boolean sees(int imageSize) {
      return imageSize == vit.imageSize();
    }

    @Override
    public VitAdapter network(String prefix) {
      return new VitAdapter(this, prefix);
    }
  }

  /**
   * What the encoder sees in a batch of images.
   *
   * @param lastHiddenState [batch, 1 + grid * grid, output width]: the class token, then the
   *     patches
   * @param maps four maps [batch, output width, h, w] of 4, 2, 1 and 1/2 times the grid of patches
   */
  public record Features(Value lastHiddenState, List<Value> maps)
      implements ImageEncoder.Features {}

  private final Config config;
  private final String model;
  private final ClipVitEncoder vit;
  private final Block prior;
  private final List<Block> injectors = new ArrayList<>();
  private final List<List<Block>> extractors = new ArrayList<>();
  private final Block results;

  /**
   * The network.
   *
   * @param prefix what precedes {@code vision_model.} in its checkpoint names, often empty
   */
  public VitAdapter(Config config, String prefix) {
    this.config = config;
    this.model = prefix + "vision_model.";
    this.vit = new ClipVitEncoder(config.vit(), prefix);
    this.prior = Graph.block("adapter prior", this::prior);
    for (int i = 0; i < QUARTERS; i++) {
      String interaction = model + "adapter_interactions." + i + ".";
      injectors.add(
          Graph.block("adapter injector " + i, g -> inject(g, interaction + "injector.")));
      List<Block> group = new ArrayList<>();
      group.add(extractor(interaction + "extractor."));
      if (i == QUARTERS - 1) {
        for (int extra = 0; extra < LAST_EXTRACTORS - 1; extra++) {
          group.add(extractor(interaction + "extra_extractors." + extra + "."));
        }
      }
      extractors.add(group);
    }
    this.results = Graph.block("adapter results", this::results);
  }

  @Override
  public Config config() {
    return config;
  }

  /**
   * Encodes images.
   *
   * @param scope owns the result
   * @param pixels [batch, 3, image size, image size], normalised
   */
  @Override
  public Features forward(Scope scope, Value pixels) {
    List<Value> beside = scope.run(prior, pixels);
    Value detail = beside.get(1);
    Value tokens = vit.embed(scope, pixels);
    int each = config.vit().layers() / QUARTERS;
    List<Value> quarters = new ArrayList<>();
    for (int i = 0; i < QUARTERS; i++) {
      tokens = scope.run1(injectors.get(i), tokens, detail);
      for (Block layer : vit.layers().subList(i * each, (i + 1) * each)) {
        tokens = scope.run1(layer, tokens);
      }
      for (Block extractor : extractors.get(i)) {
        detail = scope.run1(extractor, detail, tokens);
      }
      quarters.add(tokens);
    }
    List<Value> inputs = new ArrayList<>(List.of(beside.get(0), detail));
    inputs.addAll(quarters);
    List<Value> outputs = scope.run(results, inputs);
    return new Features(outputs.get(0), List.copyOf(outputs.subList(1, outputs.size())));
  }

  /** All parameters: the transformer's, then the adapter's. */
  @Override
  public List<Param> params() {
    Set<Param> params = new LinkedHashSet<>(vit.trunkParams());
    params.addAll(prior.params());
    injectors.forEach(injector -> params.addAll(injector.params()));
    extractors.forEach(group -> group.forEach(block -> params.addAll(block.params())));
    params.addAll(results.params());
    return List.copyOf(params);
  }

  // ---------------------------------------------------------------- blocks

  private int grid() {
    return config.vit().grid();
  }

  private int width() {
    return config.vit().width();
  }

  /** The sides of the maps whose pixels are the tokens of detail: strides 8, 16 and 32. */
  private List<Integer> sides() {
    return List.of(2 * grid(), grid(), grid() / 2);
  }

  private Tensor patches(Graph g, String name) {
    return g.input(name, Shape.of(BATCH, 1 + grid() * grid(), width()));
  }

  private Tensor detail(Graph g) {
    int tokens = sides().stream().mapToInt(side -> side * side).sum();
    return g.input("detail", Shape.of(BATCH, tokens, width()));
  }

  /** The map at stride 4, and the others as tokens. */
  private List<Tensor> prior(Graph g) {
    int size = config.vit().imageSize();
    Tensor pixels = g.input("pixels", Shape.of(BATCH, 3, size, size));
    Tensor resized = pixels.resize(Resampling.BILINEAR, false, 16 * grid(), 16 * grid());
    Tensor[] maps =
        new SpatialPrior(width(), config.channels(), model + "adapter_spm.").apply(resized);
    Tensor levels = g.param(Param.of(model + "adapter_level_embed", 3, width()));
    List<Tensor> tokens = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Tensor level = levels.slice(0, i, i + 1).unsqueeze(0); // [1, 1, width]
      tokens.add(maps[i + 1].flatten(2, 3).transpose(1, 2).plus(level));
    }
    return List.of(maps[0], Tensor.concat(1, tokens));
  }

  /** Adds detail to the patches; the class token stays as it is. */
  private List<Tensor> inject(Graph g, String prefix) {
    Tensor tokens = patches(g, "tokens");
    Tensor detail = detail(g);
    Tensor x = tokens.slice(1, 1, tokens.dim(1));
    Tensor seen =
        attention(prefix + "attn.", 3)
            .apply(
                norm(prefix + "query_norm").apply(x),
                places(g, List.of(grid())),
                norm(prefix + "feat_norm").apply(detail),
                sides());
    x = x.plus(seen.times(g.param(Param.of(prefix + "gamma", width()))));
    return List.of(Tensor.concat(1, tokens.slice(1, 0, 1), x));
  }

  private Block extractor(String prefix) {
    return Graph.block("adapter extractor", g -> extract(g, prefix));
  }

  /** Adds what the patches mean to the detail. */
  private List<Tensor> extract(Graph g, String prefix) {
    Tensor c = detail(g);
    Tensor tokens = patches(g, "tokens");
    Tensor x = tokens.slice(1, 1, tokens.dim(1));
    Tensor seen =
        attention(prefix + "attn.", 1)
            .apply(
                norm(prefix + "query_norm").apply(c),
                places(g, sides()),
                norm(prefix + "feat_norm").apply(x),
                List.of(grid()));
    c = c.plus(seen);
    return List.of(c.plus(mixed(norm(prefix + "ffn_norm").apply(c), prefix + "ffn.")));
  }

  /** A feed-forward network with a convolution of each map between its two layers. */
  private Tensor mixed(Tensor detail, String prefix) {
    int hidden = width() / 4;
    Tensor x = Linear.of(prefix + "fc1", width(), hidden).apply(detail);
    Conv2d convolution = Conv2d.depthwise(prefix + "dwconv.dwconv", hidden, 3);
    List<Tensor> maps = new ArrayList<>();
    for (Tensor map : maps(x)) {
      maps.add(convolution.apply(map).flatten(2, 3).transpose(1, 2));
    }
    return Linear.of(prefix + "fc2", hidden, width()).apply(Tensor.concat(1, maps).gelu());
  }

  /** Tokens of detail as the maps whose pixels they are, [batch, channels, side, side]. */
  private List<Tensor> maps(Tensor detail) {
    List<Tensor> maps = new ArrayList<>();
    int start = 0;
    for (int side : sides()) {
      maps.add(map(detail.slice(1, start, start + side * side), side));
      start += side * side;
    }
    return maps;
  }

  private static Tensor map(Tensor tokens, int side) {
    return tokens.transpose(1, 2).reshape(tokens.dim(0), tokens.dim(2), side, side);
  }

  private List<Tensor> results(Graph g) {
    int grid = grid();
    Tensor c1 = g.input("finest", Shape.of(BATCH, width(), 4 * grid, 4 * grid));
    List<Tensor> coarser = maps(detail(g));
    Tensor up = g.param(Param.of(model + "adapter_up.weight", width(), width(), 2, 2));
    Tensor upBias = g.param(Param.of(model + "adapter_up.bias", width()));
    List<Tensor> maps = new ArrayList<>();
    maps.add(c1.plus(coarser.get(0).convTranspose2d(up, upBias, 2)));
    maps.addAll(coarser);
    Tensor last = null;
    List<Tensor> outputs = new ArrayList<>();
    for (int i = 0; i < QUARTERS; i++) {
      last = patches(g, "quarter" + i);
      int side = maps.get(i).dim(2).value();
      Tensor seen = map(last.slice(1, 1, last.dim(1)), grid);
      Tensor sum = maps.get(i).plus(seen.resize(Resampling.BILINEAR, false, side, side));
      outputs.add(projected("c" + (i + 1) + "_proj", sum.permute(0, 2, 3, 1)).permute(0, 3, 1, 2));
    }
    outputs.add(0, projected("fc_proj", last));
    return outputs;
  }

  private Tensor projected(String name, Tensor x) {
    int out = config.outputWidth();
    return out == 0 ? x : Linear.of(model + name, width(), out).apply(x);
  }

  private DeformableAttention attention(String prefix, int levels) {
    ClipVitEncoder.Config size = config.vit();
    return new DeformableAttention(
        width(), width() / 2, size.heads(), levels, config.points(), prefix);
  }

  private LayerNorm norm(String name) {
    return LayerNorm.of(name, width(), EPSILON);
  }

  /** The centres of the pixels of square maps, [pixels, 2], x and y from 0 to 1. */
  private static Tensor places(Graph g, List<Integer> sides) {
    int pixels = sides.stream().mapToInt(side -> side * side).sum();
    float[] places = new float[2 * pixels];
    int next = 0;
    for (int side : sides) {
      for (int i = 0; i < side * side; i++) {
        int row = i / side;
        places[next++] = (i % side + 0.5f) / side;
        places[next++] = (row + 0.5f) / side;
      }
    }
    return g.constant(places, pixels, 2);
  }
}
