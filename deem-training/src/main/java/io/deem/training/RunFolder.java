package io.deem.training;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.weights.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The folder of a run: {@code run.json}, which says what run it is, {@code checkpoints}, {@code
 * metrics.jsonl}, TensorBoard's event files, {@code report.html}, and the trained model in {@code
 * model}.
 *
 * @param path of the folder
 */
record RunFolder(Path path) {

  private static final String RUN = "run.json";
  private static final String FORMAT = "deem-run/1";

  /** Where checkpoints are. */
  Path checkpoints() {
    return path.resolve("checkpoints");
  }

  /** Where the trained model is written. */
  Path model() {
    return path.resolve("model");
  }

  /** Where the weights of the best checkpoint become a model, if it is not the last. */
  Path best() {
    return path.resolve("best");
  }

  /** The factors alone, if the recipe has adapters. */
  Path adapters() {
    return path.resolve("adapters.safetensors");
  }

  /** The page about the run. */
  Path report() {
    return path.resolve("report.html");
  }

  /**
   * Refuses a folder before the time that loading takes: one that has a run which is not to be
   * resumed, or none where one is.
   */
  void requireFit(boolean resume) throws IOException {
    boolean there = Files.exists(path.resolve(RUN));
    if (there && !resume) {
      throw new IOException(path + " has a run already; resume it, or choose another folder");
    }
    if (!there && resume) {
      throw new IOException(path + " has no run to resume (" + RUN + " is missing)");
    }
  }

  /**
   * Takes the folder for a run, or finds that it is this run's.
   *
   * @throws IOException if it has another run, in one line that says what differs
   */
  void open(RunIdentity identity) throws IOException {
    Files.createDirectories(path);
    Path file = path.resolve(RUN);
    if (Files.exists(file)) {
      identity.require(file, read(file));
      return;
    }
    JsonObject json = new JsonObject();
    json.addProperty("format", FORMAT);
    json.add("identity", identity.json());
    write(file, new GsonBuilder().setPrettyPrinting().create().toJson(json) + "\n");
  }

  private static RunIdentity read(Path file) throws IOException {
    try {
      JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
      return RunIdentity.read(json.get("identity"));
    } catch (RuntimeException e) {
      throw new IOException(file + ": is damaged: " + e.getMessage(), e);
    }
  }

  /** Replaces a text file in one step. */
  static void write(Path file, String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    AtomicFile.write(
        file,
        channel -> {
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }
}
