package io.deem.perception;

import io.deem.CacheStats;

/**
 * Images that were encoded before, by {@link io.deem.Image#contentHash()}. For one model. Safe for
 * use from many threads; may forget at any time.
 */
public interface EncodedImages {

  /** Remembers nothing. */
  EncodedImages NONE =
      new EncodedImages() {
        @Override
        public EncodedImage find(String contentHash) {
          return null;
        }

        @Override
        public void keep(String contentHash, EncodedImage image) {
          // Nothing is remembered.
        }
      };

  /** What was kept under a hash, or null. */
  EncodedImage find(String contentHash);

  /** Keeps an image for later. */
  void keep(String contentHash, EncodedImage image);

  /** How it has served. */
  default CacheStats stats() {
    return CacheStats.NONE;
  }
}
