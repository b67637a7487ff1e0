package io.deem.training.data;

import io.deem.json.ErrorText;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the files of a tar archive lie in it: plain ustar members, with the long names of GNU and
 * of POSIX 2001 (pax). Nothing is unpacked; links and devices are passed over. As in {@link
 * JsonLines}, no channel stays open.
 */
final class TarIndex {

  private static final int BLOCK = 512;
  private static final int LONGEST_HEADER = 1 << 20;

  /** A file of the archive. */
  record Member(String name, long offset, long length) {}

  private final Path file;
  private final List<Member> members = new ArrayList<>();

  private TarIndex(Path file) {
    this.file = file;
  }

  static TarIndex open(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    TarIndex index = new TarIndex(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      index.scan(channel);
    }
    return index;
  }

  Path file() {
    return file;
  }

  List<Member> members() {
    return members;
  }

  /** The bytes of a member, of which the index says that they lie within the file. */
  byte[] read(Member member, long most) throws IOException {
    if (member.length > most) {
      throw new IOException(
          file + " " + member.name + ": has " + member.length + " bytes, more than " + most);
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return read(channel, member.offset, (int) member.length);
    }
  }

  private byte[] read(FileChannel channel, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, offset + bytes.position()) < 0) {
        throw new EOFException(file + ": is cut off");
      }
    }
    return bytes.array();
  }

  private void scan(FileChannel channel) throws IOException {
    long size = channel.size();
    long at = 0;
    String longName = null;
    Map<String, String> extended = Map.of();
    while (at + BLOCK <= size) {
      byte[] header = read(channel, at, BLOCK);
      if (header[0] == 0) {
        break;
      }
      checkSum(header, at);
      long length = octal(header, 124, 12);
      char type = (char) (header[156] & 0xff);
      length = extended.containsKey("size") && type != 'x' ? whole(extended.get("size")) : length;
      if (length < 0 || length > size - at - BLOCK) {
        throw new IOException(file + ": a member of " + length + " bytes is cut off at byte " + at);
      }
      if (type == 'L' || type == 'x') {
        byte[] text = read(channel, at + BLOCK, header(length));
        longName = type == 'L' ? text(text, 0, text.length) : longName;
        extended = type == 'x' ? pax(text) : extended;
      } else {
        if (type == '0' || type == 0) {
          String name = longName == null ? extended.getOrDefault("path", name(header)) : longName;
          members.add(new Member(checked(name), at + BLOCK, length));
        }
        longName = null;
        extended = Map.of();
      }
      at += BLOCK + (length + BLOCK - 1) / BLOCK * BLOCK;
    }
    if (members.isEmpty()) {
      throw new IOException(file + ": is no tar archive with files in it");
    }
  }

  private int header(long length) throws IOException {
    if (length > LONGEST_HEADER) {
      throw new IOException(file + ": a name of " + length + " bytes");
    }
    return (int) length;
  }

  private void checkSum(byte[] header, long at) throws IOException {
    long sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += i >= 148 && i < 156 ? ' ' : header[i] & 0xff;
    }
    if (sum != octal(header, 148, 8)) {
      throw new IOException(file + ": is no tar archive, or damaged, at byte " + at);
    }
  }

  /** Names only tell members apart here; one that leads elsewhere is an attack all the same. */
  private String checked(String name) throws IOException {
    boolean leaves = name.startsWith("/") || name.indexOf('\\') >= 0 || name.indexOf(0) >= 0;
    for (String part : name.split("/", -1)) {
      leaves |= part.equals("..");
    }
    if (leaves) {
      throw new IOException(
          file + ": member " + ErrorText.quote(name) + " leads out of the archive");
    }
    return name.startsWith("./") ? name.substring(2) : name;
  }

  private static String name(byte[] header) {
    String name = text(header, 0, 100);
    boolean ustar = text(header, 257, 5).equals("ustar");
    String prefix = ustar && header[262] == 0 ? text(header, 345, 155) : "";
    return prefix.isEmpty() ? name : prefix + "/" + name;
  }

  private Map<String, String> pax(byte[] bytes) throws IOException {
    Map<String, String> entries = new HashMap<>();
    int at = 0;
    while (at < bytes.length && bytes[at] != 0) {
      int space = at;
      while (space < bytes.length && bytes[space] != ' ') {
        space++;
      }
      long length = whole(new String(bytes, at, space - at, StandardCharsets.UTF_8));
      if (length <= space - at || length > bytes.length - at) {
        throw new IOException(file + ": a damaged extended header");
      }
      String entry =
          new String(bytes, space + 1, (int) length - (space + 1 - at), StandardCharsets.UTF_8);
      int equals = entry.indexOf('=');
      if (equals > 0) {
        entries.put(entry.substring(0, equals), entry.substring(equals + 1).stripTrailing());
      }
      at += (int) length;
    }
    return entries;
  }

  private long whole(String digits) throws IOException {
    try {
      return Long.parseLong(digits.strip());
    } catch (NumberFormatException e) {
      throw new IOException(file + ": a size of " + ErrorText.quote(digits), e);
    }
  }

  private long octal(byte[] header, int from, int length) throws IOException {
    if ((header[from] & 0x80) != 0) {
      // GNU's form for sizes from 8 GiB on: binary, the first bit set.
      long value = 0;
      for (int i = from + 4; i < from + length; i++) {
        value = (value << 8) | (header[i] & 0xff);
      }
      return value;
    }
    String digits = text(header, from, length).strip();
    try {
      return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
    } catch (NumberFormatException e) {
      throw new IOException(file + ": is no tar archive, or damaged", e);
    }
  }

  private static String text(byte[] bytes, int from, int length) {
    int end = from;
    while (end < from + length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, from, end - from, StandardCharsets.UTF_8);
  }
}
