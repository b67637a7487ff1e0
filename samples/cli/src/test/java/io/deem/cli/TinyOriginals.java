package io.deem.cli;

import io.deem.text.TokenizerFile;
import io.deem.weights.ElementType;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** A tiny model taken apart into the checkpoints that it could have been made of. */
final class TinyOriginals {

  static final int OWN_TOKENS = 96;
  static final int WIDTH = 32;

  final Path tiny;
  private final Path folder;

  TinyOriginals(Path folder) throws IOException, URISyntaxException {
    this.folder = folder;
    tiny = Path.of(TinyOriginals.class.getResource("/models/tiny").toURI());
    Files.createDirectories(folder.resolve("llama"));
    Files.writeString(
        folder.resolve("llama/config.json"),
        """
        {"hidden_act": "silu", "hidden_size": 32, "intermediate_size": 72, "vocab_size": 96,
         "num_attention_heads": 4, "num_hidden_layers": 3, "rms_norm_eps": 1e-05}
        """);
    TokenizerFile.read(tiny).withoutAddedTokens().write(folder.resolve("llama/tokenizer.json"));
    try (ModelWeights all = ModelWeights.open(tiny)) {
      write(all, "llama/model.safetensors", "mm_decoder.", "model.");
      write(all, "encoder.safetensors", "visual_tokenizer.sniffer.vision_model.visual.", "visual.");
      String file = "/diffusion_pytorch_model.safetensors";
      write(all, "sd/unet" + file, "visual_tokenizer.encoder.unet.", "");
      write(all, "sd/vae" + file, "visual_tokenizer.encoder.vae.", "");
    }
  }

  private void write(TensorSource all, String file, String prefix, String there)
      throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (String name : all.names()) {
      if (name.contains("llama_cross_attn")) {
        continue;
      }
      if (name.startsWith(prefix)) {
        add(writer, all, name, there + name.substring(prefix.length()));
      } else if (there.equals("model.") && name.equals("text_decoder.head.weight")) {
        add(writer, all, name, "lm_head.weight");
      }
    }
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    writer.write(path);
  }

  private static void add(SafetensorsWriter writer, TensorSource all, String name, String there) {
    TensorInfo info = all.info(name);
    long[] shape = info.shape();
    float[] values = all.floats(name);
    if (shape[0] > OWN_TOKENS && shape.length == 2 && shape[1] == WIDTH && isTable(name)) {
      shape[0] = OWN_TOKENS;
      values = Arrays.copyOf(values, OWN_TOKENS * WIDTH);
    }
    float[] stored = values;
    writer.floats(there, ElementType.F32, shape, () -> stored);
  }

  static boolean isTable(String name) {
    return name.equals("mm_decoder.embed_tokens.weight") || name.equals("text_decoder.head.weight");
  }

  /** The arguments that make a model of these checkpoints. */
  Object[] importTo(Path model, Object... more) {
    Object[] arguments = {
      "import",
      model,
      "--llama",
      folder.resolve("llama"),
      "--encoder",
      folder.resolve("encoder.safetensors"),
      "--stable-diffusion",
      folder.resolve("sd"),
      "--architecture",
      tiny.resolve("deem.json"),
      "--seed",
      5
    };
    Object[] all = Arrays.copyOf(arguments, arguments.length + more.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return all;
  }
}
