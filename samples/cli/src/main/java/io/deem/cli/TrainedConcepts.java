package io.deem.cli;

import io.deem.mini.Concept;
import io.deem.mini.Concepts;
import io.deem.mini.DeemMini;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** Which concepts a model was trained on, so that it is asked about what it could have learnt. */
final class TrainedConcepts {

  /** What a model says in its provenance: the ids, separated by spaces. */
  private static final String IDS = "concepts";

  /** What the first models say: the checksum of the list, which the artifact carries. */
  private static final String CHECKSUM = "sha256 of emoji/vocabulary.txt";

  private final Concepts concepts;

  TrainedConcepts(Concepts concepts) {
    this.concepts = concepts;
  }

  /**
   * The concepts, as far as there are pictures of them.
   *
   * @param provenance what the model says about its training
   * @param file ids one a line, or null
   */
  List<Concept> of(Map<String, String> provenance, Path file) throws IOException {
    if (file != null) {
      return concepts.present(ids(Files.readString(file)));
    }
    if (provenance.containsKey(IDS)) {
      return concepts.present(Arrays.asList(provenance.get(IDS).strip().split("\\s+")));
    }
    byte[] shipped = DeemMini.vocabulary();
    if (sha256(shipped).equals(provenance.get(CHECKSUM))) {
      return concepts.present(ids(new String(shipped, StandardCharsets.UTF_8)));
    }
    return concepts.seen();
  }

  private static List<String> ids(String lines) {
    return lines
        .lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty() && !line.startsWith("#"))
        .toList();
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
