package io.deem.runtime;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import io.deem.CacheStats;
import io.deem.perception.EncodedImage;
import io.deem.perception.EncodedImages;

/** The encoded images that were of use lately, within a bound on their memory. */
public final class CaffeineImages implements EncodedImages {

  private final Cache<String, EncodedImage> cache;

  /** A cache of at most {@code bytes} of numbers; 0 keeps nothing. */
  public CaffeineImages(long bytes) {
    cache =
        Caffeine.newBuilder()
            .maximumWeight(bytes)
            .weigher(
                (String hash, EncodedImage image) ->
                    (int) Math.min(Integer.MAX_VALUE, image.bytes()))
            .recordStats()
            .build();
  }

  @Override
  public EncodedImage find(String contentHash) {
    return cache.getIfPresent(contentHash);
  }

  @Override
  public void keep(String contentHash, EncodedImage image) {
    cache.put(contentHash, image);
  }

  /** Forgets all, for when the encoder has changed. */
  void clear() {
    cache.invalidateAll();
  }

  @Override
  public CacheStats stats() {
    var counted = cache.stats();
    long bytes =
        cache.policy().eviction().map(Policy.Eviction::weightedSize).orElseThrow().orElseThrow();
    return new CacheStats(counted.hitCount(), counted.missCount(), cache.estimatedSize(), bytes);
  }

  /** How many images are kept, after those too many are gone. */
  public long size() {
    cache.cleanUp();
    return cache.estimatedSize();
  }
}
