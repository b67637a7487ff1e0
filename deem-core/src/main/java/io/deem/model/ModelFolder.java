package io.deem.model;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.deem.graph.Param;
import io.deem.json.ErrorText;
import io.deem.json.RecordJson;
import io.deem.portable.TextFile;
import io.deem.portable.Whitespace;
import io.deem.text.SpecialTokens;
import io.deem.text.Tokenizer;
import io.deem.text.TokenizerFile;
import io.deem.weights.AtomicFile;
import io.deem.weights.ElementType;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A DEEM on disk: {@code deem.json} says what it is, {@code model.safetensors} (or an indexed set
 * of shards) holds its weights, {@code tokenizer.json} its vocabulary. Nothing in it is executable.
 *
 * <p>Opening checks everything that later work relies on: each entry of {@code deem.json}, each
 * parameter's presence and shape, and that the tokenizer is the model's.
 */
public final class ModelFolder implements AutoCloseable {

  /** The name of the file that describes a model. */
  public static final String DESCRIPTION_FILE = "deem.json";

  private static final Logger LOG = LoggerFactory.getLogger(ModelFolder.class);
  private static final String FORMAT = "deem/1";
  private static final long LARGEST_DESCRIPTION = 1L << 20;
  private static final int LONGEST_NAME = 100;
  private static final int MOST_LAYERS = 1000;
  private static final int WIDEST = 1 << 16;
  private static final Gson PRETTY =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  /**
   * What {@code deem.json} says.
   *
   * @param name for example {@code deem-mini}
   * @param architecture decides which parameters there are
   * @param prompts the texts that the model was trained to go on from
   * @param headTied whether the text head is not stored but derived from the embeddings: the rows
   *     of the language model's own tokens are their embeddings with bias 0, those of added tokens
   *     zero with bias -100
   * @param provenance where the model comes from: data, seed, versions, parent
   */
  public record Description(
      String name,
      DeemConfig architecture,
      Prompts prompts,
      boolean headTied,
      Map<String, String> provenance) {

    public Description {
      boolean printable = name.chars().noneMatch(Character::isISOControl);
      if (Whitespace.isBlank(name) || name.length() > LONGEST_NAME || !printable) {
        throw new IllegalArgumentException("name " + ErrorText.quote(name) + " is not usable");
      }
      provenance = Map.copyOf(provenance);
    }
  }

  private final Path folder;
  private final Description description;
  private final DeemNetwork network;
  private final TensorSource weights;
  private final Tokenizer tokenizer;

  private ModelFolder(
      Path folder,
      Description description,
      DeemNetwork network,
      TensorSource weights,
      Tokenizer tokenizer) {
    this.folder = folder;
    this.description = description;
    this.network = network;
    this.weights = weights;
    this.tokenizer = tokenizer;
  }

  /**
   * Opens a model and checks it in full. Weights are memory-mapped, not read.
   *
   * @throws NoSuchFileException if the folder or one of its files is missing
   * @throws MalformedModelException if it is not a model, or its parts do not fit each other
   * @throws IOException if a file is malformed or cannot be read
   */
  public static ModelFolder open(Path folder) throws IOException {
    Description description = describe(folder);
    DeemNetwork network = network(folder.resolve(DESCRIPTION_FILE), description);
    TensorSource stored = ModelWeights.open(folder);
    Tokenizer tokenizer = null;
    boolean opened = false;
    try {
      TensorSource weights = stored;
      if (description.headTied) {
        Param table = network.language().decoder().embeddings();
        stored.require(table.name(), table.shape().extents());
        weights = new TiedHead(stored, table, description.architecture.originalVocabulary());
      }
      checkTensors(network, weights);
      tokenizer = Tokenizer.open(folder);
      requireTokenizer(tokenizer, description.architecture);
      opened = true;
      return new ModelFolder(folder, description, network, weights, tokenizer);
    } catch (IllegalArgumentException e) {
      throw new MalformedModelException(e.getMessage(), e);
    } finally {
      if (!opened) {
        stored.close();
        if (tokenizer != null) {
          tokenizer.close();
        }
      }
    }
  }

