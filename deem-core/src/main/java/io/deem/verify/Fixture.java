package io.deem.verify;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.deem.json.ErrorText;
import io.deem.portable.TextFile;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * A folder of reference numbers: {@code config.json} with the sizes and options, {@code
 * io.safetensors} with inputs and results, and {@code model.safetensors} with the weights where a
 * network is involved. The folder's name means nothing; what a fixture holds is read from its
 * contents.
 */
public final class Fixture implements AutoCloseable {

  private static final long LONGEST_JSON = 64L << 20;

  private final Path folder;
  private final JsonObject config;
  private final TrackedTensors io;
  private final TensorSource model;

  private Fixture(Path folder, JsonObject config, TrackedTensors io, TensorSource model) {
    this.folder = folder;
    this.config = config;
    this.io = io;
    this.model = model;
  }

  /**
   * Opens a fixture.
   *
   * @param folder the folder
   * @return the fixture, to be closed after use
   * @throws IOException if a file is missing or malformed; the message names it
   */
  public static Fixture open(Path folder) throws IOException {
    JsonElement config = readJson(folder.resolve("config.json"));
    if (!config.isJsonObject()) {
      throw new IOException(folder.resolve("config.json") + ": is not a JSON object");
    }
    Path tensors = folder.resolve("io.safetensors");
    Path weights = folder.resolve(ModelWeights.SINGLE_FILE);
    Path index = folder.resolve(ModelWeights.INDEX_FILE);
    TrackedTensors io =
        Files.exists(tensors) ? new TrackedTensors(SafetensorsFile.open(tensors)) : null;
    try {
      TensorSource model =
          Files.exists(weights) || Files.exists(index) ? ModelWeights.open(folder) : null;
      return new Fixture(folder, config.getAsJsonObject(), io, model);
    } catch (IOException | RuntimeException e) {
      if (io != null) {
        io.close();
      }
      throw e;
    }
  }

  /** The folder, for messages and for further files. */
  public Path folder() {
    return folder;
  }

  /** The contents of {@code config.json}. */
  public JsonObject config() {
    return config;
  }

  /**
   * The stored inputs and results.
   *
   * @throws IllegalStateException if the fixture has none
   */
  public TensorSource io() {
    if (io == null) {
      throw new IllegalStateException(folder.resolve("io.safetensors") + ": no such file");
    }
    return io;
  }

  /** Whether there is a stored input or result of that name. */
  public boolean has(String tensor) {
    return io != null && io.contains(tensor);
  }

  /** Whether all of these are names of stored inputs or results. */
  public boolean hasAll(String... tensors) {
    for (String tensor : tensors) {
      if (!has(tensor)) {
        return false;
      }
    }
    return true;
  }

  /** The weights, where there are any. */
  public Optional<TensorSource> model() {
    return Optional.ofNullable(model);
  }

  /**
   * The weights.
   *
   * @throws IllegalStateException if the fixture has none
   */
  public TensorSource weights() {
    return model()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    folder.resolve(ModelWeights.SINGLE_FILE) + ": no such file"));
  }

  /**
   * Reads a further JSON file of the folder.
   *
   * @param file its name, without folders
   * @throws IOException if it is missing or malformed
   */
  public JsonElement json(String file) throws IOException {
    return readJson(folder.resolve(file));
  }

  /** The stored inputs and results whose contents nobody has read, in order. */
  public Set<String> unread() {
    Set<String> unread = new LinkedHashSet<>();
    if (io != null) {
      unread.addAll(io.names());
      unread.removeAll(io.read());
    }
    return unread;
  }

  @Override
  public void close() {
    if (io != null) {
      io.close();
    }
    if (model != null) {
      model.close();
    }
  }

  private static JsonElement readJson(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    if (Files.size(file) > LONGEST_JSON) {
      throw new IOException(file + ": is larger than " + (LONGEST_JSON >> 20) + " MiB");
    }
    try {
      // Gson's lenient reader is wanted here: Python writes infinities as bare words.
      return JsonParser.parseString(TextFile.read(file));
    } catch (JsonParseException e) {
      throw new IOException(file + ": is not valid JSON" + ErrorText.place(e), e);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": is not UTF-8 text", e);
    } catch (StackOverflowError e) {
      throw new IOException(file + ": is nested too deeply", e);
    }
  }
}
