package io.deem.mini;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model whose files are resources. Beside them lies {@code files.txt}, which lists them as {@code
 * sha256sum} does: the SHA-256 in hexadecimal, two spaces, the name.
 */
final class ModelResources {

  private static final String LIST = "files.txt";
  private static final Pattern LINE =
      Pattern.compile("([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]*)");
  private static final int BUFFER = 1 << 16;

  private final String base;
  private final Function<String, InputStream> open;

  /**
   * Does not read anything yet.
   *
   * @param base what stands before the name of each resource
   * @param open gives a resource's content, or null if there is no such resource
   */
  ModelResources(String base, Function<String, InputStream> open) {
    this.base = base;
    this.open = open;
  }

  /**
   * The folder with the model's files, all of them complete. It is unpacked into the first cache
   * that can be written, unless one of them has it already.
   */
  Path unpack(List<Path> caches) throws IOException {
    byte[] list = readList();
    Map<String, String> checksums = parse(new String(list, StandardCharsets.UTF_8));
    String name = "deem-mini-" + hex(sha256().digest(list)).substring(0, 16);
    for (Path cache : caches) {
      if (complete(cache.resolve(name), checksums)) {
        return cache.resolve(name);
      }
    }
    IOException first = null;
    for (Path cache : caches) {
      try {
        Files.createDirectories(cache);
        if (Files.isWritable(cache)) {
          return unpack(cache, name, checksums);
        }
      } catch (DamagedException e) {
        throw e;
      } catch (IOException e) {
        first = first == null ? e : first;
      }
    }
    String reason = first == null ? "" : " (" + first + ")";
    throw new IOException(
        "cannot unpack deem-mini into " + caches + reason + "; set -Ddeem.cache=FOLDER", first);
  }

  /** One thread of one process unpacks at a time; whoever comes later finds the work done. */
  private Path unpack(Path cache, String name, Map<String, String> checksums) throws IOException {
    Path folder = cache.resolve(name);
    synchronized (ModelResources.class) {
      try (FileChannel channel =
              FileChannel.open(
                  cache.resolve(name + ".lock"),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE);
          FileLock lock = channel.lock()) {
        if (lock.isValid() && !complete(folder, checksums)) {
          // What was begun and not finished, by a process that died.
          deleteAll(cache, name + ".part-*");
          Path part = Files.createDirectory(cache.resolve(name + ".part-" + UUID.randomUUID()));
          try {
            for (Map.Entry<String, String> file : checksums.entrySet()) {
              write(part, file.getKey(), file.getValue());
            }
            deleteAll(cache, name);
            Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
          } finally {
            deleteAll(cache, part.getFileName().toString());
          }
        }
      }
    }
    return folder;
  }

  private void write(Path part, String name, String checksum) throws IOException {
    MessageDigest digest = sha256();
    try (InputStream in = resource(name);
        OutputStream out = Files.newOutputStream(part.resolve(name))) {
      byte[] buffer = new byte[BUFFER];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
        out.write(buffer, 0, count);
      }
    }
    String found = hex(digest.digest());
    if (!found.equals(checksum)) {
      throw new DamagedException(
          "the resource "
              + base
              + name
              + " is damaged: its SHA-256 is "
              + found
              + ", not the "
              + checksum
              + " of "
              + LIST);
    }
  }

  private static boolean complete(Path folder, Map<String, String> checksums) throws IOException {
    for (Map.Entry<String, String> file : checksums.entrySet()) {
      Path path = folder.resolve(file.getKey());
      if (!Files.isReadable(path) || !hash(path).equals(file.getValue())) {
        return false;
      }
    }
    return true;
  }

  private static String hash(Path path) throws IOException {
    MessageDigest digest = sha256();
    try (InputStream in = Files.newInputStream(path)) {
      byte[] buffer = new byte[BUFFER];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
      }
    }
    return hex(digest.digest());
  }

  private byte[] readList() throws IOException {
    try (InputStream in = open.apply(base + LIST)) {
      if (in == null) {
        throw new IOException(
            "deem-mini has no model: there is no resource "
                + base
                + LIST
                + "; it comes with the trained artifact");
      }
      return in.readAllBytes();
    }
  }

  private InputStream resource(String name) throws DamagedException {
    InputStream in = open.apply(base + name);
    if (in == null) {
      throw new DamagedException(
          "there is no resource " + base + name + ", which " + LIST + " lists");
    }
    return in;
  }

  /** Checksums by file name. */
  private Map<String, String> parse(String list) throws IOException {
    Map<String, String> checksums = new LinkedHashMap<>();
    for (String line : list.lines().toList()) {
      Matcher matcher = LINE.matcher(line);
      if (!matcher.matches()) {
        throw new DamagedException(
            "the resource " + base + LIST + " has a line '" + line + "', not 'SHA-256  NAME'");
      }
      checksums.put(matcher.group(2), matcher.group(1));
    }
    if (checksums.isEmpty()) {
      throw new DamagedException("the resource " + base + LIST + " lists no file");
    }
    return Collections.unmodifiableMap(checksums);
  }

  /** Deletes the folders whose names match, with the files in them. */
  private static void deleteAll(Path cache, String pattern) throws IOException {
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(cache, pattern)) {
      for (Path folder : folders) {
        if (Files.isDirectory(folder)) {
          try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
              Files.delete(file);
            }
          }
        }
        Files.delete(folder);
      }
    }
  }

  private static String hex(byte[] digest) {
    return HexFormat.of().formatHex(digest);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The resources are at fault, so that another cache would not help. */
  private static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;

    DamagedException(String message) {
      super(message);
    }
  }
}
