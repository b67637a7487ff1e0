package io.deem.bench;

import io.deem.model.DeemConfig;
import io.deem.model.FullSize;
import io.deem.model.ImageEncoder;
import io.deem.model.LlamaDecoder;
import io.deem.model.ModelFolder;
import io.deem.model.UNet;
import io.deem.training.TrainingProfile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The sizes of what is measured: a named network with random weights, or a model folder.
 *
 * @param name how it is asked for
 * @param folder the model's folder; empty where the weights are random
 * @param languageModel reads and writes tokens
 * @param encoder sees pictures
 * @param denoiser draws pictures
 * @param whole all of it, where that is more than one of these
 * @param imageSize the side of the pictures that are seen, or drawn, in pixels; 0 without pictures
 */
public record Shape(
    String name,
    Optional<Path> folder,
    Optional<LlamaDecoder.Config> languageModel,
    Optional<ImageEncoder.Config> encoder,
    Optional<UNet.Config> denoiser,
    Optional<DeemConfig> whole,
    int imageSize) {

  /** The names that need no folder. */
  public static final List<String> NAMES =
      List.of("llama-1.1b", "vicuna-7b", "convnext-b-256", "sd21-unet-512", "deem-100m");

  /**
   * The shape of that name, or of the model folder there.
   *
   * @throws IllegalArgumentException if it is neither
   * @throws IOException if the folder's description cannot be read
   */
  public static Shape of(String name) throws IOException {
    DeemConfig paper = FullSize.architecture();
    return switch (name) {
      case "llama-1.1b" -> language(name, 32_000, 2048, 5632, 22, 32, 4);
      case "vicuna-7b" -> language(name, 32_000, 4096, 11_008, 32, 32, 32);
      case "convnext-b-256" ->
          new Shape(
              name,
              Optional.empty(),
              Optional.empty(),
              Optional.of(paper.encoder()),
              Optional.empty(),
              Optional.empty(),
              256);
      case "sd21-unet-512" ->
          new Shape(
              name,
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              Optional.of(paper.denoiser()),
              Optional.empty(),
              512);
      case "deem-100m" -> of(name, Optional.empty(), TrainingProfile.hundredMillion());
      default -> ofFolder(name);
    };
  }

  private static Shape language(
      String name, int vocabulary, int width, int inner, int layers, int heads, int keyHeads) {
    LlamaDecoder.Config config =
        new LlamaDecoder.Config(
            vocabulary, width, inner, layers, heads, keyHeads, 1e-5, 10_000, 0, 0, List.of());
    return new Shape(
        name,
        Optional.empty(),
        Optional.of(config),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        0);
  }

  private static Shape ofFolder(String name) throws IOException {
    Path folder = Path.of(name);
    if (!Files.isDirectory(folder)) {
      throw new IllegalArgumentException(
          name + " is neither a model folder nor one of " + String.join(", ", NAMES));
    }
    ModelFolder.Description description =
        ModelFolder.describe(folder.resolve(ModelFolder.DESCRIPTION_FILE));
    return of(description.name(), Optional.of(folder), description.architecture());
  }

  private static Shape of(String name, Optional<Path> folder, DeemConfig whole) {
    return new Shape(
        name,
        folder,
        Optional.of(whole.languageModel()),
        Optional.of(whole.encoder()),
        Optional.of(whole.denoiser()),
        Optional.of(whole),
        whole.imageSize());
  }
}
