package io.deem.text;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.deem.json.ErrorText;
import io.deem.portable.TextFile;
import io.deem.weights.AtomicFile;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * The content of a {@code tokenizer.json} file: its vocabulary, checked, and the JSON itself for
 * the library that interprets the rest. Immutable.
 */
public final class TokenizerFile {
  /** The file's name in a model folder. */
  public static final String FILE_NAME = "tokenizer.json";

  private static final long LARGEST_FILE = 16L << 20;
  private static final int LARGEST_ID = 1 << 24;

  private final String origin;
  private final String json;
  private final Map<String, Integer> ids;
  private final String fingerprint;
  private final int vocabularySize;

  private TokenizerFile(String origin, String json, Map<String, Integer> ids, String fingerprint) {
    this.origin = origin;
    this.json = json;
    this.ids = ids;
    this.fingerprint = fingerprint;
    int largest = -1;
    for (int id : ids.values()) {
      largest = Math.max(largest, id);
    }
    this.vocabularySize = largest + 1;
  }

  /**
   * Reads a tokenizer file.
   *
   * @param path the file, or a folder that holds {@value #FILE_NAME}
   * @throws MalformedTokenizerException if it is not a tokenizer file with a vocabulary
   * @throws IOException if it cannot be read
   */
  public static TokenizerFile read(Path path) throws IOException {
    Path file = Files.isDirectory(path) ? path.resolve(FILE_NAME) : path;
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    if (Files.size(file) > LARGEST_FILE) {
      throw new MalformedTokenizerException(
          file + ": " + Files.size(file) + " bytes is over the limit of " + LARGEST_FILE);
    }
    try {
      return parse(file.toString(), TextFile.read(file));
    } catch (CharacterCodingException e) {
      throw new MalformedTokenizerException(file + ": is not UTF-8", e);
    }
  }

  /**
   * Parses the text of a tokenizer file.
   *
   * @param origin what to call it in messages
   * @throws MalformedTokenizerException if it is not a tokenizer file with a vocabulary
   */
  public static TokenizerFile parse(String origin, String json) throws MalformedTokenizerException {
    JsonObject root = root(origin, json);
    Map<String, Integer> ids = new HashMap<>();
    NavigableMap<Integer, String> pieces = new TreeMap<>();
    JsonElement model = root.get("model");
    JsonElement vocabulary =
        model != null && model.isJsonObject() ? model.getAsJsonObject().get("vocab") : null;
    if (vocabulary == null || !vocabulary.isJsonObject()) {
      throw new MalformedTokenizerException(origin + ": has no object \"model\" with a \"vocab\"");
    }
    for (Map.Entry<String, JsonElement> entry : vocabulary.getAsJsonObject().entrySet()) {
      int id = id(origin, entry.getKey(), entry.getValue());
      ids.put(entry.getKey(), id);
      if (pieces.put(id, entry.getKey()) != null) {
        throw new MalformedTokenizerException(
            origin + ": token " + ErrorText.quote(entry.getKey()) + " has the taken id " + id);
      }
    }
    String fingerprint = sha256(String.join("\n", pieces.values()));
    Set<Integer> taken = new HashSet<>(pieces.keySet());
    for (JsonElement added : addedTokens(origin, root)) {
      addToken(origin, added, ids, taken);
    }
    if (ids.isEmpty()) {
      throw new MalformedTokenizerException(origin + ": has an empty vocabulary");
    }
    return new TokenizerFile(origin, json, ids, fingerprint);
  }

  private static String sha256(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] hash = digest.digest(text.getBytes(StandardCharsets.UTF_8));
      return String.format("%064x", new BigInteger(1, hash));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static JsonObject root(String origin, String json) throws MalformedTokenizerException {
    JsonReader reader = new JsonReader(new StringReader(json));
    reader.setStrictness(Strictness.STRICT);
    JsonElement root;
    boolean atEnd;
    try {
      root = JsonParser.parseReader(reader);
      // A strict reader itself refuses anything but spaces here.
      atEnd = reader.peek() == JsonToken.END_DOCUMENT;
    } catch (IOException | JsonParseException e) {
      throw new MalformedTokenizerException(origin + ": is not valid JSON" + ErrorText.place(e), e);
    }
    if (!atEnd || !root.isJsonObject()) {
      throw new MalformedTokenizerException(origin + ": is not a JSON object");
    }
    return root.getAsJsonObject();
  }

