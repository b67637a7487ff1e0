package io.deem.onnx;

import io.deem.Image;
import io.deem.RedrawOptions;
import io.deem.generation.GenerationConfig;
import io.deem.generation.GenerationListener;
import io.deem.graph.Block;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.model.ModelFolder;
import io.deem.model.VisualTokenizer;
import io.deem.perception.EncodedImages;
import io.deem.perception.InterleavedText;
import io.deem.perception.NetworkPerceiver;
import io.deem.text.TokenizerFile;
import io.deem.weights.ElementType;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Writes a model as a folder that runs with ONNX Runtime alone: a copy of the model's folder with
 * an ONNX file for each block in {@code onnx}. Those files refer to the copied weights. {@link
 * OnnxEngine#openExported} opens it, for which neither libtorch nor the protobuf classes are
 * needed.
 *
 * <p>Blocks are made when a network first runs with a size; so the export runs what a perceiver
 * does, on a picture of its own, and writes what ran.
 */
public final class OnnxExport {

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
    if (Files.exists(folder)) {
      throw new FileAlreadyExistsException(folder + ": is there already");
    }
    Path place = folder.toAbsolutePath().normalize();
    // Its name is nobody else's: creating it fails if it is there.
    Path draft = place.resolveSibling(place.getFileName() + ".part" + System.nanoTime());
    try (ModelFolder opened = ModelFolder.open(model)) {
      Files.createDirectories(place.getParent());
      Files.createDirectory(draft);
      return write(engine, opened, draft, place);
    }
  }

  private static int write(OnnxEngine engine, ModelFolder model, Path draft, Path place)
      throws IOException {
    boolean done = false;
    try {
      copy(model, draft);
      int blocks = blocks(engine, draft);
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

  private static int blocks(OnnxEngine engine, Path folder) throws IOException {
    Set<String> written = new ConcurrentSkipListSet<>();
    try (ModelFolder model = ModelFolder.open(folder)) {
      Function<Block, OnnxModel> writing =
          block -> {
            OnnxModel compiled =
                OnnxCompiler.compile(block, model.weights(), LinearWeights.AS_THEY_ARE);
            ExportedModels.write(folder, block, compiled);
            written.add(BlockKey.of(block));
            return compiled;
          };
      try (Session session = engine.open(writing)) {
        perceive(session, model);
      }
    }
    return written.size();
  }

  private static void perceive(Session session, ModelFolder model) {
    int size = model.description().architecture().imageSize();
    byte[] rgb = new byte[size * size * 3];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * 31 % 251);
    }
    Image picture = Image.ofRgb(size, size, rgb);
    NetworkPerceiver perceiver = new NetworkPerceiver(session, model, EncodedImages.NONE);
    perceiver.describe(picture);
    perceiver.choose(picture, "?", List.of("a", "b"));
    perceiver.fidelity(picture);
    perceiver.redraw(picture, RedrawOptions.defaults().withSteps(1));
    speak(session, model.network());
  }

  /** Generates past the first token, at which a perceiver's text may happen to end. */
  private static void speak(Session session, DeemNetwork network) {
    DeemConfig config = network.config();
    InterleavedBatch.Special special = config.special();
    int size = config.imageSize();
    int[] prompt = new int[2 + special.tokensPerImage()];
    Arrays.fill(prompt, special.image());
    prompt[0] = special.beginning();
    prompt[1] = special.imageStart();
    GenerationConfig twoTokens =
        GenerationConfig.builder().maxNewTokens(2).padId(special.padding()).build();
    try (Scope scope = session.scope()) {
      VisualTokenizer.Tokens seen =
          network
              .eyes()
              .forward(scope, scope.floats(new float[3 * size * size], 1, 3, size, size), null);
      new InterleavedText(network)
          .generate(
              scope,
              new InterleavedBatch(special, List.of(prompt), InterleavedBatch.Padding.LEFT),
              InterleavedText.Sight.of(seen),
              twoTokens,
              GenerationListener.NONE);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
