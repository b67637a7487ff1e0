package io.deem.perception;

import io.deem.CacheStats;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The encoded images that were of use last, within a bound on their memory. For phones, which lack
 * what larger caches are built on.
 */
public final class RecentImages implements EncodedImages {

  private final long limit;

  // All guarded by this object; the map's order is that of the last use.
  private final Map<String, EncodedImage> images = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;
  private long hits;
  private long misses;

  /**
   * A cache.
   *
   * @param limit the most bytes of numbers that are kept; 0 keeps nothing
   */
  public RecentImages(long limit) {
    this.limit = limit;
  }

  @Override
  public synchronized EncodedImage find(String contentHash) {
    EncodedImage found = images.get(contentHash);
    if (found == null) {
      misses++;
    } else {
      hits++;
    }
    return found;
  }

  @Override
  public synchronized void keep(String contentHash, EncodedImage image) {
    if (image.bytes() > limit) {
      return;
    }
    EncodedImage before = images.put(contentHash, image);
    bytes += image.bytes() - (before == null ? 0 : before.bytes());
    Iterator<EncodedImage> oldest = images.values().iterator();
    while (bytes > limit) {
      bytes -= oldest.next().bytes();
      oldest.remove();
    }
  }

  @Override
  public synchronized CacheStats stats() {
    return new CacheStats(hits, misses, images.size(), bytes);
  }

  /** How many images are kept. */
  public synchronized int size() {
    return images.size();
  }
}
