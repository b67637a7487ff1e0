package io.deem.model;

import com.google.gson.JsonObject;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.RmsNorm;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * The LLaMA language model without its head (Touvron et al. 2023), and DEEM's form of it, in which
 * every {@code crossAttentionFrequency}-th layer also looks at images. See {@link TextHead} for the
 * logits.
 *
 * <p>{@link #forward} is for training and scoring; {@link #prefill} and {@link #step} generate with
 * the keys and values of earlier tokens kept.
 */
public final class LlamaDecoder {

  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim LENGTH = Dim.symbol("length");
  private static final Dim ROWS = Dim.symbol("rows");
  private static final Dim IMAGES = Dim.symbol("images");

  private final Config config;
  private final Param embeddings;
  private final List<LlamaLayer> layers;

  /** By the layers in each. */
  private final Map<Integer, List<LlamaSpan>> spans = new ConcurrentHashMap<>();

  private final Block embed;
  private final Block rotary;
  private final Block finalNorm;
  private final Block lastRow;
  private final Block sameForAll;
  private final CacheRows cacheRows;

  /**
   * The sizes of a decoder.
   *
   * @param vocabulary number of token ids
   * @param width of the stream
   * @param innerWidth of the MLP
   * @param layers number of layers
   * @param heads query heads; divides the width
   * @param keyHeads heads of keys and values; divides {@code heads}
   * @param epsilon of the root-mean-square norms
   * @param ropeTheta base of the rotary position embedding
   * @param crossAttentionFrequency layers whose index it divides look at images; 0 for none
   * @param imageWidth width of image features; 0 without images
   * @param spatialShapes sides of an image's square feature maps; empty without images
   */
  public record Config(
      int vocabulary,
      int width,
      int innerWidth,
      int layers,
      int heads,
      int keyHeads,
      double epsilon,
      double ropeTheta,
      int crossAttentionFrequency,
      int imageWidth,
      List<Integer> spatialShapes) {

    public Config {
      spatialShapes = List.copyOf(spatialShapes);
      if (heads < 1 || width % (2 * heads) != 0) {
        throw new IllegalArgumentException(
            "a width of "
                + width
                + " does not split into an even part for each of "
                + heads
                + " heads");
      }
      if (keyHeads < 1 || heads % keyHeads != 0) {
        throw new IllegalArgumentException(
            heads + " query heads cannot share " + keyHeads + " key heads evenly");
      }
      if (crossAttentionFrequency > 0 && (imageWidth < 1 || spatialShapes.isEmpty())) {
        throw new IllegalArgumentException("attention to images needs their width and map sizes");
      }
    }

    /**
     * The sizes in a {@code config.json} of Hugging Face's form, to which a DEEM adds {@code
     * cross_attention_frequency}, {@code image_embed_dim} and {@code spatial_shapes}.
     *
     * @throws IllegalArgumentException naming the entry that is missing or not supported
     */
    public static Config of(JsonObject json) {
      return LlamaConfigFile.read(json);
    }

    /** The width of one head. */
    public int headWidth() {
      return width / heads;
    }

    /** The number of feature vectors of an image: the pixels of all its maps. */
    public int pixels() {
      return spatialShapes.stream().mapToInt(side -> side * side).sum();
    }
  }

  /**
   * Images that tokens look at.
   *
   * @param features [batch, images, pixels, image width]; each image's maps one after the other in
   *     the order of {@link Config#spatialShapes}, each row by row
   * @param visible [batch, length, images]: 1 where the token sees the image, else 0
   */
  public record Images(Value features, Value visible) {}

  /**
   * What the decoder computed.
   *
   * @param last the normalised stream after the last layer, [batch, length, width]
   * @param cache for {@link #step}
   */
  public record Result(Value last, LlamaCache cache) {}

  /** The embeddings and the stream after each block, the last normalised. */
  private record Run(List<Value> hidden, LlamaCache cache) {
    Value last() {
      return hidden.get(hidden.size() - 1);
    }

    Result result() {
      return new Result(last(), cache);
    }
  }

  /**
   * A decoder.
   *
   * @param prefix put before the names of the weights: {@code "model."} in a published LLaMA,
   *     {@code "mm_decoder."} in a DEEM
   */
  public LlamaDecoder(Config config, String prefix) {
    this.config = config;
    int frequency = config.crossAttentionFrequency();
    embeddings = Param.of(prefix + "embed_tokens.weight", config.vocabulary(), config.width());
    layers =
        IntStream.range(0, config.layers())
            .mapToObj(
                i ->
                    new LlamaLayer(
                        config, prefix + "layers." + i + ".", frequency > 0 && i % frequency == 0))
            .collect(Collectors.toList());
    RmsNorm norm = RmsNorm.of(prefix + "norm", config.width(), config.epsilon());
    finalNorm =
        Graph.block(
            prefix + "norm",
            g -> List.of(norm.apply(g.input("stream", Shape.of(BATCH, LENGTH, config.width())))));
    embed =
        Graph.block(
            prefix + "embed",
            g -> {
              Tensor ids = g.input("ids", Shape.of(BATCH, LENGTH), DataType.INT64);
              return List.of(g.param(embeddings).embedding(ids));
            });
    rotary = Graph.block(prefix + "rotary", this::rotary);
    lastRow =
        Graph.block(
            prefix + "last row",
            g -> {
              Tensor rows = g.input("rows", Shape.of(BATCH, LENGTH, IMAGES));
              return List.of(rows.slice(1, LENGTH.plus(-1), LENGTH).squeeze(1));
            });
    sameForAll =
        Graph.block(
            prefix + "same for all",
            g -> {
              Tensor row = g.input("row", Shape.of(BATCH, IMAGES));
              g.input("positions", Shape.of(ROWS, LENGTH), DataType.INT64);
              return List.of(row.unsqueeze(1).expand(BATCH, LENGTH, IMAGES));
            });
    cacheRows =
        new CacheRows(
            config, layers.stream().map(LlamaLayer::projectedImages).collect(Collectors.toList()));
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /** The embedding table's weight, [vocabulary, width]. */
  public Param embeddings() {
    return embeddings;
  }

  /** All weights: embeddings, layers, final norm. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>();
    params.add(embeddings);
    spans(1).forEach(layer -> params.addAll(layer.params()));
    params.addAll(finalNorm.params());
    return params;
  }

  /** The matrices of all linear layers, without the embeddings. */
  public List<Param> matrices() {
    return spans(1).stream()
        .flatMap(layer -> layer.matrices().stream())
        .collect(Collectors.toList());
  }

  /**
   * Looks up embeddings.
   *
   * @param ids [batch, length]
   * @return [batch, length, width]
   */
  public Value embed(Scope scope, Value ids) {
    return scope.run1(embed, ids);
  }

  /**
   * Runs the decoder over whole sequences.
   *
   * @param embedded [batch, length, width]
   * @param positions [batch, length] or, the same for all, [1, length]
   * @param mask [batch, 1, length, length], added to attention scores (see {@link AttentionMask});
   *     or null to let every token see itself and all before it
   * @param images null to leave out the attention to images
   * @return the hidden states, [batch, length, width] each: the embeddings, then the stream after
   *     each layer, of which the last is normalised
   */
  public List<Value> forward(
      Scope scope, Value embedded, Value positions, Value mask, Images images) {
    return run(scope, embedded, positions, mask, images, null, false, true).hidden();
  }

  /**
   * The last of what {@link #forward} returns, where every token sees itself and all before it.
   *
   * @return the normalised stream after the last layer, [batch, length, width]
   */
  public Value causal(Scope scope, Value embedded, Value positions, Images images) {
    if (scope.holdsWeightsPerBlock()) {
      // The very blocks that generate.
      int batch = Math.toIntExact(embedded.shape()[0]);
      int length = Math.toIntExact(embedded.shape()[1]);
      boolean[][] real = new boolean[batch][length];
      for (boolean[] row : real) {
        Arrays.fill(row, true);
      }
      float[] causal = AttentionMask.causal(real, length);
      Value whole = scope.floats(causal, batch, 1, length, length);
      return prefillWithRoom(scope, embedded, positions, whole, images, 0).last();
    }
    return run(scope, embedded, positions, null, images, null, false, false).last();
  }

  /** {@link #forward}, with what {@link #step} needs to go on. */
  public Result prefill(Scope scope, Value embedded, Value positions, Value mask, Images images) {
    return run(scope, embedded, positions, mask, images, null, true, false).result();
  }

  /**
   * {@link #prefill} into a cache that has further places, by the same blocks as the {@link #step}s
   * that follow.
   *
   * @param mask [batch, 1, length, length + room], added to attention scores
   * @param room places for tokens to come
   */
  public Result prefillWithRoom(
      Scope scope, Value embedded, Value positions, Value mask, Images images, int room) {
    int batch = Math.toIntExact(embedded.shape()[0]);
    int places = Math.addExact(Math.toIntExact(embedded.shape()[1]), room);
    long[] shape = {batch, config.keyHeads(), places, config.headWidth()};
    float[] zeros =
        new float[Math.toIntExact((long) batch * config.keyHeads() * places * config.headWidth())];
    List<LlamaCache.Entry> entries = new ArrayList<>();
    for (LlamaLayer layer : layers) {
      Value projected =
          images == null || !layer.seesImages()
              ? null
              : scope.run1(layer.imageProjection(), images.features());
      entries.add(
          new LlamaCache.Entry(scope.floats(zeros, shape), scope.floats(zeros, shape), projected));
    }
    LlamaCache empty = new LlamaCache(List.copyOf(entries), null, places);
    return run(scope, embedded, positions, mask, images, empty, true, false).result();
  }

  /**
   * Runs the decoder over further tokens. They see the images that the last token of the prompt
   * saw.
   *
   * @param embedded [batch, new, width]
   * @param positions [batch, new] or [1, new]
   * @param mask [batch, 1, new, earlier + new], added to attention scores; or null if {@code new}
   *     is 1 and the token sees all before it. A cache with room always needs one, [batch, 1, new,
   *     capacity]
   * @param cache of the earlier tokens; it stays valid, unless it has room, in which the new tokens
   *     are written
   * @return the new tokens' hidden states, and a cache that holds them too
   */
  public Result step(Scope scope, Value embedded, Value positions, Value mask, LlamaCache cache) {
    if (mask == null && embedded.shape()[1] != 1) {
      throw new IllegalArgumentException(
          "several tokens at once need a mask, and there are " + embedded.shape()[1]);
    }
    if (cache.room() > 0 && (mask == null || embedded.shape()[1] > cache.room())) {
      throw new IllegalArgumentException(
          "a cache with room for "
              + cache.room()
              + " needs a mask and no more tokens than that, and there are "
              + embedded.shape()[1]);
    }
    return run(scope, embedded, positions, mask, null, cache, true, false).result();
  }

  /**
   * The cache of some of the rows, in any order and any number of times.
   *
   * @param sameImages whether each new row sees the images that the present row in its place sees,
   *     so that they can stay as they are
   * @param rows for each new row, its index among the present ones
   */
  public LlamaCache select(Scope scope, LlamaCache cache, boolean sameImages, int... rows) {
    return cacheRows.select(scope, cache, sameImages, rows);
  }

  /**
   * A cache of the same tokens with {@code more} further places, which {@link #step} then writes in
   * place.
   */
  public LlamaCache withRoom(Scope scope, LlamaCache cache, int more) {
    return cacheRows.withRoom(scope, cache, more);
  }

  private Run run(
      Scope scope,
      Value embedded,
      Value positions,
      Value mask,
      Images images,
      LlamaCache past,
      boolean keep,
      boolean everyStream) {
    List<Value> angles = scope.run(rotary, positions);
    boolean roomy = past != null && past.room() > 0;
    Value given = images != null ? images.visible() : past != null ? past.visible() : null;
    Value visible =
        roomy && images == null && given != null ? scope.run1(sameForAll, given, positions) : given;
    Value places = roomy ? places(scope, past.length(), embedded.shape()[1]) : null;
    List<Value> hidden = new ArrayList<>(List.of(embedded));
    List<LlamaCache.Entry> entries = new ArrayList<>();
    List<LlamaSpan> all = spans(everyStream ? 1 : scope.layersPerBlock());
    Value x = embedded;
    int layer = 0;
    for (LlamaSpan span : all) {
      int next = layer + span.layers().size();
      boolean sees = span.seesImages() && visible != null;
      List<LlamaCache.Entry> earlier =
          past == null ? List.of() : past.entries().subList(layer, next);
      List<Value> inputs = new ArrayList<>(List.of(x, angles.get(0), angles.get(1)));
      if (mask != null) {
        inputs.add(mask);
      }
      for (LlamaCache.Entry entry : earlier) {
        inputs.add(entry.keys());
        inputs.add(entry.values());
      }
      if (roomy) {
        inputs.add(places);
      }
      if (sees) {
        if (past == null) {
          inputs.add(images.features());
        }
        earlier.stream().map(LlamaCache.Entry::images).filter(v -> v != null).forEach(inputs::add);
        inputs.add(visible);
      }
      LlamaSpan.Form form = new LlamaSpan.Form(mask != null, past != null, roomy, keep, sees);
      List<Value> results = scope.run(span.block(form), inputs);
      x = results.get(0);
      if (keep) {
        addEntries(entries, span, earlier, sees, results);
      }
      hidden.add(x);
      layer = next;
    }
    hidden.set(hidden.size() - 1, scope.run1(finalNorm, x));
    if (!keep) {
      return new Run(hidden, null);
    }
    Value last = images == null ? given : scope.run1(lastRow, given);
    int room = roomy ? past.room() - Math.toIntExact(embedded.shape()[1]) : 0;
    return new Run(hidden, new LlamaCache(List.copyOf(entries), last, room));
  }

  private static void addEntries(
      List<LlamaCache.Entry> entries,
      LlamaSpan span,
      List<LlamaCache.Entry> earlier,
      boolean sees,
      List<Value> results) {
    int projected = 1 + 2 * span.layers().size();
    for (int i = 0; i < span.layers().size(); i++) {
      Value images = null;
      if (!earlier.isEmpty()) {
        images = earlier.get(i).images();
      } else if (sees && span.layers().get(i).seesImages()) {
        images = results.get(projected++);
      }
      entries.add(new LlamaCache.Entry(results.get(1 + 2 * i), results.get(2 + 2 * i), images));
    }
  }

  private List<LlamaSpan> spans(int layersPerBlock) {
    return spans.computeIfAbsent(
        layersPerBlock,
        count -> {
          List<LlamaSpan> all = new ArrayList<>();
          for (int from = 0; from < layers.size(); from += count) {
            int to = Math.min(layers.size(), from + count);
            all.add(new LlamaSpan(config, layers.subList(from, to)));
          }
          return List.copyOf(all);
        });
  }

  private static Value places(Scope scope, long first, long count) {
    return scope.longs(LongStream.range(first, first + count).toArray(), count);
  }

  /**
   * Cosines and sines of position times {@code theta^(-2k/depth)}, [rows, length, depth / 2] each.
   */
  private List<Tensor> rotary(Graph g) {
    int half = config.headWidth() / 2;
    float[] frequencies = new float[half];
    for (int k = 0; k < half; k++) {
      float power = (float) Math.pow(config.ropeTheta(), (float) (2 * k) / config.headWidth());
      frequencies[k] = 1 / power;
    }
    Tensor positions = g.input("positions", Shape.of(ROWS, LENGTH), DataType.INT64);
    Tensor angles =
        positions.cast(DataType.FLOAT).unsqueeze(2).times(g.constant(frequencies, half));
    return List.of(angles.cos(), angles.sin());
  }
}
