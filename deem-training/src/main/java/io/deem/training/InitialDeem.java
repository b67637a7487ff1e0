package io.deem.training;

import io.deem.graph.Param;
import io.deem.image.PositionTables;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.VitAdapter;
import io.deem.random.RandomSource;
import io.deem.weights.TensorSource;
import java.util.Arrays;
import java.util.List;

/**
 * A DEEM before its training: what the reference's modules start from. Gates and the residuals into
 * the UNet start at zero, so that the language and the diffusion model start as they were.
 */
public final class InitialDeem {

  private static final float ADDED_HEAD_BIAS = -100;
  private static final float ADDED_HEAD_START = 95;
  private static final double SMALL = 0.02;
  private static final String ADAPTER = ".adapter_interactions.";

  private final DeemConfig config;
  private final List<Param> params;
  private final InitialWeights weights;
  private final long seed;

  /** Random weights for a network. */
  public InitialDeem(DeemNetwork network, long seed) {
    this.config = network.config();
    this.params = network.params();
    this.seed = seed;
    this.weights = new InitialWeights(params, seed);
    for (Param param : params) {
      start(param);
    }
  }

  /** The weights so far; change them by its methods. */
  public InitialWeights weights() {
    return weights;
  }

  /**
   * Starts the language model from a LLaMA checkpoint whose embeddings and head are tied or not.
   * Added tokens get small random embeddings and can be predicted only by {@code head_new}.
   */
  public InitialDeem languageModel(TensorSource llama) {
    String own = "mm_decoder.";
    weights.from(
        llama,
        name -> {
          String there = name.startsWith(own) ? "model." + name.substring(own.length()) : null;
          return there != null && !there.contains("embed_tokens") && llama.contains(there)
              ? there
              : null;
        });
    String embeddings = "model.embed_tokens.weight";
    String head = llama.contains("lm_head.weight") ? "lm_head.weight" : embeddings;
    int width = config.languageModel().width();
    weights.set(
        own + "embed_tokens.weight", () -> extended(llama.floats(embeddings), width, SMALL));
    weights.set("text_decoder.head.weight", () -> extended(llama.floats(head), width, 0));
    return this;
  }

  private void start(Param param) {
    String name = param.name();
    long[] shape = param.shape().extents();
    int size = Math.toIntExact(weights.info(name).elements());
    if (name.equals("mm_decoder.embed_tokens.weight") || name.equals("text_decoder.head.weight")) {
      double deviation = name.startsWith("mm_decoder.") ? SMALL : 0;
      weights.set(name, () -> withAddedRows(param, deviation));
    } else if (name.endsWith("pos_embed")) {
      boolean visual = name.startsWith("visual_tokenizer.pos_embed");
      int rows = (int) shape[0] - (visual ? 1 : 0);
      int grid = (int) Math.round(Math.sqrt(rows));
      weights.set(name, () -> PositionTables.sincos2d((int) shape[1], grid, visual));
    } else if (name.endsWith("sampling_offsets.bias") && name.contains(ADAPTER)) {
      VitAdapter.Config encoder = (VitAdapter.Config) config.encoder();
      weights.set(name, () -> directions(size, encoder.vit().heads(), encoder.points()));
    } else if (name.endsWith("class_embedding")) {
      weights.set(name, () -> gaussian(name, size, 1 / Math.sqrt(size)));
    } else if (name.endsWith("sampling_offsets.bias")) {
      float range = name.contains("llama_cross_attn") ? 3 : 1;
      weights.set(name, () -> uniform(name, size, range));
    } else if (startsAtZero(name)) {
      weights.set(name, () -> new float[size]);
    } else if (name.equals("text_decoder.head.bias")) {
      weights.set(name, this::headBias);
    } else if (name.equals("text_decoder.head_new.bias")) {
      weights.fill(name, ADDED_HEAD_START);
    } else if (name.endsWith("query_relpos.weight")
        || name.endsWith("neg_prompt_embeds")
        || name.equals("soi_token")) {
      weights.set(name, () -> gaussian(name, size, SMALL));
    }
  }

  private static boolean startsAtZero(String name) {
    boolean ofAdapter =
        name.endsWith("adapter_level_embed")
            || (name.contains(ADAPTER)
                && (name.endsWith("attention_weights.weight") || name.endsWith("gamma")));
    return ofAdapter
        || name.endsWith("sampling_offsets.weight")
        || name.endsWith("ignore_token")
        || name.endsWith("llama_cross_attn.gate")
        || name.equals("text_decoder.head_new.weight")
        || (name.contains("mmfs_module") && name.contains(".conv."));
  }

  /**
   * Where the adapter's attention looks at first (Zhu et al. 2021, "Deformable DETR"): each head in
   * its own direction, each of its points a pixel further, in every map alike.
   */
  private static float[] directions(int size, int heads, int points) {
    float[] offsets = new float[size];
    int levels = size / (heads * points * 2);
    for (int i = 0; i < size / 2; i++) {
      int point = i % points;
      int head = i / (points * levels);
      double angle = 2 * Math.PI * head / heads;
      double furthest = Math.max(Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle)));
      offsets[2 * i] = (float) ((point + 1) * Math.cos(angle) / furthest);
      offsets[2 * i + 1] = (float) ((point + 1) * Math.sin(angle) / furthest);
    }
    return offsets;
  }

  private float[] headBias() {
    float[] bias = new float[config.languageModel().vocabulary()];
    Arrays.fill(bias, config.originalVocabulary(), bias.length, ADDED_HEAD_BIAS);
    return bias;
  }

  /** A random table whose rows of added tokens are those that {@link #languageModel} gives them. */
  private float[] withAddedRows(Param table, double deviation) {
    int width = config.languageModel().width();
    float[] rows = new InitialWeights(List.of(table), seed).floats(table.name());
    return extended(Arrays.copyOf(rows, config.originalVocabulary() * width), width, deviation);
  }

  private float[] extended(float[] table, int width, double deviation) {
    int size = config.languageModel().vocabulary() * width;
    if (table.length != config.originalVocabulary() * width) {
      throw new IllegalArgumentException(
          "the language model has "
              + table.length / width
              + " tokens, not "
              + config.originalVocabulary());
    }
    float[] result = Arrays.copyOf(table, size);
    float[] added = gaussian("added tokens", size - table.length, deviation);
    System.arraycopy(added, 0, result, table.length, added.length);
    return result;
  }

  private float[] gaussian(String name, int size, double deviation) {
    float[] draws = new float[size];
    RandomSource.seeded(seed * 31 + name.hashCode()).gaussian(draws);
    for (int i = 0; i < size; i++) {
      draws[i] *= (float) deviation;
    }
    return draws;
  }

  private float[] uniform(String name, int size, float range) {
    float[] draws = new float[size];
    RandomSource.seeded(seed * 31 + name.hashCode()).uniform(draws);
    for (int i = 0; i < size; i++) {
      draws[i] = (2 * draws[i] - 1) * range;
    }
    return draws;
  }
}
