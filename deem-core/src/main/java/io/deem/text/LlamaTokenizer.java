package io.deem.text;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * The tokenizer of LLaMA and its relatives in plain Java: SentencePiece byte pair encoding as
 * {@code tokenizer.json} describes it, in the three ways in which Hugging Face transformers runs
 * it. They agree on every text without special tokens and differ in what happens to the spaces
 * around them.
 *
 * <pre>{@code
 * TokenizerFile file = TokenizerFile.read(folder).withAddedTokens(SpecialTokens.IMAGE);
 * Tokenizer tokenizer = LlamaTokenizer.of(file, LlamaTokenizer.Mode.LEGACY);
 * }</pre>
 */
public final class LlamaTokenizer implements Tokenizer {

  /** How text around special tokens is treated. */
  public enum Mode {
    /**
     * As the Rust tokenizers library: every stretch of text between special tokens gets a leading
     * space, and its own spaces are kept.
     */
    FAST,
    /**
     * As the slow tokenizer with {@code legacy=True}: as {@link #FAST}, but whitespace beside added
     * tokens is dropped.
     */
    LEGACY,
    /**
     * As the slow tokenizer with {@code legacy=False}: whitespace beside added tokens is dropped
     * and only the beginning of the text gets a leading space.
     */
    MODERN;

    /**
     * The mode of the slow tokenizer that a checkpoint was trained with.
     *
     * @param legacy the entry {@code legacy} of its {@code tokenizer_config.json}; null if there is
     *     none, which means true
     */
    public static Mode ofLegacyFlag(JsonElement legacy) {
      boolean modern =
          legacy != null && legacy.isJsonPrimitive() && "false".equals(legacy.getAsString());
      return modern ? MODERN : LEGACY;
    }
  }

  private final TokenizerFile file;
  private final Mode mode;
  private final LlamaVocabulary vocabulary;
  private final BytePairEncoding encoding;
  private final Map<String, Integer> unsplit = new HashMap<>();
  private final Map<Integer, String> addedTexts = new HashMap<>();
  private final Set<Integer> special = new HashSet<>();
  private final Pattern boundaries;
  private final int padding;
  private final long begin;
  private volatile boolean closed;

  private LlamaTokenizer(TokenizerFile file, JsonObject root, Mode mode)
      throws MalformedTokenizerException {
    this.file = file;
    this.mode = mode;
    vocabulary = new LlamaVocabulary(file, root);
    PairMerges merges = mode == Mode.FAST ? vocabulary.listedMerges() : vocabulary.scoredMerges();
    encoding = new BytePairEncoding(vocabulary.characters(), vocabulary.bytes(), merges);
    padding = Math.min(SpecialTokens.PADDING_ID, vocabulary.size() - 1);
    begin = requireTokenId(SpecialTokens.BEGIN);
    unsplit.putAll(vocabulary.controls());
    unsplit.putAll(vocabulary.added());
    vocabulary.added().forEach((text, id) -> addedTexts.put(id, text));
    for (int id : unsplit.values()) {
      if (mode != Mode.FAST || vocabulary.isSpecial(id)) {
        special.add(id);
      }
    }
    if (mode != Mode.FAST) {
      special.add(padding);
    }
    boundaries =
        Pattern.compile(
            unsplit.keySet().stream()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(Pattern::quote)
                .collect(Collectors.joining("|")));
  }

  /**
   * Makes a tokenizer.
   *
   * @param file a file of the LLaMA kind, DEEM's tokens added already where they are wanted
   * @throws MalformedTokenizerException if the file is of another kind or its content is broken
   */
  public static LlamaTokenizer of(TokenizerFile file, Mode mode)
      throws MalformedTokenizerException {
    return find(file, mode)
        .orElseThrow(
            () ->
                new MalformedTokenizerException(
                    file.origin()
                        + ": is no LLaMA tokenizer"
                        + " (byte pair encoding with byte fall-back and U+2581 for spaces)"));
  }

  /** As {@link #of}; nothing if the file is of another kind. */
  static Optional<LlamaTokenizer> find(TokenizerFile file, Mode mode)
      throws MalformedTokenizerException {
    JsonObject root = file.parsed();
    return LlamaVocabulary.describes(root)
        ? Optional.of(new LlamaTokenizer(file, root, mode))
        : Optional.empty();
  }

  /** How text around special tokens is treated. */
  public Mode mode() {
    return mode;
  }

  /** The id that rows are padded with, {@link SpecialTokens#PADDING_ID}. */
  public int paddingId() {
    return padding;
  }

  @Override
  public long[] encode(String text) {
    return LongStream.concat(LongStream.of(begin), ids(text)).toArray();
  }

  @Override
  public long[] encodeWithoutBegin(String text) {
    return ids(text).toArray();
  }

  private LongStream ids(String text) {
    requireOpen();
    String wellFormed = UnicodeText.withoutLoneSurrogates(text);
    if (mode == Mode.MODERN) {
      wellFormed = LlamaVocabulary.SPACE + wellFormed.replace(LlamaVocabulary.SPACE, ' ');
    }
    LongStream.Builder ids = LongStream.builder();
    for (String segment : segments(wellFormed)) {
      Integer token = unsplit.get(segment);
      if (token != null) {
        ids.add(token);
      } else {
        for (long id : encodeSegment(segment)) {
          ids.add(id);
        }
      }
    }
    return ids.build();
  }

