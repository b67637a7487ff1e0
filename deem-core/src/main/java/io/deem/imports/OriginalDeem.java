package io.deem.imports;

import io.deem.json.ErrorText;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.FullSize;
import io.deem.model.ImageEncoder;
import io.deem.model.ModelFolder;
import io.deem.model.ModelPart;
import io.deem.model.Prompts;
import io.deem.text.SpecialTokens;
import io.deem.text.TokenizerFile;
import io.deem.weights.ElementType;
import io.deem.weights.ModelWeights;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Checkpoints, opened and checked, that are about to become a model folder.
 *
 * <pre>{@code
 * try (OriginalDeem original = OriginalDeem.open(Originals.of(vicuna, convnext, stableDiffusion))) {
 *   TensorSource newModules = new InitialDeem(original.network(), seed).weights();
 *   original.write(Paths.get("models/mine"), "mine", newModules, ElementType.F32);
 * }
 * }</pre>
 *
 * <p>Nothing is written before everything has been checked, and a folder appears whole or not at
 * all. Tensors go from file to file one at a time.
 */
public final class OriginalDeem implements AutoCloseable {

  private static final List<String> TRANSFORMERS =
      List.of(
          "model.safetensors",
          "model.safetensors.index.json",
          "pytorch_model.bin",
          "pytorch_model.bin.index.json");
  private static final List<String> DIFFUSERS =
      List.of(
          "diffusion_pytorch_model.safetensors",
          "diffusion_pytorch_model.safetensors.index.json",
          "diffusion_pytorch_model.bin",
          "diffusion_pytorch_model.bin.index.json");
  private static final List<String> ENCODERS =
      List.of(
          "open_clip_pytorch_model.bin",
          "open_clip_model.safetensors",
          "model.safetensors",
          "model.safetensors.index.json",
          "pytorch_model.bin",
          "pytorch_model.bin.index.json");

  private final Originals originals;
  private final List<TensorSource> opened = new ArrayList<>();
  private final DeemNetwork network;
  private final Prompts prompts;
  private final TokenizerFile tokenizer;
  private final ImportPlan plan;

  private OriginalDeem(Originals originals) throws IOException {
    this.originals = originals;
    boolean ready = false;
    try {
      Path llamaFolder = originals.llama();
      ConfigFile llamaConfig = ConfigFile.read(llamaFolder.resolve("config.json"));
      int vocabulary = llamaConfig.size("vocab_size");
      TensorSource llama = keep(ModelWeights.open(llamaFolder, TRANSFORMERS));
      TensorSource unet =
          keep(ModelWeights.open(originals.stableDiffusion().resolve("unet"), DIFFUSERS));
      TensorSource vae =
          keep(ModelWeights.open(originals.stableDiffusion().resolve("vae"), DIFFUSERS));
      TensorSource state =
          originals.state().isPresent()
              ? keep(weights(originals.state().get(), TRANSFORMERS))
              : null;
      TensorSource encoder =
          !originals.encoder().isPresent()
              ? null
              : keep(OpenClipTransformer.apart(weights(originals.encoder().get(), ENCODERS)));
      int all = SpecialTokens.IMAGE.size() + SpecialTokens.GROUNDING.size();
      int added = OriginalArchitecture.added(vocabulary, state, TensorNames.EMBEDDINGS, all);
      ModelFolder.Description description = describe(llamaConfig, encoder, state, added);
      DeemConfig config = description.architecture();
      if (config.originalVocabulary() != vocabulary) {
        throw new ImportException(
            String.format(
                "%s: vocab_size is %d, the architecture has %d tokens before the added ones",
                llamaConfig.file(), vocabulary, config.originalVocabulary()));
      }
      tokenizer = tokenizer(llamaFolder, config);
      prompts = description.prompts();
      network = network(config);
      plan = new ImportPlan(network);
      if (state != null) {
        plan.add(state, name -> TensorNames.state(name, state));
      }
      plan.add(llama, TensorNames::llama).tieHead(llama, "model.embed_tokens.weight");
      if (encoder != null) {
        plan.add(encoder, TensorNames::encoder);
      }
      plan.add(unet, TensorNames::unet).add(vae, TensorNames::autoencoder);
      plan.requireOriginals(checkpoints(llama, encoder == null ? state : encoder, unet, vae));
      ready = true;
    } finally {
      if (!ready) {
        close();
      }
    }
  }

  /**
   * Opens and checks everything.
   *
   * @throws IOException in one line, if a file is missing, malformed or refused, a tensor has
   *     another shape than the model needs, or a checkpoint is not whole
   */
  public static OriginalDeem open(Originals originals) throws IOException {
    return new OriginalDeem(originals);
  }

  /** The network that the checkpoints make. */
  public DeemNetwork network() {
    return network;
  }

  /** What becomes of every tensor. */
  public ImportReport report() {
    return plan.report();
  }

