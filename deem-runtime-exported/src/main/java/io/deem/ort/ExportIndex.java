package io.deem.ort;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.deem.json.ErrorText;
import io.deem.json.RecordJson;
import io.deem.portable.Hex;
import io.deem.portable.TextFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What {@code onnx/blocks.json} says of an exported model's blocks.
 *
 * @param format {@value #FORMAT}
 * @param compiler the version of what made the blocks; see {@link BlockKey}
 * @param precision what matrices were exported in, for example {@code fp32}
 * @param weights the files that the blocks refer to, each with its size and the SHA-256 of its
 *     header: a block refers to its weights by their place
 * @param blocks by {@linkplain BlockKey key}
 */
public record ExportIndex(
    String format,
    String compiler,
    String precision,
    Map<String, String> weights,
    Map<String, Entry> blocks) {

  /** The name of the file. */
  static final String FILE_NAME = "blocks.json";

  private static final String FORMAT = "deem-export/1";
  private static final long LARGEST = 16L << 20;
  private static final int LARGEST_HEADER = 100 << 20;
  private static final String SAFETENSORS = ".safetensors";
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
    for (String file : weights.keySet()) {
      if (!file.matches("([A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*")) {
        throw new IllegalArgumentException("refers to a file " + ErrorText.quote(file));
      }
    }
    if (!precision.matches("[a-z0-9]{1,16}")) {
      throw new IllegalArgumentException("precision is " + ErrorText.quote(precision));
    }
    weights = new TreeMap<>(weights);
    blocks = new TreeMap<>(blocks);
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
   * @param folder the model's, which has none yet, with all files that the blocks refer to
   * @param models the blocks' files by {@linkplain BlockKey key}
   * @param names the blocks' names by key
   */
  public static void write(
      Path folder, String precision, Map<String, byte[]> models, Map<String, String> names)
      throws IOException {
    Path place = Files.createDirectory(folder.resolve(ExportedModels.FOLDER));
    Map<String, Entry> blocks = new TreeMap<>();
    for (Map.Entry<String, byte[]> model : models.entrySet()) {
      Files.write(place.resolve(model.getKey() + ".onnx"), model.getValue());
      blocks.put(model.getKey(), new Entry(names.get(model.getKey()), hash(model.getValue())));
    }
    ExportIndex index =
        new ExportIndex(FORMAT, BlockKey.VERSION, precision, weights(folder), blocks);
    JsonObject json = RecordJson.write(index).getAsJsonObject();
    Files.write(
        place.resolve(FILE_NAME), (PRETTY.toJson(json) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static Map<String, String> weights(Path folder) throws IOException {
    Map<String, String> weights = new TreeMap<>();
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files =
          all.filter(file -> file.toString().endsWith(SAFETENSORS)).collect(Collectors.toList());
    }
    for (Path file : files) {
      StringJoiner names = new StringJoiner("/");
      folder.relativize(file).forEach(name -> names.add(name.toString()));
      weights.put(names.toString(), layout(file));
    }
    return weights;
  }

  /**
   * Checks that the files that the blocks refer to are those that were there.
   *
   * @throws IOException in one line that names the file that is not
   */
  void checkWeights(Path folder) throws IOException {
    for (Map.Entry<String, String> each : weights.entrySet()) {
      Path file = folder.resolve(each.getKey());
      if (!Files.isRegularFile(file)) {
        throw new NoSuchFileException(file + ": no such file");
      }
      if (!layout(file).equals(each.getValue())) {
        throw new IOException(
            file + ": is cut short, or not the file that the blocks were exported with");
      }
    }
  }

  /** A file's size and the hash of its header, which says where in it which tensor is. */
  private static String layout(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      ByteBuffer length = read(channel, file, Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      long header = length.getLong(0);
      if (header < 0 || header > LARGEST_HEADER || header > size - Long.BYTES) {
        throw new IOException(file + ": is no safetensors file");
      }
      return size + " " + hash(read(channel, file, Long.BYTES + (int) header).array());
    }
  }

  private static ByteBuffer read(FileChannel channel, Path file, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, bytes.position()) < 0) {
        throw new IOException(file + ": ends too early");
      }
    }
    return bytes;
  }

  static String hash(byte[] bytes) {
    try {
      return Hex.of(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
