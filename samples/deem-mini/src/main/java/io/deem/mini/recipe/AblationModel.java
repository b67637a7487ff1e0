package io.deem.mini.recipe;

import io.deem.graph.Param;
import io.deem.mini.DeemMini;
import io.deem.model.AutoencoderKl;
import io.deem.model.ConvNextEncoder;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.LatentDiffusion;
import io.deem.model.MmfsNet;
import io.deem.model.ModelFolder;
import io.deem.model.UNet;
import io.deem.training.InitialDeem;
import io.deem.training.InitialWeights;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The model of the ablation study: deem-mini with a smaller image encoder. Its language model,
 * autoencoder and context resampler are deem-mini's own and stay as they are; what learns to see
 * starts anew.
 */
final class AblationModel {

  /** Where the encoder's parameters are. */
  static final String ENCODER = "visual_tokenizer.sniffer.";

  private static final String AUXILIARY = "auxiliary.";
  private static final ConvNextEncoder.Config SMALL =
      new ConvNextEncoder.Config(
          List.of(1, 1, 2, 1),
          List.of(32, 64, 128, 192),
          7,
          true,
          MiniArchitecture.ENCODER_WIDTH,
          0,
          1e-6);

  private final DeemNetwork network = new DeemNetwork(config());
  private final LatentDiffusion auxiliary;

  AblationModel() {
    DeemConfig config = network.config();
    LatentDiffusion own = network.diffusion();
    AutoencoderKl autoencoder = own.autoencoder();
    auxiliary =
        new LatentDiffusion(
            autoencoder,
            new UNet(config.denoiser(), AUXILIARY + "unet."),
            new MmfsNet(config.denoiserResiduals(), AUXILIARY + "mmfs_module."),
            own.schedule(),
            own.prediction());
  }

  static DeemConfig config() {
    return MiniArchitecture.config(SMALL);
  }

  DeemNetwork network() {
    return network;
  }

  /** A decoder as large as the image prior that has learnt nothing. */
  LatentDiffusion auxiliary() {
    return auxiliary;
  }

  /** All parameters that any arm may need. */
  List<Param> params() {
    List<Param> params = new ArrayList<>(network.params());
    params.addAll(auxiliary.unet().params());
    auxiliary.params().stream()
        .filter(param -> param.name().startsWith(AUXILIARY + "mmfs_module."))
        .forEach(params::add);
    params.addAll(NounTask.params());
    return params;
  }

  /**
   * What an arm starts from.
   *
   * @param seeing weights of what was pre-trained contrastively
   * @param drawing weights of the image prior
   * @param opened gets what has to be closed when all is loaded
   */
  InitialWeights start(Path seeing, Path drawing, long seed, List<AutoCloseable> opened)
      throws IOException {
    ModelFolder mini = ModelFolder.open(DeemMini.folder());
    opened.add(mini);
    InitialWeights start = new InitialWeights(params(), seed);
    start.fill("_temperature", 12);
    start.from(new InitialDeem(network, seed).weights());
    for (Param param : auxiliary.params()) {
      if (param.name().contains("mmfs_module") && param.name().contains(".conv.")) {
        int size = Math.toIntExact(start.info(param.name()).elements());
        start.set(param.name(), () -> new float[size]);
      }
    }
    start.from(mini.weights(), name -> kept(name) ? name : null);
    for (Path each : List.of(seeing, drawing)) {
      TensorSource learnt = SafetensorsFile.open(each);
      opened.add(learnt);
      start.from(learnt);
    }
    return start;
  }

  /** Makes visual tokens as long as the embeddings of words, which the language model knows. */
  static void scaleTokens(InitialWeights start, double norm) {
    String projection = "visual_tokenizer.proj_t.weight";
    float[] rows = start.floats(projection);
    // The resampler's last norm makes its rows as long as the root of their width.
    float factor = (float) (norm / Math.sqrt(MiniArchitecture.LANGUAGE_WIDTH));
    for (int i = 0; i < rows.length; i++) {
      rows[i] *= factor;
    }
    start.set(projection, rows::clone);
  }

  /** What is taken from deem-mini: everything that neither sees nor reads the encoder's maps. */
  private static boolean kept(String name) {
    boolean language =
        (name.startsWith("mm_decoder.") && !name.contains("llama_cross_attn"))
            || name.startsWith("text_decoder.")
            || name.equals("soi_token");
    boolean drawing =
        name.startsWith(MiniArchitecture.AUTOENCODER)
            || name.startsWith("image_decoder.")
            || name.startsWith("context_feat_proj");
    return language || drawing;
  }
}
