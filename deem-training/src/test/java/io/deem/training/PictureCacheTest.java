package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureCacheTest {

  private static final long MUCH = 1L << 20;
  private static final float[] NUMBERS = {1, -2.5f, Float.NaN};
  private static final float[] OTHERS = {4, 5, 6};

  @TempDir Path folder;

  private PictureCache open(String maker, long mostBytes) throws IOException {
    return PictureCache.open(folder.resolve("cache"), "latents", maker, 3, mostBytes);
  }

  private static PictureCache.Key key(float... pixels) {
    return PictureCache.Key.of(pixels, 0, pixels.length);
  }

  private Path file() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cache"))) {
      List<Path> all = files.toList();
      assertEquals(1, all.size());
      return all.get(0);
    }
  }

  @Test
  void aKeyIsThePixels() {
    float[] row = {9, 1, 2, 9};
    assertEquals(key(1, 2), PictureCache.Key.of(row, 1, 2));
    assertNotEquals(key(1, 2), key(2, 1));
    assertNotEquals(key(0f), key(-0f));
  }

  @Test
  void whatWasPutIsThereAfterwards() throws IOException {
    try (PictureCache cache = open("a", MUCH)) {
      assertNull(cache.get(key(1)));
      cache.put(key(1), NUMBERS);
      cache.put(key(2), OTHERS);
      cache.put(key(2), NUMBERS); // is known already
      assertArrayEquals(NUMBERS, cache.get(key(1)));
      assertThrows(IllegalArgumentException.class, () -> cache.put(key(3), new float[2]));
    }
    try (PictureCache cache = open("a", MUCH)) {
      assertEquals(2, cache.size());
      assertArrayEquals(NUMBERS, cache.get(key(1)));
      assertArrayEquals(OTHERS, cache.get(key(2)));
    }
    try (PictureCache cache = open("b", MUCH)) {
      assertEquals(0, cache.size(), "other weights make other numbers");
    }
  }

  @Test
  void damageIsNotFound() throws IOException {
    try (PictureCache cache = open("a", MUCH)) {
      cache.put(key(1), NUMBERS);
      cache.put(key(2), OTHERS);
    }
    long size = Files.size(file());
    try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {77}), size - 1);
    }
    try (PictureCache cache = open("a", MUCH)) {
      assertArrayEquals(NUMBERS, cache.get(key(1)));
      assertNull(cache.get(key(2)));
      cache.put(key(2), OTHERS);
      assertArrayEquals(OTHERS, cache.get(key(2)));
    }
  }

  @Test
  void whatACrashLeavesOfARecordIsCutOff() throws IOException {
    try (PictureCache cache = open("a", MUCH)) {
      cache.put(key(1), NUMBERS);
      cache.put(key(2), OTHERS);
    }
    long size = Files.size(file());
    for (long left = size - 1; left >= 0; left -= 7) {
      try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
        channel.truncate(left);
      }
      try (PictureCache cache = open("a", MUCH)) {
        cache.put(key(1), NUMBERS);
        cache.put(key(2), OTHERS);
        assertArrayEquals(NUMBERS, cache.get(key(1)));
        assertArrayEquals(OTHERS, cache.get(key(2)));
      }
      assertEquals(size, Files.size(file()));
    }
  }

  @Test
  void aFileOfAnotherKindIsBegunAnew() throws IOException {
    open("a", MUCH).close();
    Files.write(file(), new byte[1000]);
    try (PictureCache cache = open("a", MUCH)) {
      assertEquals(0, cache.size());
      cache.put(key(1), NUMBERS);
    }
    try (PictureCache cache = open("a", MUCH)) {
      assertArrayEquals(NUMBERS, cache.get(key(1)));
    }
  }

  @Test
  void itDoesNotGrowBeyondItsLimit() throws IOException {
    try (PictureCache cache = open("a", 110)) {
      for (int i = 0; i < 10; i++) {
        cache.put(key(i), NUMBERS);
      }
      assertEquals(2, cache.size());
    }
    assertEquals(40 + 2 * 32, Files.size(file()));
  }

  @Test
  void oneWritesAndOthersRead() throws IOException {
    try (PictureCache first = open("a", MUCH)) {
      first.put(key(1), NUMBERS);
      try (PictureCache second = open("a", MUCH)) {
        assertArrayEquals(NUMBERS, second.get(key(1)));
        second.put(key(2), OTHERS);
        assertNull(second.get(key(2)));
      }
      assertEquals(1, first.size());
    }
  }
}