  /**
   * The model's weights; they end with this object.
   *
   * @param initial what new modules start from: has the network's parameters, of the tables of
   *     tokens with the rows of added tokens
   */
  public TensorSource weights(TensorSource initial) {
    return new ImportedWeights(plan, initial);
  }

  /**
   * Writes the model.
   *
   * @param folder must not exist, or be empty
   * @param name the model's
   * @param initial as in {@link #weights}
   * @param type F32, with which nothing is lost, or BF16
   * @throws IOException if the folder is taken or cannot be written; there is then nothing new
   */
  public void write(Path folder, String name, TensorSource initial, ElementType type)
      throws IOException {
    NewFolder.write(
        folder,
        beside ->
            ModelFolder.write(
                beside,
                new ModelFolder.Description(
                    name, network.config(), prompts, false, provenance(initial)),
                weights(initial),
                type,
                tokenizer));
  }

  /** Closes the checkpoints. */
  @Override
  public void close() {
    opened.forEach(TensorSource::close);
  }

  private TensorSource keep(TensorSource source) {
    opened.add(source);
    return source;
  }

  private static TensorSource weights(Path path, List<String> names) throws IOException {
    return Files.isDirectory(path) ? ModelWeights.open(path, names) : ModelWeights.open(path);
  }

  private ModelFolder.Description describe(
      ConfigFile llama, TensorSource encoder, TensorSource state, int added) throws IOException {
    if (originals.architecture().isPresent()) {
      return ModelFolder.describe(originals.architecture().get());
    }
    TensorSource eyes = encoder == null ? state : encoder;
    if (eyes == null) {
      throw new ImportException("no image encoder: neither a checkpoint of one nor a DEEM's state");
    }
    Path path = encoder == null ? originals.state().get() : originals.encoder().get();
    ImageEncoder.Config sizes =
        new OriginalEncoder(eyes, path, encoder == null, FullSize.architecture()).sizes();
    DeemConfig config =
        new OriginalArchitecture().of(llama, sizes, originals.stableDiffusion(), added);
    return new ModelFolder.Description(
        "imported", config, FullSize.description().prompts(), false, Map.of());
  }

  private static DeemNetwork network(DeemConfig config) throws ImportException {
    try {
      return new DeemNetwork(config);
    } catch (RuntimeException e) {
      String line = String.valueOf(e.getMessage()).replaceAll("\\s*\\R\\s*", " ");
      throw new ImportException("the checkpoints make no model: " + line, e);
    }
  }

  private static TokenizerFile tokenizer(Path folder, DeemConfig config) throws IOException {
    Path file = folder.resolve(TokenizerFile.FILE_NAME);
    if (!Files.exists(file) && Files.exists(folder.resolve("tokenizer.model"))) {
      throw new ImportException(
          folder
              + ": has tokenizer.model but no tokenizer.json; write one with Python:"
              + " transformers.LlamaTokenizerFast.from_pretrained(FOLDER).save_pretrained(FOLDER)");
    }
    TokenizerFile own = TokenizerFile.read(file);
    if (own.vocabularySize() != config.originalVocabulary()) {
      throw new ImportException(
          String.format(
              "%s: has %d tokens, the language model %d",
              file, own.vocabularySize(), config.originalVocabulary()));
    }
    List<String> added = new ArrayList<>(SpecialTokens.IMAGE);
    int count = config.languageModel().vocabulary() - config.originalVocabulary();
    if (count > added.size()) {
      added.addAll(SpecialTokens.GROUNDING);
    }
    if (count != added.size()) {
      throw new ImportException(file + ": " + count + " added tokens are not what a DEEM has");
    }
    return own.withAddedTokens(added);
  }

  private static Map<ModelPart, String> checkpoints(
      TensorSource llama, TensorSource encoder, TensorSource unet, TensorSource vae) {
    Map<ModelPart, String> names = new EnumMap<>(ModelPart.class);
    names.put(ModelPart.LANGUAGE_MODEL, llama.origin());
    names.put(ModelPart.TEXT_HEAD, llama.origin());
    names.put(ModelPart.IMAGE_ENCODER, encoder == null ? "the encoder" : encoder.origin());
    names.put(ModelPart.DENOISER, unet.origin());
    names.put(ModelPart.AUTOENCODER, vae.origin());
    return names;
  }

  /** File names alone: where they were on the machine that imported them concerns nobody. */
  private Map<String, String> provenance(TensorSource initial) {
    Map<String, String> provenance = new LinkedHashMap<>();
    provenance.put("language model", fileName(originals.llama()));
    originals.encoder().ifPresent(path -> provenance.put("image encoder", fileName(path)));
    provenance.put("image decoder", fileName(originals.stableDiffusion()));
    originals.state().ifPresent(path -> provenance.put("state", fileName(path)));
    if (!report().missing().isEmpty()) {
      provenance.put("new modules", initial.origin());
    }
    return provenance;
  }

  private static String fileName(Path path) {
    Path name = path.toAbsolutePath().normalize().getFileName();
    return name == null ? ErrorText.quote(path.toString()) : name.toString();
  }
}
