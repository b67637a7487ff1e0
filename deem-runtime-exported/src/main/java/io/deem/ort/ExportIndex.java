package io.deem.ort;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.deem.graph.Param;
import io.deem.json.ErrorText;
import io.deem.json.RecordJson;
import io.deem.portable.Hex;
import io.deem.portable.TextFile;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/**
 * What {@code onnx/blocks.json} says of an exported model's blocks.
 *
 * @param format {@value #FORMAT}
 * @param compiler the version of what made the blocks; see {@link BlockKey}
 * @param precision what matrices were exported in, for example {@code fp32}
 * @param weights the {@linkplain #layout layout} of the weights that the blocks refer to
 * @param blocks by {@linkplain BlockKey key}
 */
public record ExportIndex(
    String format, String compiler, String precision, String weights, Map<String, Entry> blocks) {

  /** The name of the file. */
  static final String FILE_NAME = "blocks.json";

  private static final String FORMAT = "deem-export/1";
  private static final long LARGEST = 16L << 20;
  private static final int MOST_BLOCKS = 100_000;
  private static final Gson PRETTY =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  /**
   * A block's file.
   *
   * @param name of the block, for people
   * @param sha256 of the file, in hexadecimal digits
   */
  public record Entry(String name, String sha256) {}

  public ExportIndex {
    if (!format.equals(FORMAT)) {
      throw new IllegalArgumentException(
          "format is " + ErrorText.quote(format) + ", this reads only " + FORMAT);
    }
    if (!compiler.equals(BlockKey.VERSION)) {
      throw new IllegalArgumentException(
          "was exported by another version ("
              + ErrorText.quote(compiler)
              + ", this runs "
              + BlockKey.VERSION
              + "); export the model anew");
    }
    if (blocks.isEmpty() || blocks.size() > MOST_BLOCKS) {
      throw new IllegalArgumentException("lists " + blocks.size() + " blocks");
    }
    for (String key : blocks.keySet()) {
      if (!key.matches("[0-9a-f]{32}")) {
        throw new IllegalArgumentException("lists a block under " + ErrorText.quote(key));
      }
    }
    if (!precision.matches("[a-z0-9]{1,16}")) {
      throw new IllegalArgumentException("precision is " + ErrorText.quote(precision));
    }
    blocks = new TreeMap<>(blocks);
  }

  /** An index of blocks that this version made. */
  public static ExportIndex of(String precision, String weights, Map<String, Entry> blocks) {
    return new ExportIndex(FORMAT, BlockKey.VERSION, precision, weights, blocks);
  }

  static ExportIndex read(Path folder) throws IOException {
    Path file = folder.resolve(FILE_NAME);
    long size = Files.size(file);
    if (size > LARGEST) {
      throw new IOException(file + ": " + size + " bytes is over the limit of " + LARGEST);
    }
    try {
      JsonElement json = JsonParser.parseString(TextFile.read(file));
      if (!json.isJsonObject()) {
        throw new IOException(file + ": is not a JSON object");
      }
      return RecordJson.read(ExportIndex.class, json.getAsJsonObject());
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": is not UTF-8", e);
    } catch (JsonParseException e) {
      throw new IOException(file + ": is not valid JSON" + ErrorText.place(e), e);
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Writes blocks and the index of them.
   *
   * @param folder the model's, which has none yet
   * @param weights the {@linkplain #layout layout} of its weights
   * @param models the blocks' files by {@linkplain BlockKey key}
   * @param names the blocks' names by key
   */
  public static void write(
      Path folder,
      String precision,
      String weights,
      Map<String, byte[]> models,
      Map<String, String> names)
      throws IOException {
    Path place = Files.createDirectory(folder.resolve(ExportedModels.FOLDER));
    Map<String, Entry> blocks = new TreeMap<>();
    for (Map.Entry<String, byte[]> model : models.entrySet()) {
      Files.write(place.resolve(model.getKey() + ".onnx"), model.getValue());
      blocks.put(model.getKey(), new Entry(names.get(model.getKey()), hash(model.getValue())));
    }
    JsonObject json = RecordJson.write(of(precision, weights, blocks)).getAsJsonObject();
    Files.write(
        place.resolve(FILE_NAME), (PRETTY.toJson(json) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Where parameters lie in their files, as a hash: a block refers to its weights by their place.
   */
  public static String layout(TensorSource weights, Collection<Param> params) {
    StringBuilder text = new StringBuilder();
    for (Param param : params) {
      text.append(weights.info(param.name()))
          .append(' ')
          .append(weights.info(param.name()).offset())
          .append(' ')
          .append(weights.file(param.name()).map(file -> file.getFileName().toString()).orElse(""))
          .append('\n');
    }
    return hash(text.toString().getBytes(StandardCharsets.UTF_8));
  }

  static String hash(byte[] bytes) {
    try {
      return Hex.of(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
