package io.deem.weights;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import io.deem.json.ErrorText;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The weights of a model folder: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} lists. Shards must lie in the folder itself.
 *
 * <p>Weights of other models, which {@code deem import} reads, may also be PyTorch's ({@link
 * PyTorchFile}), alone or with an index.
 */
public final class ModelWeights implements TensorSource {
  /** The name of a model's single weights file. */
  public static final String SINGLE_FILE = "model.safetensors";

  /** The name of the file that lists a model's shards. */
  public static final String INDEX_FILE = "model.safetensors.index.json";

  private static final long LONGEST_INDEX = 64L << 20;
  private static final String INDEX_ENDING = ".index.json";
  private static final String PYTORCH_ENDING = ".bin";

  private final String origin;
  private final Map<String, TensorSource> fileOf;
  private final Set<TensorSource> files;

  private ModelWeights(String origin, Map<String, TensorSource> fileOf) {
    this.origin = origin;
    this.fileOf = Collections.unmodifiableMap(fileOf);
    this.files = Set.copyOf(fileOf.values());
  }

  /**
   * Opens a model's weights.
   *
   * @param path a model folder, a safetensors or PyTorch ({@code .bin}, {@code .pt}) file, or the
   *     index of a set of shards
   * @throws NoSuchFileException if there are no weights, or a shard is missing
   * @throws MalformedWeightsException if a file or the index is malformed, a shard's name leads out
   *     of the folder, or a listed tensor is not in its shard
   * @throws IOException if a file cannot be read
   */
  public static ModelWeights open(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      Path single = path.resolve(SINGLE_FILE);
      Path index = path.resolve(INDEX_FILE);
      if (Files.exists(single)) {
        return single(single);
      }
      if (Files.exists(index)) {
        return sharded(index);
      }
      throw new NoSuchFileException(path + ": holds neither " + SINGLE_FILE + " nor " + INDEX_FILE);
    }
    boolean isIndex = path.getFileName() != null && path.getFileName().toString().endsWith(".json");
    return isIndex ? sharded(path) : single(path);
  }

  /**
   * Opens the weights of a folder that is not DEEM's: as {@link #open}, from the first of the files
   * that is there.
   *
   * @param names files, or indexes of shards, in the order of preference
   * @throws NoSuchFileException if the folder holds none of them
   * @throws IOException as {@link #open}
   */
  public static ModelWeights open(Path folder, List<String> names) throws IOException {
    for (String name : names) {
      if (Files.exists(folder.resolve(name))) {
        return open(folder.resolve(name));
      }
    }
    throw new NoSuchFileException(folder + ": holds none of " + String.join(", ", names));
  }

  private static TensorSource openFile(Path path) throws IOException {
    String name = String.valueOf(path.getFileName());
    boolean pytorch =
        name.endsWith(PYTORCH_ENDING) || name.endsWith(".pt") || name.endsWith(".pth");
    return pytorch ? PyTorchFile.open(path) : SafetensorsFile.open(path);
  }

  private static ModelWeights single(Path path) throws IOException {
    TensorSource file = openFile(path);
    Map<String, TensorSource> fileOf = new LinkedHashMap<>();
    file.names().forEach(name -> fileOf.put(name, file));
    return new ModelWeights(file.origin(), fileOf);
  }

  private static ModelWeights sharded(Path index) throws IOException {
    if (!Files.exists(index)) {
      throw new NoSuchFileException(index + ": no such file");
    }
    Map<String, String> shardOf = readIndex(index);
    Map<String, TensorSource> opened = new LinkedHashMap<>();
    Map<String, TensorSource> fileOf = new LinkedHashMap<>();
    for (Map.Entry<String, String> entry : shardOf.entrySet()) {
      TensorSource shard = opened.get(entry.getValue());
      if (shard == null) {
        Path path = index.resolveSibling(entry.getValue());
        if (!Files.exists(path)) {
          throw new NoSuchFileException(
              index + ": shard " + ErrorText.quote(entry.getValue()) + " is missing");
        }
        shard = openFile(path);
        opened.put(entry.getValue(), shard);
      }
      if (!shard.contains(entry.getKey())) {
        throw new MalformedWeightsException(
            String.format(
                "%s: tensor %s is not in its shard %s",
                index, ErrorText.quote(entry.getKey()), ErrorText.quote(entry.getValue())));
      }
      fileOf.put(entry.getKey(), shard);
    }
    return new ModelWeights(index.toString(), fileOf);
  }

  private static Map<String, String> readIndex(Path index) throws IOException {
    if (Files.size(index) > LONGEST_INDEX) {
      throw new MalformedWeightsException(
          index + ": " + Files.size(index) + " bytes is over the limit of " + LONGEST_INDEX);
    }
    try (Reader text =
            new InputStreamReader(
                Files.newInputStream(index), StandardCharsets.UTF_8.newDecoder());
        JsonReader json = new JsonReader(text)) {
      json.setStrictness(Strictness.STRICT);
      Map<String, String> shardOf = readIndex(index, json);
      if (shardOf == null) {
        throw new MalformedWeightsException(index + ": has no weight_map");
      }
      return shardOf;
    } catch (CharacterCodingException e) {
      throw new MalformedWeightsException(index + ": is not UTF-8", e);
    } catch (EOFException e) {
      throw new MalformedWeightsException(index + ": its JSON ends too early", e);
    } catch (MalformedJsonException e) {
      throw new MalformedWeightsException(index + ": is not valid JSON" + ErrorText.place(e), e);
    }
  }

  private static Map<String, String> readIndex(Path index, JsonReader json) throws IOException {
    Map<String, String> shardOf = null;
    expect(index, json, JsonToken.BEGIN_OBJECT, "the index");
    json.beginObject();
    while (json.hasNext()) {
      if (!json.nextName().equals("weight_map")) {
        json.skipValue();
        continue;
      }
      if (shardOf != null) {
        throw new MalformedWeightsException(index + ": has weight_map twice");
      }
      shardOf = new LinkedHashMap<>();
      expect(index, json, JsonToken.BEGIN_OBJECT, "weight_map");
      json.beginObject();
      while (json.hasNext()) {
        String name = json.nextName();
        expect(index, json, JsonToken.STRING, "the shard of tensor " + ErrorText.quote(name));
        String shard = json.nextString();
        checkShardName(index, name, shard);
        if (shardOf.put(name, shard) != null) {
          throw new MalformedWeightsException(
              index + ": tensor " + ErrorText.quote(name) + " is listed twice");
        }
      }
      json.endObject();
    }
    json.endObject();
    // A strict reader itself refuses anything but spaces here.
    if (json.peek() != JsonToken.END_DOCUMENT) {
      throw new MalformedWeightsException(index + ": has text after its JSON object");
    }
    return shardOf;
  }

  /**
   * A shard is a plain file name of the index's kind; anything that could lead elsewhere is
   * refused.
   */
  private static void checkShardName(Path index, String tensor, String shard)
      throws MalformedWeightsException {
    String ending =
        index.toString().endsWith(PYTORCH_ENDING + INDEX_ENDING) ? PYTORCH_ENDING : ".safetensors";
    boolean plain =
        shard.endsWith(ending)
            && shard.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
    if (!plain) {
      throw new MalformedWeightsException(
          String.format(
              "%s: tensor %s is in shard %s, which is not a plain %s file name",
              index, ErrorText.quote(tensor), ErrorText.quote(shard), ending));
    }
  }

  private static void expect(Path index, JsonReader json, JsonToken wanted, String what)
      throws IOException {
    if (json.peek() != wanted) {
      throw new MalformedWeightsException(
          String.format(
              "%s: %s is not a JSON %s",
              index, what, wanted == JsonToken.STRING ? "string" : "object"));
    }
  }

  @Override
  public Set<String> names() {
    return fileOf.keySet();
  }

  @Override
  public TensorInfo info(String name) {
    return fileWith(name).info(name);
  }

  @Override
  public ByteBuffer bytes(String name) {
    return fileWith(name).bytes(name);
  }

  @Override
  public ByteBuffer bytes(String name, long from) {
    return fileWith(name).bytes(name, from);
  }

  @Override
  public float[] floats(String name) {
    return fileWith(name).floats(name);
  }

  @Override
  public void floats(String name, long from, float[] to, int count) {
    fileWith(name).floats(name, from, to, count);
  }

  @Override
  public long[] longs(String name) {
    return fileWith(name).longs(name);
  }

  @Override
  public Optional<Path> file(String name) {
    return fileWith(name).file(name);
  }

  @Override
  public String origin() {
    return origin;
  }

  @Override
  public String origin(String name) {
    TensorSource file = fileOf.get(name);
    return file == null ? origin : file.origin();
  }

  @Override
  public void close() {
    files.forEach(TensorSource::close);
  }

  private TensorSource fileWith(String name) {
    TensorSource file = fileOf.get(name);
    if (file == null) {
      throw new TensorMismatchException(
          String.format(
              "%s: no tensor %s among its %d", origin, ErrorText.quote(name), fileOf.size()));
    }
    return file;
  }
}
