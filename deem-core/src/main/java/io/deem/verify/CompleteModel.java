package io.deem.verify;

import com.google.gson.JsonObject;
import io.deem.diffusion.NoiseSchedule;
import io.deem.diffusion.PredictionType;
import io.deem.model.DeemConfig;
import io.deem.model.InterleavedBatch;
import io.deem.model.LlamaDecoder;
import io.deem.model.VisualTokenizer;
import io.deem.weights.TensorSource;
import java.util.Arrays;

/**
 * The sizes of a complete, reduced model: what its {@code config.json} says in {@code dims} and
 * {@code model}, and what the shapes of its weights tell.
 */
public final class CompleteModel {

  /**
   * Of a LLaMA whose configuration says nothing else; the reduced models' do not lie beside them.
   */
  private static final double LLAMA_EPSILON = 1e-6;

  /** The base theta of the rotary positions, SPEC section 1. */
  private static final double LLAMA_ROPE_BASE = 10_000;

  private CompleteModel() {}

  /**
   * The configuration of a fixture's model.
   *
   * @throws IllegalArgumentException naming the entry that is missing or wrong
   */
  public static DeemConfig of(JsonObject json, TensorSource weights) {
    Sizes config = new Sizes(json);
    Sizes dims = config.section("dims");
    Sizes model = config.section("model");
    Sizes visual = model.section("visual_tokenizer_config");
    Sizes drawing = model.section("image_decoder_config");
    int drawn = drawing.integer("image_size");
    CompleteModelSizes sizes =
        new CompleteModelSizes(dims, visual.section("perceiver_config"), drawn, weights);
    if (!Arrays.equals(
        schedule(json).alphasCumprod(), NoiseSchedule.stableDiffusion().alphasCumprod())) {
      throw new IllegalArgumentException(
          "config.json: scheduler has other betas than Stable Diffusion's, which a DEEM has");
    }
    String tokenizer = CompleteModelSizes.TOKENIZER;
    return new DeemConfig(
        dims.integer("IMG"),
        drawn,
        special(model.section("special_token_dict"), model.integer("num_img_token")),
        dims.integer("ORIG_V"),
        sizes.sniffer(),
        sizes.visualResampler(),
        new VisualTokenizer.Config(
            visual.integer("grid_size"),
            sizes.extent(tokenizer + "proj_t.weight", 0),
            sizes.extent(tokenizer + "proj_i.weight", 0)),
        new LlamaDecoder.Config(
            model.integer("txt_vocab_size"),
            dims.integer("H"),
            dims.integer("INTER"),
            dims.integer("LAYERS"),
            dims.integer("HEADS"),
            dims.integer("HEADS"),
            dims.number("rms_norm_eps", LLAMA_EPSILON),
            dims.number("rope_theta", LLAMA_ROPE_BASE),
            model.integer("cross_attention_frequency"),
            model.integer("image_embed_dim"),
            model.integers("spatial_shapes")),
        CompleteModelSizes.resampler(drawing.section("perceiver_config")),
        sizes.autoencoder(),
        sizes.denoiser(),
        sizes.residuals(),
        prediction(json));
  }

  private static InterleavedBatch.Special special(Sizes ids, int tokensPerImage) {
    return new InterleavedBatch.Special(
        ids.integer("bos_token_id"),
        ids.integer("eos_token_id"),
        ids.integer("pad_token_id"),
        ids.integer("soi_token_id"),
        ids.integer("image_token_id"),
        tokensPerImage);
  }

  /** What the denoiser predicts: the noise, where {@code scheduler} says nothing else. */
  public static PredictionType prediction(JsonObject json) {
    Sizes config = new Sizes(json);
    return config.has("scheduler")
        ? SchedulersCheck.prediction(config.section("scheduler"))
        : PredictionType.EPSILON;
  }

  /** The noise of training: Stable Diffusion's, where {@code scheduler} says nothing else. */
  public static NoiseSchedule schedule(JsonObject json) {
    Sizes config = new Sizes(json);
    return config.has("scheduler")
        ? SchedulersCheck.schedule(config.section("scheduler"))
        : NoiseSchedule.stableDiffusion();
  }

  /** Rows of ids that are padded already; {@code mask} is 1 for a token that is no padding. */
  public static InterleavedBatch batch(
      InterleavedBatch.Special special, TensorSource io, String ids, String mask) {
    long[] shape = io.info(ids).shape();
    long[] given = io.longs(mask);
    boolean[][] real = new boolean[(int) shape[0]][(int) shape[1]];
    for (int row = 0; row < real.length; row++) {
      for (int i = 0; i < real[row].length; i++) {
        real[row][i] = given[row * real[row].length + i] != 0;
      }
    }
    return InterleavedBatch.padded(special, io.longs(ids), real);
  }

  /** How many images each row of a batch has. */
  public static long[] imagesOfRows(InterleavedBatch batch) {
    long[] counts = new long[batch.rows()];
    for (long place : batch.startPlaces()) {
      counts[(int) (place / batch.length())]++;
    }
    return counts;
  }
}
