package io.deem.imports;

import io.deem.diffusion.PredictionType;
import io.deem.model.AutoencoderKl;
import io.deem.model.DeemConfig;
import io.deem.model.FullSize;
import io.deem.model.ImageEncoder;
import io.deem.model.InterleavedBatch;
import io.deem.model.LlamaDecoder;
import io.deem.model.MmfsNet;
import io.deem.model.PerceiverResampler;
import io.deem.model.UNet;
import io.deem.model.VisualTokenizer;
import io.deem.model.VitAdapter;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The architecture that checkpoints say: of the original networks their own configurations, of
 * DEEM's modules around them the paper's, as wide as they must be.
 */
final class OriginalArchitecture {

  private static final double GROUP_NORM_EPSILON = 1e-5;
  private static final int TOKENS_FOR_IMAGES = 2;

  private final DeemConfig paper = FullSize.architecture();

  /**
   * The whole architecture.
   *
   * @param llamaConfig the LLaMA's {@code config.json}
   * @param eyes the image encoder
   * @param added tokens that DEEM adds to the LLaMA's
   */
  DeemConfig of(ConfigFile llamaConfig, ImageEncoder.Config eyes, Path stableDiffusion, int added)
      throws IOException {
    LlamaDecoder.Config llama = llama(llamaConfig, added, eyes.featureWidth());
    UNet.Config unet = unet(ConfigFile.read(stableDiffusion.resolve("unet/config.json")));
    AutoencoderKl.Config vae =
        autoencoder(ConfigFile.read(stableDiffusion.resolve("vae/config.json")));
    PredictionType prediction =
        schedule(ConfigFile.read(stableDiffusion.resolve("scheduler/scheduler_config.json")));
    int condition = unet.crossAttentionDim();
    int original = llama.vocabulary() - added;
    InterleavedBatch.Special special =
        new InterleavedBatch.Special(
            paper.special().beginning(),
            paper.special().end(),
            original - 1,
            original,
            original + 1,
            paper.special().tokensPerImage());
    MmfsNet.Config residuals = paper.denoiserResiduals();
    try {
      return new DeemConfig(
          eyes instanceof VitAdapter.Config vit ? vit.vit().imageSize() : paper.imageSize(),
          paper.drawnSize(),
          special,
          original,
          eyes,
          paper.visualResampler(),
          new VisualTokenizer.Config(
              paper.visualTokenizer().positionGrid(), llama.width(), condition),
          llama,
          contextResampler(condition, llama.width()),
          vae,
          unet,
          new MmfsNet.Config(
              unet.blockOutChannels(),
              unet.layersPerBlock(),
              eyes.featureWidth(),
              residuals.attentionWidth(),
              residuals.heads(),
              residuals.points(),
              residuals.maxImages(),
              residuals.downsampleFactor(),
              residuals.spatialShapes()),
          prediction);
    } catch (IllegalArgumentException e) {
      throw new ImportException(stableDiffusion + ": " + e.getMessage(), e);
    }
  }

  private LlamaDecoder.Config llama(ConfigFile file, int added, int imageWidth)
      throws ImportException {
    LlamaDecoder.Config own;
    try {
      own = LlamaDecoder.Config.of(file.json());
    } catch (IllegalArgumentException e) {
      throw new ImportException(file.file() + ": " + withoutName(e.getMessage()), e);
    }
    LlamaDecoder.Config attention = paper.languageModel();
    return new LlamaDecoder.Config(
        own.vocabulary() + added,
        own.width(),
        own.innerWidth(),
        own.layers(),
        own.heads(),
        own.keyHeads(),
        own.epsilon(),
        own.ropeTheta(),
        attention.crossAttentionFrequency(),
        imageWidth,
        attention.spatialShapes());
  }

  private PerceiverResampler.Config contextResampler(int width, int encoderWidth) {
    PerceiverResampler.Config own = paper.contextResampler();
    return new PerceiverResampler.Config(
        own.queries(),
        width,
        encoderWidth,
        own.hidden(),
        own.layers(),
        own.heads(),
        own.crossAttentionFrequency(),
        own.queryKeyNorm(),
        own.normEps());
  }

