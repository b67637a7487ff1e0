package io.deem.mini;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The PNG members of a tar file in WebDataset layout: plain ustar entries, one picture a key. Only
 * the entries' names and extents are read at once; nothing is ever written to disk.
 */
final class TarPictures {

  private static final int BLOCK = 512;
  private static final long MAX_FILE_BYTES = 256L << 20;

  private record Extent(int offset, int length) {}

  private final byte[] tar;
  private final Map<String, Extent> extents;
  private final Map<String, Extent> descriptions;

  private TarPictures(byte[] tar, Map<String, Extent> extents, Map<String, Extent> descriptions) {
    this.tar = tar;
    this.extents = extents;
    this.descriptions = descriptions;
  }

  static TarPictures read(Path file) throws IOException {
    long bytes = Files.size(file);
    if (bytes > MAX_FILE_BYTES) {
      throw new IOException(file + " holds " + bytes + " bytes, more than " + MAX_FILE_BYTES);
    }
    byte[] tar = Files.readAllBytes(file);
    Map<String, Extent> extents = new HashMap<>();
    Map<String, Extent> descriptions = new HashMap<>();
    int at = 0;
    // An empty block ends the archive.
    while (at + BLOCK <= tar.length && tar[at] != 0) {
      String name = text(tar, at, 100);
      long length = octal(file, tar, at + 124, 12);
      if (length > tar.length - at - BLOCK) {
        throw new IOException(file + ": member " + name + " of " + length + " bytes is cut off");
      }
      if (name.endsWith(".png")) {
        extents.put(name.substring(0, name.length() - 4), new Extent(at + BLOCK, (int) length));
      } else if (name.endsWith(".json")) {
        descriptions.put(
            name.substring(0, name.length() - 5), new Extent(at + BLOCK, (int) length));
      }
      long next = at + BLOCK + (length + BLOCK - 1) / BLOCK * BLOCK;
      at = (int) Math.min(next, tar.length);
    }
    if (extents.isEmpty()) {
      throw new IOException(file + " is no tar file with .png members");
    }
    return new TarPictures(tar, extents, descriptions);
  }

  /** The bytes of {@code key.png}, or null where there is no such member. */
  byte[] get(String key) {
    Extent extent = extents.get(key);
    return extent == null
        ? null
        : Arrays.copyOfRange(tar, extent.offset, extent.offset + extent.length);
  }

  /** Whether there is a picture of this key. */
  boolean has(String key) {
    return extents.containsKey(key);
  }

  /** The text of {@code key.json}, or null where there is no such member. */
  String description(String key) {
    Extent extent = descriptions.get(key);
    return extent == null
        ? null
        : new String(tar, extent.offset, extent.length, StandardCharsets.UTF_8);
  }

  private static String text(byte[] tar, int from, int length) {
    int end = from;
    while (end < from + length && tar[end] != 0) {
      end++;
    }
    return new String(tar, from, end - from, StandardCharsets.US_ASCII);
  }

  private static long octal(Path file, byte[] tar, int from, int length) throws IOException {
    String digits = text(tar, from, length).strip();
    try {
      long value = digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
      if (value < 0) {
        throw new NumberFormatException(digits);
      }
      return value;
    } catch (NumberFormatException e) {
      throw new IOException(file + ": member with the size '" + digits + "'", e);
    }
  }
}
