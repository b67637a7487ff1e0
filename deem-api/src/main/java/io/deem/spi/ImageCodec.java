package io.deem.spi;

import io.deem.Image;
import io.deem.ImageFormatException;
import io.deem.Region;

/**
 * Decodes and encodes image files on one kind of platform. Implementations have a public
 * constructor without arguments, are registered for {@link java.util.ServiceLoader} and safe for
 * use from many threads.
 */
public interface ImageCodec {
  /**
   * How large an image may be. Both limits are checked before memory of that size is allocated.
   *
   * @param maxPixels width times height
   * @param maxBytes size of the encoded image
   */
  record Limits(long maxPixels, long maxBytes) {
    /** 64 million pixels and 64 MiB. */
    public static final Limits DEFAULT = new Limits(64_000_000L, 64L << 20);

    /** Checks that both are positive. */
    public Limits {
      if (maxPixels <= 0 || maxBytes <= 0) {
        throw new IllegalArgumentException(
            "image limits must be positive, were " + maxPixels + " pixels, " + maxBytes + " bytes");
      }
    }
  }

  /**
   * Decodes a JPEG, PNG, WebP, GIF (first picture) or BMP image: turned upright by its EXIF
   * orientation, transparency put on white, every sample reduced to eight bits.
   *
   * @throws ImageFormatException if the bytes are no such image, are cut short, or exceed a limit;
   *     the message does not name a file
   */
  Image decode(byte[] encoded, Limits limits) throws ImageFormatException;

  /**
   * Decodes an image file that is a mask: where the picture is transparent somewhere, its pixels of
   * at least half opacity; else its bright pixels. A codec that does not know of transparency takes
   * the bright pixels always.
   *
   * @throws ImageFormatException as {@link #decode} does
   * @throws IllegalArgumentException if no pixel belongs to the region
   */
  default Region decodeMask(byte[] encoded, Limits limits) throws ImageFormatException {
    return Region.mask(decode(encoded, limits));
  }

  /** Encodes an image as PNG, without loss. */
  byte[] encodePng(Image image);
}