  /** The text cut at special tokens, whitespace dropped where the mode says so, nothing empty. */
  private List<String> segments(String text) {
    List<String> segments = new ArrayList<>();
    Matcher token = boundaries.matcher(text);
    int end = 0;
    while (token.find()) {
      segments.add(text.substring(end, token.start()));
      segments.add(token.group());
      end = token.end();
    }
    segments.add(text.substring(end));
    if (mode != Mode.FAST) {
      // Every second segment is a special token, and there is text on both sides of it.
      for (int i = 1; i < segments.size(); i += 2) {
        if (vocabulary.added().containsKey(segments.get(i))) {
          segments.set(i - 1, UnicodeText.stripRight(segments.get(i - 1)));
          segments.set(i + 1, UnicodeText.stripLeft(segments.get(i + 1)));
        }
      }
    }
    segments.removeIf(String::isEmpty);
    return segments;
  }

  private long[] encodeSegment(String segment) {
    if (mode != Mode.MODERN) {
      return encodePlain(segment);
    }
    if (segment.charAt(0) == LlamaVocabulary.SPACE) {
      // The mark that ids() put before the whole text: SentencePiece puts it there itself.
      return encodePlain(segment.substring(1));
    }
    long[] ids = encodePlain(segment);
    String first = vocabulary.piece((int) ids[0]);
    if (segment.charAt(0) == ' ' || first.charAt(0) != LlamaVocabulary.SPACE) {
      return ids;
    }
    if (first.length() == 1) {
      return Arrays.copyOfRange(ids, 1, ids.length);
    }
    Integer shorter = vocabulary.id(first.substring(1));
    ids[0] = shorter != null ? shorter : vocabulary.controls().get(SpecialTokens.UNKNOWN);
    return ids;
  }

  private long[] encodePlain(String text) {
    return text.isEmpty()
        ? new long[0]
        : encoding.encode(LlamaVocabulary.SPACE + text.replace(' ', LlamaVocabulary.SPACE));
  }

  @Override
  public String decode(long[] ids, boolean keepSpecialTokens) {
    requireOpen();
    List<Integer> kept = new ArrayList<>(ids.length);
    for (long id : ids) {
      if (id < 0 || id >= file.vocabularySize()) {
        throw new IllegalArgumentException(
            "token id " + id + " is outside the vocabulary of " + file.vocabularySize());
      }
      boolean exists =
          addedTexts.containsKey((int) id)
              || (id < vocabulary.size() && vocabulary.piece((int) id) != null);
      if (exists && (keepSpecialTokens || !special.contains((int) id))) {
        kept.add((int) id);
      }
    }
    return mode == Mode.FAST ? decodeAsOne(kept) : decodeInGroups(kept);
  }

  private String decodeAsOne(List<Integer> ids) {
    StringBuilder text = new StringBuilder();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int id : ids) {
      boolean added = addedTexts.containsKey(id);
      if (!added && vocabulary.byteOf(id) >= 0) {
        bytes.write(vocabulary.byteOf(id));
        continue;
      }
      text.append(UnicodeText.decodeAllOrNothing(bytes.toByteArray()));
      bytes.reset();
      String piece = added ? addedTexts.get(id) : vocabulary.piece(id);
      text.append(piece.replace(LlamaVocabulary.SPACE, ' '));
    }
    text.append(UnicodeText.decodeAllOrNothing(bytes.toByteArray()));
    return text.length() > 0 && text.charAt(0) == ' ' ? text.substring(1) : text.toString();
  }

  /** Added tokens and what stands between them, joined by spaces. */
  private String decodeInGroups(List<Integer> ids) {
    List<String> groups = new ArrayList<>();
    List<Integer> group = new ArrayList<>();
    for (int id : ids) {
      if (!addedTexts.containsKey(id)) {
        group.add(id);
        continue;
      }
      if (!group.isEmpty()) {
        groups.add(decodeGroup(group));
        group.clear();
      }
      groups.add(addedTexts.get(id));
    }
    if (!group.isEmpty()) {
      groups.add(decodeGroup(group));
    }
    return String.join(" ", groups);
  }

  private String decodeGroup(List<Integer> ids) {
    StringBuilder text = new StringBuilder();
    int from = 0;
    for (int i = 0; i < ids.size(); i++) {
      if (special.contains(ids.get(i))) {
        if (i > from) {
          text.append(' ');
        }
        text.append(decodeRun(ids.subList(from, i)));
        text.append(vocabulary.piece(ids.get(i)));
        from = i + 1;
      }
    }
    return text.append(decodeRun(ids.subList(from, ids.size()))).toString();
  }

  /** SentencePiece's decoding: one space is dropped where the first piece begins with it. */
  private String decodeRun(List<Integer> ids) {
    StringBuilder text = new StringBuilder();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < ids.size(); i++) {
      int id = ids.get(i);
      if (vocabulary.byteOf(id) >= 0) {
        bytes.write(vocabulary.byteOf(id));
        continue;
      }
      text.append(UnicodeText.decodeEachValidCharacter(bytes.toByteArray()));
      bytes.reset();
      String piece = vocabulary.piece(id).replace(LlamaVocabulary.SPACE, ' ');
      text.append(i == 0 && piece.startsWith(" ") ? piece.substring(1) : piece);
    }
    return text.append(UnicodeText.decodeEachValidCharacter(bytes.toByteArray())).toString();
  }

  @Override
  public OptionalInt tokenId(String token) {
    return file.tokenId(token);
  }

  @Override
  public int vocabularySize() {
    return file.vocabularySize();
  }

  @Override
  public String origin() {
    return file.origin();
  }

  @Override
  public void close() {
    closed = true;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(origin() + ": already closed");
    }
  }
}
