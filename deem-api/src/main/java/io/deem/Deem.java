package io.deem;

import io.deem.spi.RuntimeProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;

/**
 * An open model. Safe for use from many threads; close it to free its memory.
 *
 * <pre>{@code
 * try (Deem deem = Deem.open(Paths.get("models/deem-mini"))) {
 *   Answer answer = deem.perceiver().ask(Image.read(photo), "Is there a dog in the image?");
 *   System.out.println(answer.text() + " " + answer.probability());
 * }
 * }</pre>
 */
public interface Deem extends AutoCloseable {

  /**
   * Opens a model folder with the best runtime on the class path.
   *
   * @param folder holds {@code deem.json}, {@code model.safetensors} and {@code tokenizer.json}
   * @throws IOException if the folder is not a model, in one line that names the file
   * @throws IllegalStateException if no runtime is usable, saying why for each
   */
  static Deem open(Path folder) throws IOException {
    return open(folder, DeemOptions.defaults());
  }

  /** Opens a model folder as {@link #open(Path)} does, with options. */
  static Deem open(Path folder, DeemOptions options) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new IOException(folder + ": there is no such model folder");
    }
    List<String> reasons = new ArrayList<>();
    List<RuntimeProvider> providers = new ArrayList<>();
    ServiceLoader.load(RuntimeProvider.class).forEach(providers::add);
    providers.sort(Comparator.comparingInt(RuntimeProvider::priority).reversed());
    for (RuntimeProvider provider : providers) {
      if (options.runtime() != null && !options.runtime().equals(provider.name())) {
        reasons.add(provider.name() + ": not the one asked for");
        continue;
      }
      String reason = provider.unusableBecause();
      if (reason == null) {
        return provider.open(folder, options);
      }
      reasons.add(provider.name() + ": " + reason);
    }
    String asked = options.runtime() == null ? "" : " named '" + options.runtime() + "'";
    throw new IllegalStateException(
        "no usable runtime"
            + asked
            + (reasons.isEmpty()
                ? "; add deem-runtime-cpu, -gpu or -exported to the class path"
                : " (" + String.join("; ", reasons) + ")"));
  }

  /** Answers about images. */
  Perceiver perceiver();

  /**
   * Makes the model see images of a new kind better, from the images alone.
   *
   * @throws UnsupportedOperationException if the runtime cannot learn
   */
  default Aligner aligner() {
    throw new UnsupportedOperationException("this runtime cannot align a model");
  }

  /**
   * Trains the model on one's own data.
   *
   * @throws UnsupportedOperationException if this runtime cannot train
   */
  default Trainer trainer() {
    throw new UnsupportedOperationException("this runtime cannot train");
  }

  /** What the model is, from its {@code deem.json}. */
  ModelInfo info();

  /** How the cache of encoded images serves; see {@link DeemOptions#cacheBytes}. */
  default CacheStats cacheStats() {
    return CacheStats.NONE;
  }

  /** Frees the model. Calls that are still running end with an {@link IllegalStateException}. */
  @Override
  void close();
}
