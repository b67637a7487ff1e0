package io.deem.training;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.torch.TorchSession;
import io.deem.weights.AtomicFile;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * The checkpoints of a run: a folder {@code step-NNNNNNNN} each, with the weights that learn, the
 * optimiser's state and the position. Everything is written under another name, forced to the disk
 * and then renamed, so that a checkpoint that is there is whole, whenever the process or the
 * machine stopped.
 *
 * <p>The newest stay, and of those with a validation loss the best.
 */
final class Checkpoints {

  private static final String PREFIX = "step-";
  private static final String NAME = PREFIX + "\\d{8}";
  private static final String UNFINISHED = ".unfinished";
  private static final String DISCARDED = ".discarded";
  private static final String WEIGHTS = "model.safetensors";
  private static final String OPTIMIZER = "optimizer.safetensors";
  private static final String STATE = "state.json";
  private static final String FORMAT = "deem-checkpoint/1";

  /**
   * Where a run stands.
   *
   * @param step steps done
   * @param position examples drawn; with the seed it gives all later data and randomness
   * @param seed of all randomness
   * @param validationLoss at this step; NaN if there is none
   * @param identity of the run
   */
  record State(long step, long position, long seed, double validationLoss, RunIdentity identity) {}

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

  /**
   * Writes a checkpoint, then removes those that are too many.
   *
   * @throws IOException if it cannot be written, for example because the disk is full; those that
   *     are there stay as they are, and the message says which is the last
   */
  void save(TorchSession session, Optimizer optimizer, State state) throws IOException {
    Path target = folder.resolve(String.format("%s%08d", PREFIX, state.step));
    if (Files.exists(target)) {
      return;
    }
    Path unfinished = folder.resolve(target.getFileName() + UNFINISHED);
    try {
      Files.createDirectories(folder);
      removeRemains();
      Files.createDirectory(unfinished);
      write(unfinished, session, optimizer, state);
      force(unfinished);
      Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
      force(folder);
      removeOld();
    } catch (IOException e) {
      delete(unfinished);
      throw new IOException(
          folder
              + ": the checkpoint of step "
              + state.step
              + " cannot be written ("
              + reason(e)
              + "); "
              + newest()
                  .map(path -> "the last whole one is " + path.getFileName())
                  .orElse("none is there"),
          e);
    }
  }

  private static void write(Path into, TorchSession session, Optimizer optimizer, State state)
      throws IOException {
    SessionWeights.of(session, session.trainableParams()).write(into.resolve(WEIGHTS));
    SafetensorsWriter moments = new SafetensorsWriter();
    optimizer.write(moments);
    moments.write(into.resolve(OPTIMIZER));
    JsonObject json = new JsonObject();
    json.addProperty("format", FORMAT);
    json.addProperty("step", state.step);
    json.addProperty("position", state.position);
    json.addProperty("seed", state.seed);
    json.addProperty("optimizerSteps", optimizer.steps());
    if (!Double.isNaN(state.validationLoss)) {
      json.addProperty("validationLoss", state.validationLoss);
    }
    json.add("identity", state.identity.json());
    JsonObject files = new JsonObject();
    for (String name : List.of(WEIGHTS, OPTIMIZER)) {
      JsonObject file = new JsonObject();
      file.addProperty("bytes", Files.size(into.resolve(name)));
      file.addProperty("crc32c", checksum(into.resolve(name)));
      files.add(name, file);
    }
    json.add("files", files);
    ByteBuffer text = ByteBuffer.wrap(json.toString().getBytes(StandardCharsets.UTF_8));
    AtomicFile.write(
        into.resolve(STATE),
        channel -> {
          while (text.hasRemaining()) {
            channel.write(text);
          }
        });
  }