  /**
   * Reads {@code deem.json} alone.
   *
   * @param path folder of the model, or the file itself
   * @throws NoSuchFileException if it is missing
   * @throws MalformedModelException if it is not a description, naming the entry
   */
  public static Description describe(Path path) throws IOException {
    Path file = Files.isRegularFile(path) ? path : path.resolve(DESCRIPTION_FILE);
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    if (Files.size(file) > LARGEST_DESCRIPTION) {
      throw new MalformedModelException(
          file + ": " + Files.size(file) + " bytes is over the limit of " + LARGEST_DESCRIPTION);
    }
    try {
      return description(file.toString(), TextFile.read(file));
    } catch (CharacterCodingException e) {
      throw new MalformedModelException(file + ": is not UTF-8", e);
    }
  }

  /** Reads the text of a {@code deem.json}. */
  static Description description(String file, String text) throws IOException {
    JsonObject json = read(file, text);
    JsonElement format = json.remove("format");
    if (format == null) {
      throw new MalformedModelException(file + ": has no entry \"format\"");
    }
    if (!format.equals(new JsonPrimitive(FORMAT))) {
      throw new MalformedModelException(
          file
              + ": format is "
              + ErrorText.quote(format.toString())
              + ", this reads only "
              + FORMAT);
    }
    try {
      return RecordJson.read(Description.class, json);
    } catch (IllegalArgumentException e) {
      throw new MalformedModelException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Writes a model, replacing one that is there. Each file is replaced in one step, and {@code
   * deem.json}, without which a folder is no model, goes first and comes last.
   *
   * @param folder made if it is not there
   * @param weights has all parameters of the architecture's network; anything else in it is left
   *     out
   * @param type F32 or BF16, to which every parameter is rounded
   * @throws IllegalArgumentException if a parameter is missing or has another shape, if the
   *     tokenizer is another model's, or if the description says that the head is tied and the
   *     weights have another head
   * @throws IOException if a file cannot be written
   */
  public static void write(
      Path folder,
      Description description,
      TensorSource weights,
      ElementType type,
      TokenizerFile tokenizer)
      throws IOException {
    if (type != ElementType.F32 && type != ElementType.BF16) {
      throw new IllegalArgumentException("weights are stored as F32 or BF16, not " + type);
    }
    DeemConfig config = description.architecture;
    DeemNetwork network = new DeemNetwork(config);
    List<Param> params =
        network.params().stream()
            .filter(param -> !(description.headTied && TiedHead.isDerived(param.name())))
            .collect(Collectors.toList());
    params.forEach(param -> weights.require(param.name(), param.shape().extents()));
    Param table = network.language().decoder().embeddings();
    if (description.headTied && !TiedHead.fits(weights, table, config.originalVocabulary())) {
      throw new IllegalArgumentException(
          weights.origin() + ": the text head is not the one that its embeddings give");
    }
    try (Tokenizer opened = Tokenizer.open(tokenizer)) {
      requireTokenizer(opened, config);
    }
    SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
    for (Param param : params) {
      writer.floats(
          param.name(), type, param.shape().extents(), () -> weights.floats(param.name()));
    }
    Files.createDirectories(folder);
    Path file = folder.resolve(DESCRIPTION_FILE);
    Files.deleteIfExists(file);
    writer.write(folder.resolve(ModelWeights.SINGLE_FILE));
    tokenizer.write(folder.resolve(TokenizerFile.FILE_NAME));
    byte[] text = json(description).getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(
        file,
        channel -> {
          ByteBuffer bytes = ByteBuffer.wrap(text);
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }

  /** The folder. */
  public Path folder() {
    return folder;
  }

  /** What {@code deem.json} says. */
  public Description description() {
    return description;
  }

  /** The network of the architecture. */
  public DeemNetwork network() {
    return network;
  }

  /** The weights, with the text head also where it is derived. */
  public TensorSource weights() {
    return weights;
  }

  /** The tokenizer. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Ends reading: the weights and the tokenizer are closed. */
  @Override
  public void close() {
    weights.close();
    tokenizer.close();
  }

  // ---------------------------------------------------------------- deem.json

  private static JsonObject read(String file, String text) throws IOException {
    try (JsonReader reader = new JsonReader(new StringReader(text))) {
      reader.setStrictness(Strictness.STRICT);
      JsonElement json = JsonParser.parseReader(reader);
      // A strict reader refuses anything but spaces after the value.
      boolean alone = reader.peek() == JsonToken.END_DOCUMENT;
      if (!alone || !json.isJsonObject()) {
        throw new MalformedModelException(file + ": is not a JSON object");
      }
      return json.getAsJsonObject();
    } catch (JsonParseException | com.google.gson.stream.MalformedJsonException e) {
      throw new MalformedModelException(file + ": is not valid JSON" + ErrorText.place(e), e);
    }
  }

  private static String json(Description description) {
    JsonObject json = new JsonObject();
    json.addProperty("format", FORMAT);
    JsonObject entries = RecordJson.write(description).getAsJsonObject();
    entries.add("provenance", RecordJson.write(new TreeMap<>(description.provenance)));
    entries.entrySet().forEach(entry -> json.add(entry.getKey(), entry.getValue()));
    return PRETTY.toJson(json) + "\n";
  }

  // ---------------------------------------------------------------- checks

  private static DeemNetwork network(Path file, Description description)
      throws MalformedModelException {
    try {
      checkSizes(description.architecture);
      return new DeemNetwork(description.architecture);
    } catch (RuntimeException e) {
      throw new MalformedModelException(file + ": " + oneLine(e.getMessage()), e);
    }
  }

  /** Sizes from which building the network's graphs, before any weight is seen, would not end. */
  private static void checkSizes(DeemConfig config) {
    require("languageModel.layers", config.languageModel().layers(), MOST_LAYERS);
    require("visualResampler.layers", config.visualResampler().layers(), MOST_LAYERS);
    require("contextResampler.layers", config.contextResampler().layers(), MOST_LAYERS);
    require("autoencoder.layersPerBlock", config.autoencoder().layersPerBlock(), MOST_LAYERS);
    require("denoiser.layersPerBlock", config.denoiser().layersPerBlock(), MOST_LAYERS);
    config.encoder().depths().forEach(depth -> require("encoder.depths", depth, MOST_LAYERS));
    require("encoder.width", config.encoder().featureWidth(), WIDEST);
    require("languageModel.width", config.languageModel().width(), WIDEST);
    require(
        "denoiserResiduals.attentionWidth", config.denoiserResiduals().attentionWidth(), WIDEST);
    require("imageSize", config.imageSize(), WIDEST);
    require("drawnSize", config.drawnSize(), WIDEST);
  }

  private static void require(String entry, int value, int most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(
          "entry \"architecture." + entry + "\" is " + value + ", not from 1 to " + most);
    }
  }

  private static void checkTensors(DeemNetwork network, TensorSource weights) {
    List<Param> params = network.params();
    params.forEach(param -> weights.require(param.name(), param.shape().extents()));
    params.stream()
        .filter(param -> !weights.info(param.name()).type().isFloating())
        .findFirst()
        .ifPresent(
            param -> {
              throw new IllegalArgumentException(
                  weights.origin(param.name())
                      + ": tensor "
                      + ErrorText.quote(param.name())
                      + " holds "
                      + weights.info(param.name()).type()
                      + ", not floating-point numbers");
            });
    var known = params.stream().map(Param::name).collect(Collectors.toSet());
    long extra = weights.names().stream().filter(name -> !known.contains(name)).count();
    if (extra > 0) {
      LOG.info("{}: {} tensors belong to no part of the model", weights.origin(), extra);
    }
  }

  private static void requireTokenizer(Tokenizer tokenizer, DeemConfig config) {
    InterleavedBatch.Special special = config.special();
    Map<String, Integer> ids = new TreeMap<>();
    ids.put(SpecialTokens.BEGIN, special.beginning());
    ids.put(SpecialTokens.END, special.end());
    ids.put(SpecialTokens.START_OF_IMAGE, special.imageStart());
    ids.put(SpecialTokens.SNIFFER, special.image());
    tokenizer.require(config.languageModel().vocabulary(), ids);
  }

  private static String oneLine(String message) {
    return String.valueOf(message).replaceAll("\\s*\\R\\s*", " ");
  }
}
