package io.deem.imports;

import io.deem.model.ClipActivation;
import io.deem.model.ClipVitEncoder;
import io.deem.model.ConvNextEncoder;
import io.deem.model.DeemConfig;
import io.deem.model.ImageEncoder;
import io.deem.model.VitAdapter;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The image encoder in a checkpoint: a ConvNeXt of open_clip, or a CLIP vision transformer in
 * Hugging Face's or open_clip's layout. Its sizes are those of its tensors; what no tensor tells,
 * heads and activation, stands in a configuration beside them.
 */
final class OriginalEncoder {

  private static final int STAGES = 4;
  private static final String CONVNEXT = "visual.trunk.stages.";
  private static final String FIRST_BLOCK = CONVNEXT + "0.blocks.0.";
  private static final String PATCHES = "vision_model.embeddings.patch_embedding.weight";
  private static final String OPEN_CLIP_PATCHES = "visual.conv1.weight";
  private static final String OPEN_CLIP_LAYERS = "visual.transformer.resblocks.";
  private static final String SNIFFER = "visual_tokenizer.sniffer.";

  /** Of the adapter's first convolution, in published models. */
  private static final int CHANNELS = 64;

  /** Places that a head of the adapter's attention looks at in a map, in published models. */
  private static final int POINTS = 4;

  /** Of a head in OpenAI's models, and in open_clip's unless they say otherwise. */
  private static final int HEAD_WIDTH = 64;

  private static final double NORM_EPSILON = 1e-5;

  private final TensorSource weights;
  private final Path path;
  private final boolean ofDeem;
  private final DeemConfig paper;

  /**
   * An encoder.
   *
   * @param path where its weights were read from
   * @param ofDeem whether they are those of a trained DEEM
   * @param paper what the adapter around the encoder is like
   */
  OriginalEncoder(TensorSource weights, Path path, boolean ofDeem, DeemConfig paper) {
    this.weights = weights;
    this.path = path;
    this.ofDeem = ofDeem;
    this.paper = paper;
  }

  /** The encoder's sizes. */
  ImageEncoder.Config sizes() throws IOException {
    String[] before = {"", "module.", SNIFFER, "module." + SNIFFER};
    for (String prefix : before) {
      String inside = prefix.endsWith(SNIFFER) ? prefix + "vision_model." : prefix;
      if (weights.contains(inside + FIRST_BLOCK + "conv_dw.weight")) {
        return convNext(inside);
      }
      if (weights.contains(prefix + PATCHES)) {
        return transformer(prefix);
      }
      if (weights.contains(prefix + OPEN_CLIP_PATCHES)
          && weights.contains(prefix + OPEN_CLIP_LAYERS + "0.mlp.c_fc.weight")) {
        return openClipTransformer(prefix);
      }
    }
    throw new ImportException(
        weights.origin()
            + ": is neither an open_clip ConvNeXt (visual.trunk.stages.0...) nor a CLIP vision"
            + " transformer (vision_model.embeddings... or visual.transformer.resblocks...)");
  }

  private ConvNextEncoder.Config convNext(String prefix) throws ImportException {
    String trunk = prefix + CONVNEXT;
    List<Integer> depths = new ArrayList<>();
    List<Integer> dims = new ArrayList<>();
    for (int stage = 0; stage < STAGES; stage++) {
      int depth = count(trunk + stage + ".blocks.", ".conv_dw.weight");
      if (depth == 0) {
        throw new ImportException(weights.origin() + ": a ConvNeXt without stage " + stage);
      }
      depths.add(depth);
      dims.add(extent(trunk + stage + ".blocks.0.conv_dw.weight", 0));
    }
    String head = prefix + "visual.head.mlp.fc2.weight";
    return new ConvNextEncoder.Config(
        depths,
        dims,
        extent(trunk + "0.blocks.0.conv_dw.weight", 3),
        weights.contains(trunk + "0.blocks.0.gamma"),
        paper.encoder().featureWidth(),
        weights.contains(head) ? extent(head, 0) : 0,
        ConvNextEncoder.Config.BASE.normEps());
  }

  // ---------------------------------------------------------------- vision transformers

