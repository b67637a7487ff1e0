package io.deem.server;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;

/**
 * How often each client may ask: a bucket that holds a minute's requests and fills evenly. Of each
 * client only the moment is kept at which its bucket will be full again.
 */
final class RateLimit {

  private static final long WINDOW = Duration.ofMinutes(1).toNanos();

  private final long interval;
  private final Ticker clock;
  private final Cache<String, Long> fullAt;

  /**
   * A limit.
   *
   * @param requestsPerMinute at least 1
   * @param clients that are remembered at most; one that is forgotten starts with a full bucket
   */
  RateLimit(int requestsPerMinute, int clients, Ticker clock) {
    this.interval = WINDOW / requestsPerMinute;
    this.clock = clock;
    this.fullAt =
        Caffeine.newBuilder()
            .maximumSize(clients)
            .expireAfterWrite(Duration.ofNanos(2 * WINDOW))
            .ticker(clock)
            .build();
  }

  /**
   * Takes a request from a client's bucket.
   *
   * @return seconds until there will be one, at least 1; or 0 if there was one
   */
  long take(String client) {
    long now = clock.read();
    long[] missing = new long[1];
    fullAt
        .asMap()
        .compute(
            client,
            (any, full) -> {
              // Nanoseconds of System.nanoTime may only be compared by their difference.
              long unfilled = (full == null ? 0 : Math.max(0, full - now)) + interval;
              missing[0] = unfilled - WINDOW;
              return missing[0] > 0 ? full : Long.valueOf(now + unfilled);
            });
    return missing[0] <= 0 ? 0 : (missing[0] + 999_999_999) / 1_000_000_000;
  }
}
