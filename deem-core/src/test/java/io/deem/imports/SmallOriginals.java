package io.deem.imports;

import com.google.gson.JsonObject;
import io.deem.diffusion.PredictionType;
import io.deem.graph.Param;
import io.deem.json.RecordJson;
import io.deem.model.AutoencoderKl;
import io.deem.model.ClipActivation;
import io.deem.model.ClipVitEncoder;
import io.deem.model.ConvNextEncoder;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.model.LlamaDecoder;
import io.deem.model.MmfsNet;
import io.deem.model.ModelFolder;
import io.deem.model.PerceiverResampler;
import io.deem.model.Prompts;
import io.deem.model.UNet;
import io.deem.model.VisualTokenizer;
import io.deem.weights.ElementType;
import io.deem.weights.PyTorchWriter;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Writes checkpoints of a reduced model in the layouts in which the original ones are public. */
final class SmallOriginals {

  static final int VOCABULARY = 32_000;
  static final int ADDED = 6;
  static final int WIDTH = 32;

  static final DeemConfig CONFIG =
      new DeemConfig(
          64,
          64,
          new InterleavedBatch.Special(1, 2, 31_999, 32_000, 32_001, 5),
          VOCABULARY,
          new ConvNextEncoder.Config(
              List.of(1, 1, 2, 1), List.of(8, 16, 16, 24), 7, true, 16, 24, 1e-6),
          new PerceiverResampler.Config(5, WIDTH, 16, 48, 2, 4, 2, true, 1e-12),
          new VisualTokenizer.Config(4, WIDTH, 16),
          new LlamaDecoder.Config(
              VOCABULARY + ADDED, WIDTH, 72, 3, 4, 4, 1e-6, 10_000, 2, 16, List.of(8, 4, 2)),
          new PerceiverResampler.Config(7, 16, WIDTH, 64, 1, 4, 1, false, 1e-12),
          new AutoencoderKl.Config(3, 3, 4, List.of(8, 8, 16, 16), 1, 4, 0.18215),
          new UNet.Config(
              4,
              4,
              List.of(8, 8, 16, 16),
              List.of(1, 2, 2, 4),
              List.of(true, true, true, false),
              16,
              2,
              4,
              1e-5),
          new MmfsNet.Config(List.of(8, 8, 16, 16), 2, 16, 32, 4, 8, 10, 8, List.of(64, 32, 16, 8)),
          PredictionType.EPSILON);

  final Path folder;
  final List<Param> params = new DeemNetwork(CONFIG).params();

  SmallOriginals(Path folder) throws IOException {
    this.folder = folder;
    Files.createDirectories(llama());
    for (String part : List.of("unet", "vae", "scheduler")) {
      Files.createDirectories(diffusion().resolve(part));
    }
    Files.writeString(
        llama().resolve("config.json"),
        """
        {"architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": 32,
         "intermediate_size": 72, "num_attention_heads": 4, "num_hidden_layers": 3,
         "rms_norm_eps": 1e-06, "vocab_size": 32000, "pretraining_tp": 1, "rope_scaling": null}
        """);
    try (InputStream in = SmallOriginals.class.getResourceAsStream("/tokenizer/tokenizer.json")) {
      Files.write(llama().resolve("tokenizer.json"), in.readAllBytes());
    }
    Files.writeString(
        diffusion().resolve("unet/config.json"),
        """
        {"_class_name": "UNet2DConditionModel", "act_fn": "silu", "attention_head_dim": [1, 2, 2, 4],
         "block_out_channels": [8, 8, 16, 16], "cross_attention_dim": 16, "flip_sin_to_cos": true,
         "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
           "CrossAttnDownBlock2D", "DownBlock2D"], "freq_shift": 0, "in_channels": 4,
         "layers_per_block": 2, "norm_eps": 1e-05, "norm_num_groups": 4, "out_channels": 4}
        """);
    Files.writeString(
        diffusion().resolve("vae/config.json"),
        """
        {"_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [8, 8, 16, 16],
         "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D",
           "DownEncoderBlock2D"], "in_channels": 3, "latent_channels": 4, "layers_per_block": 1,
         "norm_num_groups": 4, "out_channels": 3}
        """);
    Files.writeString(
        diffusion().resolve("scheduler/scheduler_config.json"),
        """
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
         "num_train_timesteps": 1000, "prediction_type": "epsilon"}
        """);
    JsonObject description =
        RecordJson.write(
                new ModelFolder.Description(
                    "small",
                    CONFIG,
                    new Prompts("{image}A photo of", "{image}{question} Answer:"),
                    false,
                    Map.of()))
            .getAsJsonObject();
    description.addProperty("format", "deem/1");
    Files.writeString(architecture(), description.toString());
  }

  Path llama() {
    return folder.resolve("vicuna");
  }

  Path diffusion() {
    return folder.resolve("stable-diffusion");
  }

  Path architecture() {
    return folder.resolve("small.json");
  }

