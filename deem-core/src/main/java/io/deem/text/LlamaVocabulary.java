package io.deem.text;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.json.ErrorText;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a LLaMA tokenizer reads from a {@code tokenizer.json}: pieces, byte pieces, merges and added
 * tokens. Immutable.
 */
final class LlamaVocabulary {

  /** What SentencePiece writes for a space. */
  static final char SPACE = '\u2581';

  /**
   * The score of pieces that are nothing but spaces puts them behind all others, ties among them.
   */
  private static final int LAST = Integer.MAX_VALUE;

  private static final int BYTES = 256;
  private static final JsonElement NORMALIZER =
      JsonParser.parseString(
          "{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':'\u2581'},"
              + "{'type':'Replace','pattern':{'String':' '},'content':'\u2581'}]}");
  private static final JsonElement DECODER =
      JsonParser.parseString(
          "{'type':'Sequence','decoders':["
              + "{'type':'Replace','pattern':{'String':'\u2581'},'content':' '},"
              + "{'type':'ByteFallback'},{'type':'Fuse'},"
              + "{'type':'Strip','content':' ','start':1,'stop':0}]}");

  private final String origin;
  private final String[] pieces;
  private final Map<String, Integer> ids = new HashMap<>();
  private final int[] bytes = new int[BYTES];
  private final int[] byteOf;
  private final JsonArray merges;
  private final Map<String, Integer> controls = new LinkedHashMap<>();
  private final Map<String, Integer> added = new LinkedHashMap<>();
  private final boolean[] special;

  /**
   * Reads a file.
   *
   * @param root its JSON, of which {@link #describes} holds
   */
  LlamaVocabulary(TokenizerFile file, JsonObject root) throws MalformedTokenizerException {
    origin = file.origin();
    JsonObject model = root.getAsJsonObject("model");
    int size = 0;
    for (Map.Entry<String, JsonElement> entry : model.getAsJsonObject("vocab").entrySet()) {
      int id = entry.getValue().getAsInt();
      ids.put(entry.getKey(), id);
      size = Math.max(size, id + 1);
    }
    pieces = new String[size];
    ids.forEach((piece, id) -> pieces[id] = piece);
    byteOf = new int[size];
    Arrays.fill(byteOf, -1);
    for (int value = 0; value < BYTES; value++) {
      String piece = String.format("<0x%02X>", value);
      bytes[value] = require(piece);
      byteOf[bytes[value]] = value;
    }
    special = new boolean[file.vocabularySize()];
    readAddedTokens(root, size);
    for (String control :
        new String[] {SpecialTokens.UNKNOWN, SpecialTokens.BEGIN, SpecialTokens.END}) {
      controls.put(control, require(control));
    }
    JsonElement listed = model.get("merges");
    if (listed == null || !listed.isJsonArray()) {
      throw new MalformedTokenizerException(origin + ": \"merges\" is not an array");
    }
    merges = listed.getAsJsonArray();
  }

  /**
   * Whether a file is of the kind that Hugging Face makes of a LLaMA SentencePiece model: byte pair
   * encoding with byte fall-back, spaces written as U+2581 with one in front, nothing else changed.
   */
  static boolean describes(JsonObject root) {
    JsonObject model = root.getAsJsonObject("model");
    boolean plain =
        isTrue(model.get("byte_fallback"))
            && isTrue(model.get("fuse_unk"))
            && !isTrue(model.get("ignore_merges"))
            && isAbsent(model.get("dropout"))
            && isAbsent(model.get("continuing_subword_prefix"))
            && isAbsent(model.get("end_of_word_suffix"))
            && isAbsent(root.get("pre_tokenizer"))
            && NORMALIZER.equals(root.get("normalizer"))
            && DECODER.equals(root.get("decoder"));
    JsonElement added = root.get("added_tokens");
    if (plain && added != null && added.isJsonArray()) {
      for (JsonElement token : added.getAsJsonArray()) {
        for (String option : new String[] {"lstrip", "rstrip", "single_word", "normalized"}) {
          plain &= !isTrue(token.getAsJsonObject().get(option));
        }
      }
    }
    return plain;
  }

  private static boolean isTrue(JsonElement value) {
    return value != null && value.isJsonPrimitive() && value.getAsBoolean();
  }

  private static boolean isAbsent(JsonElement value) {
    return value == null || value.isJsonNull() || value.toString().equals("\"\"");
  }

