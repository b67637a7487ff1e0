package io.deem.verify;

import com.google.gson.JsonObject;
import io.deem.diffusion.PredictionType;
import io.deem.model.DeemConfig;
import io.deem.model.InterleavedBatch;
import io.deem.model.LlamaDecoder;
import io.deem.model.VisualTokenizer;
import io.deem.weights.TensorSource;
import java.util.Locale;

/**
 * The sizes of a complete, reduced model: what its {@code config.json} says in {@code dims} and
 * {@code model}, and what the shapes of its weights tell.
 */
public final class CompleteModel {

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
    int side = dims.integer("IMG");
    CompleteModelSizes sizes =
        new CompleteModelSizes(dims, visual.section("perceiver_config"), side, weights);
    String tokenizer = CompleteModelSizes.TOKENIZER;
    return new DeemConfig(
        side,
        drawing.integer("image_size"),
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
            1e-6,
            10_000,
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

  private static PredictionType prediction(JsonObject json) {
    if (!json.has("scheduler")) {
      return PredictionType.EPSILON;
    }
    String type = new Sizes(json).section("scheduler").text("prediction_type");
    return PredictionType.valueOf(type.toUpperCase(Locale.ROOT));
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