  /** Every kind of file as safetensors; the LLaMA in shards. */
  Originals safetensors() throws IOException {
    safetensorsShards(llama(), language());
    Path encoder = folder.resolve("open_clip_model.safetensors");
    safetensors(encoder, encoder());
    String file = "diffusion_pytorch_model.safetensors";
    safetensors(diffusion().resolve("unet").resolve(file), unet());
    safetensors(diffusion().resolve("vae").resolve(file), autoencoder(false));
    return Originals.of(llama(), encoder, diffusion()).withArchitecture(architecture());
  }

  /** Every kind of file as PyTorch's; the LLaMA in shards, the VAE by its public names. */
  Originals pytorch() throws IOException {
    pytorchShards(llama(), language());
    Path encoder = Files.createDirectories(folder.resolve("convnext"));
    pytorch(encoder.resolve("open_clip_pytorch_model.bin"), encoder());
    String file = "diffusion_pytorch_model.bin";
    pytorch(diffusion().resolve("unet").resolve(file), unet());
    pytorch(diffusion().resolve("vae").resolve(file), autoencoder(true));
    return Originals.of(llama(), encoder, diffusion()).withArchitecture(architecture());
  }

  // ---------------------------------------------------------------- tensors

  private record Tensor(float[] values, long[] shape) {}

  /** What the original checkpoints hold of a parameter. */
  static float[] values(String param, int size) {
    return gaussian(param.hashCode(), size);
  }

  /** What a trained DEEM holds. */
  static float[] trained(String param, int size) {
    return gaussian(param.hashCode() + 1L, size);
  }

  private static float[] gaussian(long seed, int size) {
    Random random = new Random(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  static int size(Param param) {
    return Math.toIntExact(Arrays.stream(param.shape().extents()).reduce(1, Math::multiplyExact));
  }

  private Map<String, Tensor> language() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Param param : params) {
      String name = param.name();
      if (name.startsWith("mm_decoder.") && !name.contains("llama_cross_attn")) {
        put(tensors, param, name.replace("mm_decoder.", "model."));
      } else if (name.equals("text_decoder.head.weight")) {
        put(tensors, param, "lm_head.weight");
      }
    }
    String frequencies = "model.layers.0.self_attn.rotary_emb.inv_freq";
    tensors.put(frequencies, new Tensor(new float[] {1, 0.1f}, new long[] {2}));
    return tensors;
  }

  private Map<String, Tensor> encoder() {
    Map<String, Tensor> tensors = below("visual_tokenizer.sniffer.vision_model.visual.", "visual.");
    tensors.put("logit_scale", new Tensor(new float[] {4.6f}, new long[] {}));
    tensors.put("text.transformer.resblocks.0.ln_1.weight", new Tensor(new float[4], longs(4)));
    return tensors;
  }