  private static JsonArray addedTokens(String origin, JsonObject root)
      throws MalformedTokenizerException {
    JsonElement added = root.get("added_tokens");
    if (added == null || added.isJsonNull()) {
      return new JsonArray();
    }
    if (!added.isJsonArray()) {
      throw new MalformedTokenizerException(origin + ": \"added_tokens\" is not an array");
    }
    return added.getAsJsonArray();
  }

  private static void addToken(
      String origin, JsonElement added, Map<String, Integer> ids, Set<Integer> taken)
      throws MalformedTokenizerException {
    JsonElement content = added.isJsonObject() ? added.getAsJsonObject().get("content") : null;
    boolean isText =
        content != null && content.isJsonPrimitive() && content.getAsJsonPrimitive().isString();
    if (!isText) {
      throw new MalformedTokenizerException(origin + ": an added token has no \"content\"");
    }
    String token = content.getAsString();
    int id = id(origin, token, added.getAsJsonObject().get("id"));
    Integer before = ids.put(token, id);
    boolean clash = before == null ? !taken.add(id) : before != id;
    if (clash) {
      throw new MalformedTokenizerException(
          origin
              + ": added token "
              + ErrorText.quote(token)
              + " has id "
              + id
              + (before == null ? ", which is taken" : " but " + before + " in the vocabulary"));
    }
  }

  private static int id(String origin, String token, JsonElement id)
      throws MalformedTokenizerException {
    String text = id == null ? "nothing" : id.toString();
    if (text.matches("[0-9]{1,8}") && Integer.parseInt(text) < LARGEST_ID) {
      return Integer.parseInt(text);
    }
    throw new MalformedTokenizerException(
        origin + ": token " + ErrorText.quote(token) + " has the id " + ErrorText.quote(text));
  }

  /**
   * This tokenizer with special tokens added, whose ids follow the largest one there is: on a LLaMA
   * vocabulary 32000, 32001 and so on.
   *
   * @throws IllegalArgumentException if a token is already in the vocabulary
   */
  public TokenizerFile withAddedTokens(Iterable<String> tokens) {
    try {
      JsonObject root = parsed();
      JsonArray added = addedTokens(origin, root);
      Map<String, Integer> extended = new HashMap<>(ids);
      int next = vocabularySize;
      for (String token : tokens) {
        if (extended.putIfAbsent(token, next) != null) {
          throw new IllegalArgumentException(
              origin + ": token " + ErrorText.quote(token) + " is already in the vocabulary");
        }
        JsonObject entry = new JsonObject();
        entry.addProperty("id", next++);
        entry.addProperty("content", token);
        entry.addProperty("single_word", false);
        entry.addProperty("lstrip", false);
        entry.addProperty("rstrip", false);
        entry.addProperty("normalized", false);
        entry.addProperty("special", true);
        added.add(entry);
      }
      root.add("added_tokens", added);
      return new TokenizerFile(origin, root.toString(), extended, fingerprint);
    } catch (MalformedTokenizerException e) {
      throw new IllegalStateException(e);
    }
  }

  /** This tokenizer without the tokens that were added behind its vocabulary. */
  public TokenizerFile withoutAddedTokens() {
    try {
      JsonObject root = parsed();
      JsonObject vocabulary = root.getAsJsonObject("model").getAsJsonObject("vocab");
      JsonArray kept = new JsonArray();
      for (JsonElement token : addedTokens(origin, root)) {
        if (vocabulary.has(token.getAsJsonObject().get("content").getAsString())) {
          kept.add(token);
        }
      }
      root.add("added_tokens", kept);
      return parse(origin, root.toString());
    } catch (MalformedTokenizerException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Writes the JSON to a file, replacing one that is there in one step. */
  public void write(Path path) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8));
    AtomicFile.write(
        path,
        channel -> {
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }

  /** The JSON, parsed anew: it takes far more memory than its text. */
  JsonObject parsed() {
    try {
      return root(origin, json);
    } catch (MalformedTokenizerException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The JSON text. */
  public String json() {
    return json;
  }

  /** The id of a token written as in the vocabulary, or nothing if there is no such token. */
  public OptionalInt tokenId(String token) {
    Integer id = ids.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /**
   * What tells one vocabulary from another of the same size: the SHA-256, in hexadecimal, of its
   * pieces in the order of their ids, joined by line breaks. Added tokens do not count.
   */
  public String fingerprint() {
    return fingerprint;
  }

  /** One more than the largest id. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /** The file read from, for messages. */
  public String origin() {
    return origin;
  }
}
