package io.deem.training.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;

/** Computes the checksum of a data set. */
final class DataChecksum {

  private static final int BUFFER = 1 << 16;

  private final MessageDigest digest;

  private DataChecksum() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static String of(DataSet data, ChecksumDepth depth) throws IOException {
    DataChecksum checksum = new DataChecksum();
    for (Path file : data.annotations()) {
      checksum.file(file);
    }
    Set<String> seen = new HashSet<>();
    for (long i = 0; i < data.size(); i++) {
      Sample sample;
      try {
        sample = data.sample(i);
      } catch (IOException e) {
        // A broken item is part of what the annotation files hold.
        checksum.text("broken " + i);
        continue;
      }
      for (ImageSource image : sample.images()) {
        if (seen.add(image.name())) {
          checksum.picture(image, depth);
        }
      }
    }
    return HexFormat.of().formatHex(checksum.digest.digest());
  }

  private void picture(ImageSource image, ChecksumDepth depth) {
    text(image.name());
    try {
      if (depth == ChecksumDepth.CONTENTS) {
        byte[] bytes = image.bytes();
        text(Integer.toString(bytes.length));
        digest.update(bytes);
      } else {
        text(Long.toString(image.length()));
      }
    } catch (IOException e) {
      text("missing");
    }
  }

  private void file(Path file) throws IOException {
    text(Long.toString(Files.size(file)));
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = Files.newInputStream(file)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
    }
  }

  private void text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update((byte) bytes.length);
    digest.update(bytes);
  }
}
