package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** How often a client may ask, on a clock that the test sets. */
class RateLimitTest {

  /** Close to where System.nanoTime may overflow. */
  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5);

  private final RateLimit limit = new RateLimit(6, 100, now::get);

  private void pass(int seconds) {
    now.addAndGet(Duration.ofSeconds(seconds).toNanos());
  }

  private void takeAll(String client) {
    for (int i = 0; i < 6; i++) {
      assertEquals(0, limit.take(client));
    }
  }

  @Test
  void aMinutesRequestsMayComeAtOnceAndThenOneEachTenSeconds() {
    takeAll("a");
    assertEquals(10, limit.take("a"));
    pass(9);
    assertEquals(1, limit.take("a"));
    pass(1);
    assertEquals(0, limit.take("a"));
    assertEquals(10, limit.take("a"), "being refused costs nothing");
  }

  @Test
  void clientsDoNotShare() {
    takeAll("a");
    takeAll("b");
  }

  @Test
  void theBucketIsFullAfterAMinuteAndNeverFuller() {
    takeAll("a");
    pass(3600);
    takeAll("a");
    assertEquals(10, limit.take("a"));
  }
}
