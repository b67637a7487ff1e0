package io.deem.training.data;

import io.deem.text.SpecialTokens;
import io.deem.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.LongStream;

/** A tokenizer of bytes, ids 3 to 258, with DEEM's special tokens. */
final class Bytes implements Tokenizer {

  static final int BEGIN = 1;
  static final int END = 2;
  static final int IMAGE_START = 32_000;
  static final int IMAGE = 32_001;
  private static final int FIRST_BYTE = 3;

  private final Map<String, Integer> special = new LinkedHashMap<>();

  Bytes() {
    special.put(SpecialTokens.BEGIN, BEGIN);
    special.put(SpecialTokens.END, END);
    List<String> added = new ArrayList<>(SpecialTokens.IMAGE);
    added.addAll(SpecialTokens.GROUNDING);
    added.forEach(token -> special.put(token, IMAGE_START + special.size() - 2));
  }

  @Override
  public long[] encode(String text) {
    return LongStream.concat(LongStream.of(BEGIN), LongStream.of(encodeWithoutBegin(text)))
        .toArray();
  }

  @Override
  public long[] encodeWithoutBegin(String text) {
    LongStream.Builder ids = LongStream.builder();
    for (int at = 0; at < text.length(); ) {
      String rest = text.substring(at);
      String token = special.keySet().stream().filter(rest::startsWith).findFirst().orElse(null);
      if (token != null) {
        ids.add(special.get(token));
        at += token.length();
      } else {
        for (byte b : rest.substring(0, 1).getBytes(StandardCharsets.UTF_8)) {
          ids.add(FIRST_BYTE + (b & 0xff));
        }
        at++;
      }
    }
    return ids.build().toArray();
  }

  @Override
  public String decode(long[] ids, boolean keepSpecialTokens) {
    StringBuilder text = new StringBuilder();
    for (long id : ids) {
      if (id >= FIRST_BYTE && id < FIRST_BYTE + 256) {
        text.append((char) (id - FIRST_BYTE));
      } else if (keepSpecialTokens) {
        special.forEach((token, its) -> text.append(its == id ? token : ""));
      }
    }
    return text.toString();
  }

  @Override
  public OptionalInt tokenId(String token) {
    return special.containsKey(token) ? OptionalInt.of(special.get(token)) : OptionalInt.empty();
  }

  @Override
  public int vocabularySize() {
    return IMAGE_START + special.size();
  }

  @Override
  public String origin() {
    return "bytes";
  }

  @Override
  public void close() {}
}
