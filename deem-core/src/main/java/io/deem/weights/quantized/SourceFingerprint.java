package io.deem.weights.quantized;

import io.deem.portable.Buffers;
import io.deem.portable.Hex;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.zip.CRC32;

/**
 * Tells whether matrices are still those that a cache was made from, in two ways.
 *
 * <p>The <b>content</b> covers every byte of every matrix (a CRC-32 each, all of them digested with
 * SHA-256). It is what decides, but reading all of a large model takes as long as the disk needs.
 *
 * <p>The <b>stamp</b> takes milliseconds: it covers each file's size and time of change, each
 * matrix's name, type, shape and place, and three short samples of its bytes. It is equal only for
 * the files that were quantised, untouched; the samples are for tools that set a file's time back.
 * Whoever changes a few numbers in place, sets the time back and misses all samples is not noticed.
 */
final class SourceFingerprint {
  private static final int SAMPLE = 256;

  private final TensorSource source;
  private final List<StackedMatrix> matrices;
  private final int threads;

  SourceFingerprint(TensorSource source, List<StackedMatrix> matrices, int threads) {
    this.source = source;
    this.matrices = matrices;
    this.threads = threads;
  }

  String stamp() throws IOException {
    MessageDigest digest = sha256();
    List<String> files = new ArrayList<>();
    for (StackedMatrix matrix : matrices) {
      for (String part : matrix.parts()) {
        String file = source.origin(part);
        if (!files.contains(file)) {
          files.add(file);
          add(digest, state(file));
        }
        TensorInfo info = source.info(part);
        add(
            digest,
            matrix.name() + " " + info + " " + info.offset() + " of " + files.indexOf(file));
        long last = Math.max(0, info.length() - SAMPLE);
        for (long at : new long[] {0, last / 2, last}) {
          ByteBuffer bytes = source.bytes(part, at - at % info.type().bytes());
          digest.update(
              Buffers.limit(bytes, bytes.position() + Math.min(SAMPLE, bytes.remaining())));
        }
      }
    }
    return Hex.of(digest.digest());
  }

  String content() throws IOException {
    List<String> parts = new ArrayList<>();
    matrices.forEach(matrix -> parts.addAll(matrix.parts()));
    AtomicIntegerArray sums = new AtomicIntegerArray(parts.size());
    Workers.run(
        threads, parts.size(), () -> part -> sums.set(part, crc(parts.get(part))), started -> {});
    MessageDigest digest = sha256();
    int part = 0;
    for (StackedMatrix matrix : matrices) {
      for (String name : matrix.parts()) {
        add(digest, matrix.name() + " " + source.info(name) + " " + sums.get(part++));
      }
    }
    return Hex.of(digest.digest());
  }

  private int crc(String part) {
    CRC32 sum = new CRC32();
    long length = source.info(part).length();
    long at = 0;
    while (at < length) {
      ByteBuffer piece = source.bytes(part, at);
      at += piece.remaining();
      sum.update(piece);
    }
    return (int) sum.getValue();
  }

  private static String state(String file) throws IOException {
    Path path;
    try {
      path = Paths.get(file);
    } catch (InvalidPathException e) {
      return "no file";
    }
    if (!Files.isRegularFile(path)) {
      return "no file";
    }
    return Files.size(path)
        + " bytes of "
        + Files.getLastModifiedTime(path).to(TimeUnit.NANOSECONDS);
  }

  private static void add(MessageDigest digest, String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
