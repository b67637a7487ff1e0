package io.deem.training;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file of numbers that a network made of pictures, equally many for each, found by the picture's
 * pixels. What is damaged, by a crash or otherwise, is not found; nothing that goes wrong with the
 * file stops a run: it goes on and computes again.
 *
 * <p>A header names what made the numbers; then come records of a key, a checksum and the numbers.
 * The file only grows. If another process writes it, this one reads what it finds.
 */
final class PictureCache implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PictureCache.class);

  private static final long MAGIC = 0x4445454D50494331L;
  private static final int HEADER_BYTES = Long.BYTES + 32;
  private static final int KEY_BYTES = 16;
  private static final int RECORD_HEAD = KEY_BYTES + Integer.BYTES;

  /** What must stay free of a disk, for checkpoints. */
  private static final long LEFT_FREE = 2L << 30;

  /** Half of a picture's SHA-256. */
  record Key(long high, long low) {

    /** The key of a part of an array. */
    static Key of(float[] pixels, int from, int count) {
      ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(count, Float.BYTES));
      bytes.asFloatBuffer().put(pixels, from, count);
      ByteBuffer digest = ByteBuffer.wrap(FileChecksum.sha256().digest(bytes.array()));
      return new Key(digest.getLong(), digest.getLong());
    }
  }

  private final Path file;
  private final FileChannel channel;
  private final int count;
  private final long mostBytes;
  private final Map<Key, Long> places = new HashMap<>();
  private boolean writable;

  private PictureCache(
      Path file, FileChannel channel, int count, long mostBytes, boolean writable) {
    this.file = file;
    this.channel = channel;
    this.count = count;
    this.mostBytes = mostBytes;
    this.writable = writable;
  }

  /**
   * Opens a cache, or begins one.
   *
   * @param folder is made if it is not there
   * @param kind first part of the file's name
   * @param maker everything that decides the numbers, beside the picture
   * @param count of numbers for a picture
   * @param mostBytes beyond which the file does not grow
   */
  static PictureCache open(Path folder, String kind, String maker, int count, long mostBytes)
      throws IOException {
    Files.createDirectories(folder);
    byte[] identity =
        FileChecksum.sha256().digest((maker + "\n" + count).getBytes(StandardCharsets.UTF_8));
    String name = kind + "-" + HexFormat.of().formatHex(identity, 0, 8) + ".cache";
    Path file = folder.resolve(name);
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean opened = false;
    try {
      boolean alone = locked(channel);
      PictureCache cache = new PictureCache(file, channel, count, mostBytes, alone);
      cache.load(identity);
      opened = true;
      return cache;
    } finally {
      if (!opened) {
        channel.close();
      }
    }
  }

  /** The lock goes with the channel. */
  private static boolean locked(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  private void load(byte[] identity) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).putLong(MAGIC).put(identity).flip();
    ByteBuffer found = ByteBuffer.allocate(HEADER_BYTES);
    read(found, 0);
    if (!header.equals(found.flip())) {
      if (writable) {
        channel.truncate(0);
        write(header, 0);
      }
      return;
    }
    long records = (channel.size() - HEADER_BYTES) / recordBytes();
    ByteBuffer key = ByteBuffer.allocate(KEY_BYTES);
    for (long i = 0; i < records; i++) {
      long place = HEADER_BYTES + i * recordBytes();
      read(key.clear(), place);
      key.flip();
      places.put(new Key(key.getLong(), key.getLong()), place);
    }
    if (writable) {
      // What a crash has left of a record.
      channel.truncate(HEADER_BYTES + records * recordBytes());
    }
  }

  private long recordBytes() {
    return RECORD_HEAD + (long) count * Float.BYTES;
  }

  /** How many pictures it knows. */
  int size() {
    return places.size();
  }

  /** The numbers of a picture, or null if they are not known. */
  float[] get(Key key) {
    Long place = places.get(key);
    if (place == null) {
      return null;
    }
    try {
      ByteBuffer record = ByteBuffer.allocate(Math.toIntExact(recordBytes()));
      read(record, place);
      if (!record.hasRemaining() && record.getInt(KEY_BYTES) == checksum(record)) {
        float[] values = new float[count];
        record.position(RECORD_HEAD).slice().asFloatBuffer().get(values);
        return values;
      }
      LOG.warn("{}: a picture's numbers are damaged; they are computed again", file);
    } catch (IOException e) {
      LOG.warn("{}: cannot be read: {}", file, e.getMessage());
    }
    places.remove(key);
    return null;
  }

  /** Keeps a picture's numbers, as far as there is room. */
  void put(Key key, float[] values) {
    if (!writable || places.containsKey(key)) {
      return;
    }
    if (values.length != count) {
      throw new IllegalArgumentException(values.length + " numbers instead of " + count);
    }
    ByteBuffer record = ByteBuffer.allocate(Math.toIntExact(recordBytes()));
    record.putLong(key.high).putLong(key.low);
    record.position(RECORD_HEAD).slice().asFloatBuffer().put(values);
    record.putInt(KEY_BYTES, checksum(record));
    try {
      long end = channel.size();
      if (end + recordBytes() > mostBytes || free() < LEFT_FREE + recordBytes()) {
        LOG.info("{}: has {} pictures and is full", file, places.size());
        writable = false;
        return;
      }
      write(record.clear(), end);
      places.put(key, end);
    } catch (IOException e) {
      LOG.warn("{}: cannot be written, further pictures are not kept: {}", file, e.getMessage());
      writable = false;
    }
  }

  private long free() throws IOException {
    return Files.getFileStore(file).getUsableSpace();
  }

  private static int checksum(ByteBuffer record) {
    CRC32 crc = new CRC32();
    crc.update(record.slice(0, KEY_BYTES));
    crc.update(record.slice(RECORD_HEAD, record.capacity() - RECORD_HEAD));
    return (int) crc.getValue();
  }

  private void read(ByteBuffer into, long from) throws IOException {
    long place = from;
    int some = 0;
    while (into.hasRemaining() && some >= 0) {
      some = channel.read(into, place);
      place += Math.max(0, some);
    }
  }

  private void write(ByteBuffer bytes, long at) throws IOException {
    long place = at;
    while (bytes.hasRemaining()) {
      place += channel.write(bytes, place);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
