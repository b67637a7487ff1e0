package io.deem.training;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** SHA-256 of files, in hexadecimal. */
final class FileChecksum {

  private FileChecksum() {}

  /** Of a model folder's weights: one file, or shards in the order of their names. */
  static String ofWeights(Path folder) throws IOException {
    return of(weights(folder));
  }

  /** How long these files are together. */
  static long bytesOfWeights(Path folder) throws IOException {
    long bytes = 0;
    for (Path file : weights(folder)) {
      bytes += Files.size(file);
    }
    return bytes;
  }

  private static List<Path> weights(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(file -> file.getFileName().toString().endsWith(".safetensors"))
          .sorted()
          .toList();
    }
  }

  /** Of files, one after the other. */
  static String of(List<Path> files) throws IOException {
    MessageDigest digest = sha256();
    for (Path file : files) {
      try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
        in.transferTo(OutputStream.nullOutputStream());
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** A digest that nothing has been added to. */
  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
