package io.deem.weights.pickle;

import io.deem.json.ErrorText;
import io.deem.portable.Buffers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The table of a ZIP file whose entries are stored, not compressed, as PyTorch writes it, so that
 * each entry is a range of the file. Compressed entries, ranges that overlap or leave the file, and
 * names that lead out of the archive are refused: with them go all ways in which a small file could
 * stand for a large content.
 */
public final class StoredZip {

  /** Where an entry's content lies in the file. */
  public record Entry(String name, long offset, long length) {}

  private static final int END = 0x06054b50;
  private static final int END_LENGTH = 22;
  private static final int END64 = 0x06064b50;
  private static final int END64_LENGTH = 56;
  private static final int END64_LOCATOR = 0x07064b50;
  private static final int END64_LOCATOR_LENGTH = 20;
  private static final int CENTRAL = 0x02014b50;
  private static final int CENTRAL_LENGTH = 46;
  private static final int LOCAL = 0x04034b50;
  private static final int LOCAL_LENGTH = 30;
  private static final int EXTRA64 = 1;
  private static final long IN_EXTRA64 = 0xffffffffL;
  private static final int LONGEST_COMMENT = 0xffff;
  private static final long LARGEST_TABLE = 256L << 20;

  private record Table(long offset, long length, long entries) {}

  private final String origin;
  private final FileChannel file;

  private StoredZip(String origin, FileChannel file) {
    this.origin = origin;
    this.file = file;
  }

  /**
   * Reads the table.
   *
   * @param origin what to call the file in messages
   * @return the entries by name
   * @throws MalformedPickleException if it is not such a ZIP file
   * @throws IOException if it cannot be read
   */
  public static Map<String, Entry> entries(String origin, FileChannel file) throws IOException {
    StoredZip zip = new StoredZip(origin, file);
    Table table = zip.table();
    Map<String, Entry> entries = zip.entries(table);
    zip.refuseOverlaps(entries, table.offset);
    return Collections.unmodifiableMap(entries);
  }

  /** Finds the table by the record at the end of the file. */
  private Table table() throws IOException {
    long size = file.size();
    int searched = (int) Math.min(size, END_LENGTH + LONGEST_COMMENT);
    ByteBuffer tail = read(size - searched, searched);
    int at = searched - END_LENGTH;
    while (at >= 0 && tail.getInt(at) != END) {
      at--;
    }
    if (at < 0) {
      throw malformed("is not a whole ZIP file, as PyTorch has written since version 1.6");
    }
    long entries = tail.getShort(at + 10) & 0xffff;
    long length = tail.getInt(at + 12) & 0xffffffffL;
    long offset = tail.getInt(at + 16) & 0xffffffffL;
    long end = size - searched + at;
    if (end >= END64_LOCATOR_LENGTH) {
      ByteBuffer locator = read(end - END64_LOCATOR_LENGTH, END64_LOCATOR_LENGTH);
      if (locator.getInt(0) == END64_LOCATOR) {
        ByteBuffer end64 = read(locator.getLong(8), END64_LENGTH);
        if (end64.getInt(0) != END64) {
          throw malformed("is a ZIP file whose table cannot be found");
        }
        entries = end64.getLong(32);
        length = end64.getLong(40);
        offset = end64.getLong(48);
      }
    }
    boolean fits = entries >= 0 && length >= 0 && offset >= 0 && offset <= size - length;
    if (!fits || length > LARGEST_TABLE || entries > length / CENTRAL_LENGTH) {
      throw malformed("is a ZIP file whose table leaves the file");
    }
    return new Table(offset, length, entries);
  }

  private Map<String, Entry> entries(Table table) throws IOException {
    ByteBuffer bytes = read(table.offset, (int) table.length);
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (long i = 0; i < table.entries; i++) {
      Entry entry = entry(bytes);
      if (entries.put(entry.name, entry) != null) {
        throw malformed("has the entry " + ErrorText.quote(entry.name) + " twice");
      }
    }
    return entries;
  }