  /** Hugging Face's layout, which is DEEM's too. */
  private VitAdapter.Config transformer(String prefix) throws IOException {
    int width = extent(prefix + PATCHES, 0);
    int heads = width / HEAD_WIDTH;
    ClipActivation activation = ClipActivation.QUICK_GELU;
    double epsilon = NORM_EPSILON;
    if (!ofDeem) {
      ConfigFile file = configuration("config.json");
      ConfigFile own = file.has("vision_config") ? file.section("vision_config") : file;
      heads = own.size("num_attention_heads", 12);
      activation = activation(own);
      epsilon = own.number("layer_norm_eps", NORM_EPSILON);
    }
    String layers = prefix + "vision_model.encoder.layers.";
    ClipVitEncoder.Config vit =
        vit(
            prefix + PATCHES,
            layers + "0.mlp.fc1.weight",
            count(layers, ".mlp.fc1.weight"),
            heads,
            activation,
            epsilon);
    return adapted(vit, prefix + "vision_model.");
  }

  private VitAdapter.Config openClipTransformer(String prefix) throws IOException {
    String layers = prefix + OPEN_CLIP_LAYERS;
    if (weights.contains(layers + "0.ls_1.gamma")) {
      throw new ImportException(
          weights.origin() + ": a vision transformer with layer scale is not supported");
    }
    ConfigFile file = configuration("open_clip_config.json");
    ConfigFile model = file.has("model_cfg") ? file.section("model_cfg") : file;
    ConfigFile own = model.section("vision_cfg");
    for (String entry : List.of("act_kwargs", "timm_model_name", "input_patchnorm")) {
      if (own.has(entry)) {
        own.require(entry, false);
      }
    }
    double epsilon =
        own.has("norm_kwargs")
            ? own.section("norm_kwargs").number("eps", NORM_EPSILON)
            : NORM_EPSILON;
    ClipVitEncoder.Config vit =
        vit(
            prefix + OPEN_CLIP_PATCHES,
            layers + "0.mlp.c_fc.weight",
            count(layers, ".mlp.c_fc.weight"),
            extent(prefix + OPEN_CLIP_PATCHES, 0) / own.size("head_width", HEAD_WIDTH),
            model.flag("quick_gelu", false) ? ClipActivation.QUICK_GELU : ClipActivation.GELU,
            epsilon);
    return adapted(vit, prefix);
  }

  /**
   * The transformer as DEEM runs it: on images of as many patches as DEEM has positions, whatever
   * it was trained on, its position embeddings resized.
   */
  private ClipVitEncoder.Config vit(
      String patches,
      String firstLayer,
      int layers,
      int heads,
      ClipActivation activation,
      double epsilon)
      throws ImportException {
    if (layers == 0) {
      throw new ImportException(weights.origin() + ": a vision transformer without layers");
    }
    int patch = extent(patches, 3);
    try {
      return new ClipVitEncoder.Config(
          Math.multiplyExact(paper.visualTokenizer().positionGrid(), patch),
          patch,
          extent(patches, 0),
          extent(firstLayer, 0),
          layers,
          heads,
          activation,
          epsilon);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new ImportException(weights.origin() + ": " + e.getMessage(), e);
    }
  }

  /** With the adapter that the checkpoint has, else the published one. */
  private VitAdapter.Config adapted(ClipVitEncoder.Config vit, String model)
      throws ImportException {
    String kernel = model + "adapter_spm.stem.0.weight";
    String projection = model + "fc_proj.weight";
    String attention = model + "adapter_interactions.0.extractor.attn.attention_weights.weight";
    int wanted = paper.encoder().featureWidth();
    int width = vit.width() == wanted ? 0 : wanted;
    int points = POINTS;
    int channels = CHANNELS;
    if (weights.contains(kernel)) {
      channels = extent(kernel, 0);
      width = weights.contains(projection) ? extent(projection, 0) : 0;
      points = weights.contains(attention) ? extent(attention, 0) / vit.heads() : POINTS;
    }
    try {
      return new VitAdapter.Config(vit, channels, points, width);
    } catch (IllegalArgumentException e) {
      throw new ImportException(weights.origin() + ": " + e.getMessage(), e);
    }
  }

  private ConfigFile configuration(String name) throws IOException {
    Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
    Path file = folder.resolve(name);
    if (!Files.exists(file)) {
      throw new ImportException(
          path
              + ": a vision transformer needs "
              + name
              + " beside its weights, which says its heads and activation");
    }
    return ConfigFile.read(file);
  }

  private static ClipActivation activation(ConfigFile file) throws ImportException {
    try {
      return ClipActivation.named(file.text("hidden_act", "quick_gelu"));
    } catch (IllegalArgumentException e) {
      throw file.unsupported("hidden_act");
    }
  }

  // ---------------------------------------------------------------- tensors

  private int count(String before, String after) {
    int count = 0;
    while (weights.contains(before + count + after)) {
      count++;
    }
    return count;
  }

  private int extent(String tensor, int axis) throws ImportException {
    return OriginalArchitecture.extent(weights, tensor, axis);
  }
}
