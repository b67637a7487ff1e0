package io.deem.onnx;

import io.deem.graph.Session;
import io.deem.model.ModelFolder;
import io.deem.ort.BlockKey;
import io.deem.ort.BlockModels;
import io.deem.ort.ExportIndex;
import io.deem.ort.OnnxModel;
import io.deem.text.TokenizerFile;
import io.deem.weights.ElementType;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Stream;

/**
 * Writes a model as a folder that runs with ONNX Runtime alone: a copy of the model's folder with
 * an ONNX file for each block in {@code onnx}. Those files refer to the copied weights. The runtime
 * of exported models opens it, for which neither libtorch nor the protobuf classes are needed; so
 * does this one, which compiles it anew.
 *
 * <p>Blocks are made when a network first runs with a size; so the export runs what a perceiver
 * does, on a picture of its own, and writes what ran.
 */
public final class OnnxExport {

  /** Where an export keeps matrices in few bits, in a model's folder. */
  private static final String QUANTISED = "matrices";

  /** Says what an export's matrices are stored in. */
  @FunctionalInterface
  public interface Matrices {

    /** Every matrix as it is. */
    Matrices AS_THEY_ARE = (model, folder) -> LinearWeights.AS_THEY_ARE;

    /**
     * The forms of the matrices of an exported model.
     *
     * @param folder for files of them; not there yet
     */
    LinearWeights of(ModelFolder model, Path folder) throws IOException;
  }

  private OnnxExport() {}

  /**
   * Exports a model.
   *
   * @param engine runs the model once
   * @param model the model's folder
   * @param folder where the copy goes; must not be there. It is made beside its place and moved
   *     into it
   * @return the number of ONNX files
   * @throws FileAlreadyExistsException if the folder is there
   * @throws IOException if the model cannot be read or the folder not be written
   */
  public static int write(OnnxEngine engine, Path model, Path folder) throws IOException {
    return write(engine, model, folder, Matrices.AS_THEY_ARE);
  }

  /**
   * Exports a model of which some matrices may be quantised.
   *
   * @param matrices says which; asked once, for the copy
   */
  public static int write(OnnxEngine engine, Path model, Path folder, Matrices matrices)
      throws IOException {
    if (Files.exists(folder)) {
      throw new FileAlreadyExistsException(folder + ": is there already");
    }
    Path place = folder.toAbsolutePath().normalize();
    // Its name is nobody else's: creating it fails if it is there.
    Path draft = place.resolveSibling(place.getFileName() + ".part" + System.nanoTime());
    try (ModelFolder opened = ModelFolder.open(model)) {
      Files.createDirectories(place.getParent());
      Files.createDirectory(draft);
      return write(engine, opened, draft, place, matrices);
    }
  }

  private static int write(
      OnnxEngine engine, ModelFolder model, Path draft, Path place, Matrices matrices)
      throws IOException {
    boolean done = false;
    try {
      copy(model, draft);
      int blocks = blocks(engine, draft.toRealPath(), matrices);
      Files.move(draft, place, StandardCopyOption.ATOMIC_MOVE);
      done = true;
      return blocks;
    } finally {
      if (!done) {
        delete(draft);
      }
    }
  }

  /**
   * Copies a model. Weights that are derived when a model is opened are stored in the copy, so that
   * ONNX files can refer to them; nothing is rounded.
   */
  private static void copy(ModelFolder model, Path to) throws IOException {
    ModelFolder.Description description = model.description();
    ModelFolder.Description copied =
        new ModelFolder.Description(
            description.name(),
            description.architecture(),
            description.prompts(),
            false,
            description.provenance());
    ModelFolder.write(to, copied, model.weights(), type(model), TokenizerFile.read(model.folder()));
  }

  /** BF16 if it holds every stored number. What is derived are stored numbers and -100. */
  private static ElementType type(ModelFolder model) {
    TensorSource weights = model.weights();
    boolean low =
        model.network().params().stream()
            .filter(param -> weights.file(param.name()).isPresent())
            .allMatch(param -> weights.info(param.name()).type() == ElementType.BF16);
    return low ? ElementType.BF16 : ElementType.F32;
  }

  private static int blocks(OnnxEngine engine, Path folder, Matrices matrices) throws IOException {
    Map<String, byte[]> models = new ConcurrentSkipListMap<>();
    Map<String, String> names = new ConcurrentSkipListMap<>();
    try (ModelFolder model = ModelFolder.open(folder);
        LinearWeights linear = matrices.of(model, folder.resolve(QUANTISED))) {
      BlockModels writing =
          block -> {
            OnnxModel compiled = OnnxCompiler.compile(block, model.weights(), linear, folder);
            String key = BlockKey.of(block);
            models.put(key, compiled.bytes());
            names.put(key, block.name());
            return compiled;
          };
      try (Session session = engine.open(writing)) {
        Rehearsal.of(session, model);
      }
      ExportIndex.write(folder, linear.precision(), models, names);
    }
    return models.size();
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