  /** Reads an entry of the table, after which the buffer is at the next one. */
  private Entry entry(ByteBuffer bytes) throws IOException {
    if (bytes.remaining() < CENTRAL_LENGTH || bytes.getInt(bytes.position()) != CENTRAL) {
      throw malformed("is a ZIP file with a malformed table");
    }
    int start = bytes.position();
    int flags = bytes.getShort(start + 8);
    int method = bytes.getShort(start + 10);
    long[] place = {
      bytes.getInt(start + 24) & 0xffffffffL,
      bytes.getInt(start + 20) & 0xffffffffL,
      bytes.getInt(start + 42) & 0xffffffffL
    };
    int nameLength = bytes.getShort(start + 28) & 0xffff;
    int extraLength = bytes.getShort(start + 30) & 0xffff;
    int commentLength = bytes.getShort(start + 32) & 0xffff;
    Buffers.position(bytes, start + CENTRAL_LENGTH);
    if (bytes.remaining() < nameLength + extraLength + commentLength) {
      throw malformed("is a ZIP file with a malformed table");
    }
    byte[] name = new byte[nameLength];
    bytes.get(name);
    String text = new String(name, StandardCharsets.UTF_8);
    refuseEscapes(text);
    int next = bytes.position() + extraLength + commentLength;
    readExtra64(
        Buffers.slice(bytes, bytes.position(), extraLength).order(ByteOrder.LITTLE_ENDIAN), place);
    Buffers.position(bytes, next);
    if (method != 0 || (flags & 1) != 0 || place[0] != place[1]) {
      throw malformed(
          String.format(
              "entry %s is compressed (%d bytes to %d); PyTorch stores entries as they are",
              ErrorText.quote(text), place[1], place[0]));
    }
    return new Entry(text, content(text, place[2], place[0]), place[0]);
  }

  /** Replaces the numbers that did not fit 32 bits, which come in this order. */
  private static void readExtra64(ByteBuffer extra, long[] place) {
    while (extra.remaining() >= 4) {
      int id = extra.getShort() & 0xffff;
      int length = Math.min(extra.getShort() & 0xffff, extra.remaining());
      int next = extra.position() + length;
      for (int i = 0; id == EXTRA64 && i < place.length; i++) {
        if (place[i] == IN_EXTRA64 && next - extra.position() >= Long.BYTES) {
          place[i] = extra.getLong();
        }
      }
      Buffers.position(extra, next);
    }
  }

  /** Where an entry's content begins: behind its own header, whose lengths are its own too. */
  private long content(String name, long header, long length) throws IOException {
    ByteBuffer local = read(header, LOCAL_LENGTH);
    if (local.getInt(0) != LOCAL) {
      throw malformed("entry " + ErrorText.quote(name) + " is not where the table says");
    }
    long offset =
        header + LOCAL_LENGTH + (local.getShort(26) & 0xffff) + (local.getShort(28) & 0xffff);
    if (length < 0 || offset > file.size() - length) {
      throw malformed("entry " + ErrorText.quote(name) + " leaves the file");
    }
    return offset;
  }

  private void refuseEscapes(String name) throws MalformedPickleException {
    boolean escapes =
        name.isEmpty()
            || name.startsWith("/")
            || name.indexOf('\\') >= 0
            || name.indexOf(':') >= 0
            || name.indexOf('\0') >= 0
            || List.of(name.split("/", -1)).contains("..");
    if (escapes) {
      throw malformed("entry " + ErrorText.quote(name) + " leads out of the archive");
    }
  }

  private void refuseOverlaps(Map<String, Entry> entries, long table)
      throws MalformedPickleException {
    List<Entry> ordered = new ArrayList<>(entries.values());
    ordered.sort(Comparator.comparingLong(Entry::offset).thenComparingLong(Entry::length));
    long end = 0;
    for (Entry entry : ordered) {
      if (entry.offset < end || entry.offset + entry.length > table) {
        throw malformed("entry " + ErrorText.quote(entry.name) + " overlaps another");
      }
      end = entry.offset + entry.length;
    }
  }

  private ByteBuffer read(long at, int length) throws IOException {
    if (at < 0 || at > file.size() - length) {
      throw malformed("is a ZIP file whose table leaves the file");
    }
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (file.read(bytes, at + bytes.position()) < 0) {
        throw malformed("ends too early");
      }
    }
    return Buffers.flip(bytes);
  }

  private MalformedPickleException malformed(String found) {
    return new MalformedPickleException(origin + ": " + found);
  }
}
