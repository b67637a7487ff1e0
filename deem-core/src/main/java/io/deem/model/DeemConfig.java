package io.deem.model;

import io.deem.diffusion.PredictionType;

/**
 * Everything that decides what a DEEM computes, but its weights.
 *
 * @param imageSize side of the square that the image encoder sees, in pixels
 * @param drawnSize side of the square that the image decoder draws, in pixels
 * @param special token ids with a meaning of their own
 * @param originalVocabulary ids from here on were added to the language model's vocabulary
 * @param encoder the image encoder
 * @param visualResampler reads the encoder's tokens
 * @param visualTokenizer what joins the two
 * @param languageModel the decoder with its cross-attention to images
 * @param contextResampler reads the language model's output for the image decoder
 * @param autoencoder the image decoder's latents
 * @param denoiser the image decoder's UNet
 * @param denoiserResiduals its multi-scale residuals
 * @param prediction what the UNet predicts
 */
public record DeemConfig(
    int imageSize,
    int drawnSize,
    InterleavedBatch.Special special,
    int originalVocabulary,
    ImageEncoder.Config encoder,
    PerceiverResampler.Config visualResampler,
    VisualTokenizer.Config visualTokenizer,
    LlamaDecoder.Config languageModel,
    PerceiverResampler.Config contextResampler,
    AutoencoderKl.Config autoencoder,
    UNet.Config denoiser,
    MmfsNet.Config denoiserResiduals,
    PredictionType prediction) {

  public DeemConfig {
    require("special.tokensPerImage", special.tokensPerImage(), visualResampler.queries());
    require("visualResampler.encoderWidth", visualResampler.encoderWidth(), encoder.featureWidth());
    if (!encoder.sees(imageSize)) {
      throw new IllegalArgumentException(
          "architecture.imageSize is " + imageSize + ", which the image encoder does not see");
    }
    require(
        "visualTokenizer.languageWidth", visualTokenizer.languageWidth(), languageModel.width());
    require(
        "visualTokenizer.conditionWidth",
        visualTokenizer.conditionWidth(),
        denoiser.crossAttentionDim());
    require("contextResampler.width", contextResampler.width(), denoiser.crossAttentionDim());
    require(
        "contextResampler.encoderWidth", contextResampler.encoderWidth(), languageModel.width());
    require("denoiser.inChannels", denoiser.inChannels(), autoencoder.latentChannels());
    require(
        "denoiserResiduals.inputChannel", denoiserResiduals.inputChannel(), encoder.featureWidth());
  }

  private static void require(String name, int value, int expected) {
    if (value != expected) {
      throw new IllegalArgumentException(
          "architecture." + name + " is " + value + ", but its neighbour needs " + expected);
    }
  }
}
