package io.deem.verify;

import io.deem.portable.TextFile;
import io.deem.text.LlamaTokenizer;
import io.deem.text.LlamaTokenizer.Mode;
import io.deem.text.SpecialTokens;
import io.deem.text.TokenizerFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The LLaMA tokenizer that fixtures of texts were made with. It is too large to lie in each of
 * them, so it is looked for, in this order: in the fixture's folder; in the folders of {@code
 * models} beside the fixture or beside the folder it lies in; among the class path's resources,
 * where deem-mini has it. The first with the right vocabulary counts.
 */
final class ReferenceTokenizer {

  /** The SHA-256 of LLaMA's 32,000 pieces, {@link TokenizerFile#fingerprint()}. */
  static final String LLAMA = "0f97b4337921e6e7e9b4620fc73338ee570aecd3c16038bc23870a887e995045";

  private static final List<String> RESOURCES =
      List.of("io/deem/mini/model/tokenizer.json", "tokenizer/tokenizer.json");

  private final TokenizerFile plain;

  private ReferenceTokenizer(TokenizerFile plain) {
    this.plain = plain;
  }

  /**
   * Finds the tokenizer.
   *
   * @param fingerprint of its vocabulary
   * @throws IOException naming what is missing
   */
  static ReferenceTokenizer find(Path folder, String fingerprint) throws IOException {
    for (Path place : places(folder.toAbsolutePath().normalize())) {
      if (Files.isRegularFile(place.resolve(TokenizerFile.FILE_NAME))) {
        TokenizerFile file = TokenizerFile.read(place);
        if (file.fingerprint().equals(fingerprint)) {
          return new ReferenceTokenizer(file.withoutAddedTokens());
        }
      }
    }
    for (String name : RESOURCES) {
      try (InputStream in = ReferenceTokenizer.class.getClassLoader().getResourceAsStream(name)) {
        if (in != null) {
          String json = TextFile.read(in);
          TokenizerFile file = TokenizerFile.parse(name, json);
          if (file.fingerprint().equals(fingerprint)) {
            return new ReferenceTokenizer(file.withoutAddedTokens());
          }
        }
      }
    }
    throw new IOException(
        folder
            + ": needs the tokenizer.json of a LLaMA whose pieces have the SHA-256 "
            + fingerprint
            + "; put it into the fixture's folder");
  }

  private static List<Path> places(Path folder) throws IOException {
    List<Path> places = new ArrayList<>();
    places.add(folder);
    Path above = folder.getParent();
    for (int level = 0; level < 2 && above != null; level++, above = above.getParent()) {
      Path models = above.resolve("models");
      if (Files.isDirectory(models)) {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(models, Files::isDirectory)) {
          folders.forEach(places::add);
        }
      }
    }
    return places;
  }

  /** The tokenizer with DEEM's image tokens, and those for grounding where they are wanted. */
  LlamaTokenizer open(Mode mode, boolean grounding) throws IOException {
    TokenizerFile file = plain.withAddedTokens(SpecialTokens.IMAGE);
    return LlamaTokenizer.of(
        grounding ? file.withAddedTokens(SpecialTokens.GROUNDING) : file, mode);
  }

  /** The tokenizer's vocabulary without any added token. */
  TokenizerFile plain() {
    return plain;
  }
}