  private static UNet.Config unet(ConfigFile file) throws ImportException {
    file.require("act_fn", "silu");
    file.require("flip_sin_to_cos", true);
    file.require("freq_shift", 0);
    file.require("center_input_sample", false);
    file.require("dual_cross_attention", false);
    file.require("mid_block_scale_factor", 1);
    file.require("downsample_padding", 1);
    file.require("mid_block_type", "UNetMidBlock2DCrossAttn");
    for (String entry :
        List.of("class_embed_type", "num_class_embeds", "addition_embed_type", "encoder_hid_dim")) {
      if (file.has(entry)) {
        throw file.unsupported(entry);
      }
    }
    List<Integer> widths = file.sizes("block_out_channels");
    List<Boolean> attending = new ArrayList<>();
    for (String type : file.texts("down_block_types")) {
      if (!type.equals("CrossAttnDownBlock2D") && !type.equals("DownBlock2D")) {
        throw file.unsupported("down_block_types");
      }
      attending.add(type.equals("CrossAttnDownBlock2D"));
    }
    List<Integer> heads =
        file.isArray("attention_head_dim")
            ? file.sizes("attention_head_dim")
            : java.util.Collections.nCopies(widths.size(), file.size("attention_head_dim"));
    try {
      return new UNet.Config(
          file.size("in_channels"),
          file.size("out_channels"),
          widths,
          heads,
          attending,
          file.size("cross_attention_dim"),
          file.size("layers_per_block", 2),
          file.size("norm_num_groups", 32),
          file.number("norm_eps", GROUP_NORM_EPSILON));
    } catch (IllegalArgumentException e) {
      throw new ImportException(file.file() + ": " + e.getMessage(), e);
    }
  }

  private static AutoencoderKl.Config autoencoder(ConfigFile file) throws ImportException {
    file.require("act_fn", "silu");
    for (String type : file.texts("down_block_types")) {
      if (!type.equals("DownEncoderBlock2D")) {
        throw file.unsupported("down_block_types");
      }
    }
    try {
      return new AutoencoderKl.Config(
          file.size("in_channels"),
          file.size("out_channels"),
          file.size("latent_channels"),
          file.sizes("block_out_channels"),
          file.size("layers_per_block"),
          file.size("norm_num_groups", 32),
          file.number("scaling_factor", 0.18215));
    } catch (IllegalArgumentException e) {
      throw new ImportException(file.file() + ": " + e.getMessage(), e);
    }
  }

  /** The noise schedule is Stable Diffusion's; what differs is what the UNet predicts. */
  private static PredictionType schedule(ConfigFile file) throws ImportException {
    file.require("beta_schedule", "scaled_linear");
    file.require("beta_start", 0.00085);
    file.require("beta_end", 0.012);
    file.require("num_train_timesteps", 1000);
    return switch (file.text("prediction_type", "epsilon")) {
      case "epsilon" -> PredictionType.EPSILON;
      case "v_prediction" -> PredictionType.V_PREDICTION;
      default -> throw file.unsupported("prediction_type");
    };
  }

  /** How many tokens DEEM adds: with those for grounding if its state has rows for them. */
  static int added(int originalVocabulary, TensorSource state, String embeddings, int otherwise)
      throws ImportException {
    if (state == null || !state.contains(embeddings)) {
      return otherwise;
    }
    int added = extent(state, embeddings, 0) - originalVocabulary;
    if (added != otherwise && added != TOKENS_FOR_IMAGES) {
      throw new ImportException(
          String.format(
              "%s: its language model has %d tokens, the LLaMA %d; a DEEM adds %d or %d",
              state.origin(embeddings),
              added + originalVocabulary,
              originalVocabulary,
              TOKENS_FOR_IMAGES,
              otherwise));
    }
    return added;
  }

  static int extent(TensorSource weights, String tensor, int axis) throws ImportException {
    long[] shape = weights.info(tensor).shape();
    if (axis >= shape.length || shape[axis] < 1 || shape[axis] > 1 << 24) {
      throw new ImportException(
          weights.origin(tensor)
              + ": tensor "
              + weights.info(tensor)
              + " has a shape that fits no network");
    }
    return (int) shape[axis];
  }

  private static String withoutName(String message) {
    return message.startsWith("config.json: ")
        ? message.substring("config.json: ".length())
        : message;
  }
}
