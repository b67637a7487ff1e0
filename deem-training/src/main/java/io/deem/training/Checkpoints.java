package io.deem.training;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.torch.TorchSession;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The checkpoints of a run: a folder {@code step-NNNNNNNN} each, with the weights, the optimiser's
 * moments and the position. A checkpoint is written under another name and then renamed, so that
 * one that is there is whole.
 */
final class Checkpoints {

  private static final String PREFIX = "step-";
  private static final String UNFINISHED = ".unfinished";

  private final Path folder;
  private final int kept;

  /**
   * The checkpoints in a folder.
   *
   * @param kept how many of the newest stay; at least 1
   */
  Checkpoints(Path folder, int kept) {
    this.folder = folder;
    this.kept = kept;
  }

  /** Writes a checkpoint, then removes those that are too many. */
  void save(TorchSession session, Optimizer optimizer, long step, String recipe)
      throws IOException {
    Files.createDirectories(folder);
    Path target = folder.resolve(String.format("%s%08d", PREFIX, step));
    if (Files.exists(target)) {
      return;
    }
    Path unfinished = folder.resolve(target.getFileName() + UNFINISHED);
    delete(unfinished);
    Files.createDirectory(unfinished);
    SessionWeights.of(session).write(unfinished.resolve("model.safetensors"));
    SafetensorsWriter moments = new SafetensorsWriter();
    optimizer.write(moments);
    moments.write(unfinished.resolve("optimizer.safetensors"));
    JsonObject state = new JsonObject();
    state.addProperty("step", step);
    state.addProperty("optimizerSteps", optimizer.steps());
    state.addProperty("recipe", recipe);
    Path stateFile = unfinished.resolve("state.json");
    Files.writeString(stateFile, state.toString(), StandardCharsets.UTF_8);
    try (FileChannel channel = FileChannel.open(stateFile, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
    removeOld();
  }

  /** The newest whole checkpoint. */
  Optional<Path> newest() throws IOException {
    List<Path> all = all();
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /**
   * Restores a checkpoint into a session whose parameters are loaded.
   *
   * @return the step to go on with
   * @throws IOException if the checkpoint is of another recipe or damaged
   */
  static long restore(Path checkpoint, TorchSession session, Optimizer optimizer, String recipe)
      throws IOException {
    JsonObject state;
    try {
      state =
          JsonParser.parseString(Files.readString(checkpoint.resolve("state.json")))
              .getAsJsonObject();
    } catch (RuntimeException e) {
      throw new IOException(checkpoint + ": state.json is damaged: " + e.getMessage(), e);
    }
    if (!state.get("recipe").getAsString().equals(recipe)) {
      throw new IOException(
          checkpoint
              + " was made by another recipe: "
              + state.get("recipe").getAsString()
              + ", now "
              + recipe);
    }
    try (SafetensorsFile weights = SafetensorsFile.open(checkpoint.resolve("model.safetensors"));
        SafetensorsFile moments =
            SafetensorsFile.open(checkpoint.resolve("optimizer.safetensors"))) {
      for (String name : session.params()) {
        session.set(name, weights.floats(name, session.param(name).shape()));
      }
      optimizer.restore(moments, state.get("optimizerSteps").getAsLong());
    }
    return state.get("step").getAsLong();
  }

  private List<Path> all() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return new ArrayList<>(
          entries
              .filter(path -> path.getFileName().toString().matches(PREFIX + "\\d{8}"))
              .sorted()
              .toList());
    }
  }

  private void removeOld() throws IOException {
    List<Path> all = all();
    for (Path old : all.subList(0, Math.max(0, all.size() - kept))) {
      delete(old);
    }
  }

  private static void delete(Path tree) throws IOException {
    if (!Files.exists(tree)) {
      return;
    }
    try (Stream<Path> files = Files.walk(tree)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