  /** The newest checkpoint. */
  Optional<Path> newest() throws IOException {
    List<Path> all = all();
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** Of the checkpoints with a validation loss the best. */
  Optional<Path> best() throws IOException {
    Path best = null;
    double least = Double.POSITIVE_INFINITY;
    for (Path checkpoint : all()) {
      double loss = state(checkpoint, read(checkpoint)).validationLoss;
      if (loss < least) {
        least = loss;
        best = checkpoint;
      }
    }
    return Optional.ofNullable(best);
  }

  /**
   * Restores a checkpoint into a session whose parameters are loaded.
   *
   * @return the state to go on with
   * @throws IOException if the checkpoint is another run's or damaged, in one line that says how
   */
  static State restore(
      Path checkpoint, TorchSession session, Optimizer optimizer, RunIdentity identity)
      throws IOException {
    JsonObject json = read(checkpoint);
    State state = state(checkpoint, json);
    identity.require(checkpoint, state.identity);
    for (String name : List.of(WEIGHTS, OPTIMIZER)) {
      requireWhole(checkpoint.resolve(name), json);
    }
    try (SafetensorsFile weights = SafetensorsFile.open(checkpoint.resolve(WEIGHTS));
        SafetensorsFile moments = SafetensorsFile.open(checkpoint.resolve(OPTIMIZER))) {
      for (String name : session.trainableParams()) {
        session.set(name, weights.floats(name, session.param(name).shape()));
      }
      optimizer.restore(moments, json.get("optimizerSteps").getAsLong());
    } catch (IllegalArgumentException e) {
      throw new IOException(checkpoint + " does not fit this model: " + e.getMessage(), e);
    }
    return state;
  }

  /** Loads the weights of a checkpoint that is whole, without the optimiser's state. */
  static void loadWeights(Path checkpoint, TorchSession session) throws IOException {
    requireWhole(checkpoint.resolve(WEIGHTS), read(checkpoint));
    try (SafetensorsFile weights = SafetensorsFile.open(checkpoint.resolve(WEIGHTS))) {
      for (String name : weights.names()) {
        session.set(name, weights.floats(name, session.param(name).shape()));
      }
    }
  }

  /** What a checkpoint says about its run, without reading its weights. */
  static State describe(Path checkpoint) throws IOException {
    return state(checkpoint, read(checkpoint));
  }

  private static void requireWhole(Path file, JsonObject state) throws IOException {
    JsonObject expected =
        state.getAsJsonObject("files").getAsJsonObject(file.getFileName().toString());
    if (!Files.exists(file)) {
      throw damaged(file, "is missing");
    }
    long bytes = expected.get("bytes").getAsLong();
    if (Files.size(file) != bytes) {
      throw damaged(file, "has " + Files.size(file) + " bytes, not " + bytes);
    }
    if (checksum(file) != expected.get("crc32c").getAsLong()) {
      throw damaged(file, "has another checksum than when it was written");
    }
  }

  private static IOException damaged(Path file, String how) {
    return new IOException(
        file + ": " + how + "; delete " + file.getParent().getFileName() + " to resume before it");
  }

  private static JsonObject read(Path checkpoint) throws IOException {
    Path file = checkpoint.resolve(STATE);
    if (!Files.exists(file)) {
      throw damaged(file, "is missing");
    }
    try {
      return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    } catch (RuntimeException e) {
      throw new IOException(file + ": is damaged: " + reason(e), e);
    }
  }

  private static State state(Path checkpoint, JsonObject json) throws IOException {
    try {
      if (!FORMAT.equals(json.get("format").getAsString())) {
        throw new IllegalArgumentException("format is " + json.get("format") + ", not " + FORMAT);
      }
      return new State(
          json.get("step").getAsLong(),
          json.get("position").getAsLong(),
          json.get("seed").getAsLong(),
          json.has("validationLoss") ? json.get("validationLoss").getAsDouble() : Double.NaN,
          RunIdentity.read(json.get("identity")));
    } catch (RuntimeException e) {
      throw new IOException(checkpoint.resolve(STATE) + ": is damaged: " + reason(e), e);
    }
  }

  private List<Path> all() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return new ArrayList<>(
          entries.filter(path -> path.getFileName().toString().matches(NAME)).sorted().toList());
    }
  }

  private void removeOld() throws IOException {
    List<Path> all = all();
    Set<Path> stay = new HashSet<>(all.subList(Math.max(0, all.size() - kept), all.size()));
    best().ifPresent(stay::add);
    for (Path old : all) {
      if (!stay.contains(old)) {
        // Renamed first: a checkpoint that is half deleted must not look like one.
        Path discarded = folder.resolve(old.getFileName() + DISCARDED);
        Files.move(old, discarded, StandardCopyOption.ATOMIC_MOVE);
        delete(discarded);
      }
    }
  }

  /** Removes what a process that was killed left unfinished. */
  private void removeRemains() throws IOException {
    List<Path> remains;
    try (Stream<Path> entries = Files.list(folder)) {
      remains =
          entries
              .filter(
                  path ->
                      path.getFileName()
                          .toString()
                          .matches(NAME + "(" + UNFINISHED + "|" + DISCARDED + ")"))
              .toList();
    }
    for (Path each : remains) {
      delete(each);
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

  /** Makes names in a folder durable, where the system allows a folder to be opened. */
  private static void force(Path directory) {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Windows cannot open folders; renames are then as durable as its file system makes them.
      return;
    }
  }

  private static long checksum(Path file) throws IOException {
    CRC32C checksum = new CRC32C();
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        checksum.update(buffer, 0, read);
      }
    }
    return checksum.getValue();
  }

  private static String reason(Exception e) {
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message.lines().findFirst().orElse("");
  }
}