  private void readAddedTokens(JsonObject root, int size) throws MalformedTokenizerException {
    JsonElement tokens = root.get("added_tokens");
    if (tokens == null || tokens.isJsonNull()) {
      return;
    }
    for (JsonElement element : tokens.getAsJsonArray()) {
      JsonObject token = element.getAsJsonObject();
      String text = token.get("content").getAsString();
      int id = token.get("id").getAsInt();
      if (text.isEmpty()) {
        throw new MalformedTokenizerException(origin + ": the added token " + id + " is empty");
      }
      (id < size && pieces[id] != null ? controls : added).put(text, id);
      special[id] = isTrue(token.get("special"));
    }
  }

  private int require(String piece) throws MalformedTokenizerException {
    Integer id = ids.get(piece);
    if (id == null) {
      throw new MalformedTokenizerException(
          origin + ": no piece " + ErrorText.quote(piece) + " in the vocabulary");
    }
    return id;
  }

  /** The merges in the order in which the file lists them. */
  PairMerges listedMerges() throws MalformedTokenizerException {
    PairMerges.Builder builder = new PairMerges.Builder();
    for (int rank = 0; rank < merges.size(); rank++) {
      JsonElement merge = merges.get(rank);
      String[] pair = new String[0];
      if (merge.isJsonPrimitive()) {
        pair = merge.getAsString().split(" ", -1);
      } else if (merge.isJsonArray()) {
        pair =
            merge.getAsJsonArray().asList().stream()
                .map(side -> side.isJsonPrimitive() ? side.getAsString() : "")
                .toArray(String[]::new);
      }
      Integer left = pair.length == 2 ? ids.get(pair[0]) : null;
      Integer right = pair.length == 2 ? ids.get(pair[1]) : null;
      Integer whole = pair.length == 2 ? ids.get(pair[0] + pair[1]) : null;
      if (left == null || right == null || whole == null) {
        throw new MalformedTokenizerException(
            origin
                + ": merge "
                + rank
                + " is "
                + ErrorText.quote(merge.toString())
                + ", not two pieces that make a third");
      }
      builder.add(left, right, rank, whole);
    }
    return builder.build();
  }

  /**
   * The merges in SentencePiece's order: every two pieces that together are a piece, the one of the
   * highest score first. The score of a LLaMA piece falls with its id; pieces of nothing but spaces
   * come last and are all equal.
   */
  PairMerges scoredMerges() {
    PairMerges.Builder builder = new PairMerges.Builder();
    for (int id = 0; id < pieces.length; id++) {
      String piece = pieces[id];
      if (piece == null || !isOrdinary(id)) {
        continue;
      }
      int priority = piece.chars().allMatch(c -> c == SPACE) ? LAST : id;
      for (int cut = 1; cut < piece.length(); cut++) {
        Integer left = ids.get(piece.substring(0, cut));
        Integer right = ids.get(piece.substring(cut));
        if (left != null && right != null && isOrdinary(left) && isOrdinary(right)) {
          builder.add(left, right, priority, id);
        }
      }
    }
    return builder.build();
  }

  /** The pieces that are one character each, by their text. */
  Map<String, Integer> characters() {
    Map<String, Integer> characters = new HashMap<>();
    ids.forEach(
        (piece, id) -> {
          if (isOrdinary(id) && piece.codePointCount(0, piece.length()) == 1) {
            characters.put(piece, id);
          }
        });
    return characters;
  }

  /** Whether a piece stands for its own text: it is no byte and no control token. */
  boolean isOrdinary(int id) {
    return byteOf[id] < 0 && !controls.containsValue(id);
  }

  /** The ids of the 256 byte pieces. */
  int[] bytes() {
    return bytes.clone();
  }

  /** The byte that a piece stands for, or -1. */
  int byteOf(int id) {
    return byteOf[id];
  }

  /** A piece's text, or null where the vocabulary has a gap. */
  String piece(int id) {
    return pieces[id];
  }

  /** The id of a piece, added tokens not among them. */
  Integer id(String piece) {
    return ids.get(piece);
  }

  /** The number of pieces, added tokens not counted. */
  int size() {
    return pieces.length;
  }

  /** The tokens that LLaMA itself has beside its pieces, {@code <s>} and such. */
  Map<String, Integer> controls() {
    return controls;
  }

  /** The tokens that were added behind the vocabulary. */
  Map<String, Integer> added() {
    return added;
  }

  /** Whether the file says that a token is special. */
  boolean isSpecial(int id) {
    return special[id];
  }
}
