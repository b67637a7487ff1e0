package io.deem.training.data;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * A file of one JSON object a line, of which only the places of the lines are kept in memory. The
 * file is opened for each line: an open channel would be closed by the first thread that is
 * interrupted while it reads, for all others too.
 */
final class JsonLines {

  private static final int LONGEST_LINE = 64 << 20;
  private static final int BUFFER = 1 << 16;

  private final Path file;
  private final long[] starts;
  private final long[] ends;

  private JsonLines(Path file, long[] starts, long[] ends) {
    this.file = file;
    this.starts = starts;
    this.ends = ends;
  }

  /** Opens a file and finds its lines; blank ones do not count. */
  static JsonLines open(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return new Scan(file, channel).lines();
    }
  }

  private static final class Scan {
    private final Path file;
    private final FileChannel channel;
    private long[] starts = new long[16];
    private long[] ends = new long[16];
    private int count;

    Scan(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
    }

    JsonLines lines() throws IOException {
      ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
      long at = 0;
      long start = 0;
      boolean blank = true;
      while (channel.read(buffer.clear(), at) > 0) {
        buffer.flip();
        while (buffer.hasRemaining()) {
          byte b = buffer.get();
          if (b == '\n') {
            add(start, at, blank);
            start = at + 1;
            blank = true;
          } else {
            blank &= b == ' ' || b == '\r' || b == '\t';
          }
          at++;
        }
      }
      add(start, at, blank);
      return new JsonLines(file, Arrays.copyOf(starts, count), Arrays.copyOf(ends, count));
    }

    private void add(long start, long end, boolean blank) {
      if (blank) {
        return;
      }
      if (count == starts.length) {
        starts = Arrays.copyOf(starts, 2 * count);
        ends = Arrays.copyOf(ends, 2 * count);
      }
      starts[count] = start;
      ends[count++] = end;
    }
  }

  Path file() {
    return file;
  }

  int size() {
    return starts.length;
  }

  /** The object of a line. */
  JsonFields line(int number) throws IOException {
    long length = ends[number] - starts[number];
    if (length > LONGEST_LINE) {
      throw new IOException("a line of " + length + " bytes, more than " + LONGEST_LINE);
    }
    ByteBuffer bytes = ByteBuffer.allocate((int) length);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (bytes.hasRemaining()) {
        if (channel.read(bytes, starts[number] + bytes.position()) < 0) {
          throw new EOFException(file + ": became shorter while it was used");
        }
      }
    }
    return JsonFields.parse(new String(bytes.array(), StandardCharsets.UTF_8));
  }
}
