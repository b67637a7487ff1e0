package io.deem.perception;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.deem.CacheStats;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecentImagesTest {

  /** Of four bytes a number. */
  private static EncodedImage image(int numbers) {
    EncodedImage.Part tokens = new EncodedImage.Part(new float[numbers], new long[] {1, numbers});
    EncodedImage.Part none = new EncodedImage.Part(new float[0], new long[] {1, 0});
    return new EncodedImage(tokens, none, List.of(), List.of());
  }

  @Test
  void keepsThoseThatWereUsedLast() {
    EncodedImage a = image(10);
    RecentImages images = new RecentImages(2 * a.bytes());
    images.keep("a", a);
    images.keep("b", image(10));
    assertSame(a, images.find("a"));
    images.keep("c", image(10));
    assertEquals(2, images.size());
    assertSame(a, images.find("a"));
    assertNull(images.find("b"));
    assertEquals(new CacheStats(2, 1, 2, 2 * a.bytes()), images.stats());
  }

  @Test
  void oneThatTakesAllRoomIsNotKept() {
    EncodedImage small = image(10);
    RecentImages images = new RecentImages(small.bytes());
    images.keep("small", small);
    images.keep("large", image(11));
    assertSame(small, images.find("small"));
    assertNull(images.find("large"));
    RecentImages none = new RecentImages(0);
    none.keep("small", small);
    assertEquals(0, none.size());
  }

  @Test
  void anImageKeptTwiceCountsOnce() {
    EncodedImage a = image(10);
    RecentImages images = new RecentImages(2 * a.bytes());
    images.keep("a", a);
    images.keep("a", image(10));
    images.keep("b", image(10));
    assertEquals(2, images.size());
  }
}