  /**
   * A CLIP with a vision transformer, in its folder: four layers of width 24 with three heads, on
   * images of 5 x 5 patches.
   *
   * @param layout the class of transformers that wrote it, or {@code open_clip}
   */
  Path transformer(String layout) throws IOException {
    ClipVitEncoder.Config vit =
        new ClipVitEncoder.Config(20, 4, 24, 40, 4, 3, ClipActivation.GELU, 1e-6);
    boolean openClip = layout.equals("open_clip");
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Param param : new ClipVitEncoder(vit, "").params()) {
      String name = param.name();
      String inDeem = "visual_tokenizer.sniffer." + name;
      Tensor tensor = new Tensor(values(inDeem, size(param)), param.shape().extents());
      if (!openClip) {
        tensors.put(name, tensor);
      } else if (!name.contains(".k_proj.") && !name.contains(".v_proj.")) {
        tensors.put(openClipName(name), name.contains(".q_proj.") ? fused(inDeem, param) : tensor);
      }
    }
    tensors.put("logit_scale", new Tensor(new float[] {4.6f}, new long[] {}));
    Path clip = Files.createDirectories(folder.resolve(layout));
    if (openClip) {
      pytorch(clip.resolve("open_clip_pytorch_model.bin"), tensors);
      Files.writeString(
          clip.resolve("open_clip_config.json"),
          """
          {"model_cfg": {"embed_dim": 16, "vision_cfg": {"image_size": 20, "layers": 4,
            "width": 24, "head_width": 8, "patch_size": 4, "norm_kwargs": {"eps": 1e-06}}}}
          """);
      return clip;
    }
    safetensors(clip.resolve("model.safetensors"), tensors);
    String vision =
        "{\"hidden_act\": \"quick_gelu\", \"layer_norm_eps\": 1e-06, \"num_attention_heads\": 3}";
    Files.writeString(
        clip.resolve("config.json"),
        layout.equals("CLIPModel") ? "{\"vision_config\": " + vision + "}" : vision);
    return clip;
  }

  private static Tensor fused(String query, Param param) {
    int size = size(param);
    float[] values = Arrays.copyOf(values(query, size), 3 * size);
    float[] keys = values(query.replace(".q_proj.", ".k_proj."), size);
    System.arraycopy(keys, 0, values, size, size);
    System.arraycopy(
        values(query.replace(".q_proj.", ".v_proj."), size), 0, values, 2 * size, size);
    long[] shape = param.shape().extents();
    shape[0] *= 3;
    return new Tensor(values, shape);
  }

  private static String openClipName(String name) {
    return name.replace("vision_model.", "visual.")
        .replace("encoder.layers.", "transformer.resblocks.")
        .replace("embeddings.class_embedding", "class_embedding")
        .replace("embeddings.position_embedding.weight", "positional_embedding")
        .replace("embeddings.patch_embedding", "conv1")
        .replace("pre_layrnorm", "ln_pre")
        .replace("post_layernorm", "ln_post")
        .replace("layer_norm", "ln_")
        .replace("mlp.fc1", "mlp.c_fc")
        .replace("mlp.fc2", "mlp.c_proj")
        .replace("self_attn.q_proj.", "attn.in_proj_")
        .replace("self_attn.", "attn.");
  }

  private Map<String, Tensor> unet() {
    return below("visual_tokenizer.encoder.unet.", "");
  }

  private Map<String, Tensor> autoencoder(boolean publicNames) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    below("visual_tokenizer.encoder.vae.", "")
        .forEach(
            (name, tensor) ->
                tensors.put(
                    publicNames
                        ? name.replace(".to_q.", ".query.")
                            .replace(".to_k.", ".key.")
                            .replace(".to_v.", ".value.")
                            .replace(".to_out.0.", ".proj_attn.")
                        : name,
                    tensor));
    return tensors;
  }

  /** A trained DEEM's state, by the names of the reference, with what it holds besides. */
  Path state() throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Param param : params) {
      Tensor tensor = new Tensor(trained(param.name(), size(param)), param.shape().extents());
      tensors.put(param.name(), tensor);
      if (param.name().equals("image_decoder.neg_prompt_embeds")) {
        tensors.put("visual_tokenizer.neg_prompt_embeds", tensor);
      }
    }
    tensors.put("visual_tokenizer.clip_mean", new Tensor(new float[3], longs(1, 3, 1, 1)));
    Path file = folder.resolve("pytorch_model.bin");
    pytorch(file, tensors);
    return file;
  }

  private Map<String, Tensor> below(String prefix, String there) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Param param : params) {
      if (param.name().startsWith(prefix)) {
        put(tensors, param, there + param.name().substring(prefix.length()));
      }
    }
    return tensors;
  }

  /** Adds a tensor; the LLaMA's tables have no rows for added tokens. */
  private static void put(Map<String, Tensor> tensors, Param param, String name) {
    long[] shape = param.shape().extents();
    float[] values = values(param.name(), size(param));
    if (shape[0] == VOCABULARY + ADDED) {
      shape[0] = VOCABULARY;
      values = Arrays.copyOf(values, VOCABULARY * WIDTH);
    }
    tensors.put(name, new Tensor(values, shape));
  }

  // ---------------------------------------------------------------- files

  private static void safetensors(Path file, Map<String, Tensor> tensors) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    tensors.forEach((name, t) -> writer.floats(name, ElementType.F32, t.shape, () -> t.values));
    writer.write(file);
  }

  private static void pytorch(Path file, Map<String, Tensor> tensors) throws IOException {
    PyTorchWriter writer = new PyTorchWriter();
    tensors.forEach((name, t) -> writer.floats(name, t.values, t.shape));
    writer.write(file, "archive/");
  }

  private static void safetensorsShards(Path folder, Map<String, Tensor> tensors)
      throws IOException {
    for (int i = 1; i <= 2; i++) {
      safetensors(folder.resolve(shard("model", i, "safetensors")), half(tensors, i));
    }
    index(folder.resolve("model.safetensors.index.json"), tensors, "model", "safetensors");
  }

  private static void pytorchShards(Path folder, Map<String, Tensor> tensors) throws IOException {
    for (int i = 1; i <= 2; i++) {
      pytorch(folder.resolve(shard("pytorch_model", i, "bin")), half(tensors, i));
    }
    index(folder.resolve("pytorch_model.bin.index.json"), tensors, "pytorch_model", "bin");
  }

  private static void index(Path file, Map<String, Tensor> tensors, String stem, String ending)
      throws IOException {
    JsonObject map = new JsonObject();
    for (int i = 1; i <= 2; i++) {
      String shard = shard(stem, i, ending);
      half(tensors, i).keySet().forEach(name -> map.addProperty(name, shard));
    }
    JsonObject json = new JsonObject();
    json.add("weight_map", map);
    Files.writeString(file, json.toString());
  }

  private static Map<String, Tensor> half(Map<String, Tensor> tensors, int shard) {
    Map<String, Tensor> half = new LinkedHashMap<>();
    int at = 0;
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      if (at++ % 2 == shard - 1) {
        half.put(entry.getKey(), entry.getValue());
      }
    }
    return half;
  }

  static String shard(String stem, int number, String ending) {
    return String.format("%s-%05d-of-00002.%s", stem, number, ending);
  }

  private static long[] longs(long... values) {
    return values;
  }
}
