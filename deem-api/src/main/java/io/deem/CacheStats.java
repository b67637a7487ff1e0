package io.deem;

/**
 * How the cache of encoded images has served.
 *
 * @param hits images that were looked for and found, since the model was opened
 * @param misses images that were looked for and had to be encoded
 * @param images that are kept now
 * @param bytes of memory that these take
 */
public record CacheStats(long hits, long misses, long images, long bytes) {

  /** Of a model that keeps no images. */
  public static final CacheStats NONE = new CacheStats(0, 0, 0, 0);
}
