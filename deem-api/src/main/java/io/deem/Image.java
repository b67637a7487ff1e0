package io.deem;

import io.deem.spi.ImageCodec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * A picture: eight-bit red, green and blue for every pixel, upright and opaque. Immutable.
 *
 * <pre>{@code
 * Image photo = Image.read(Paths.get("photo.jpg"));
 * int colour = photo.rgb(0, 0);
 * }</pre>
 *
 * <p>An image may carry the {@link Region} of it that is meant; see {@link #region(Region)}.
 *
 * <p>Files are decoded by the platform's {@link ImageCodec}, within {@link
 * ImageCodec.Limits#DEFAULT} unless other limits are given.
 */
public final class Image {
  private static final int CHANNELS = 3;
  private static final int CHUNK = 1 << 13;

  private final int width;
  private final int height;
  private final byte[] rgb;

  /** Whether each pixel belongs to the region; null for an image without one. */
  private final boolean[] inside;

  private volatile String contentHash;

  private Image(int width, int height, byte[] rgb, boolean[] inside) {
    this.width = width;
    this.height = height;
    this.rgb = rgb;
    this.inside = inside;
  }

  /**
   * Reads a JPEG, PNG, WebP, GIF or BMP file.
   *
   * @throws NoSuchFileException if there is no such file
   * @throws ImageFormatException if it is no such image, cut short or too large; the message names
   *     the file
   * @throws IOException if it cannot be read
   */
  public static Image read(Path path) throws IOException {
    return read(path, ImageCodec.Limits.DEFAULT);
  }

  /** As {@link #read(Path)}, within other limits. */
  public static Image read(Path path, ImageCodec.Limits limits) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path + ": no such file");
    }
    if (Files.isDirectory(path)) {
      throw new ImageFormatException(path + ": is a folder, not an image");
    }
    try (InputStream stream = Files.newInputStream(path)) {
      return read(stream, limits);
    } catch (ImageFormatException e) {
      throw new ImageFormatException(path + ": " + e.getMessage(), e);
    }
  }

  /** A mask from a file; see {@link Region#readMask}. */
  static Region readMask(Path path, ImageCodec.Limits limits) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path + ": no such file");
    }
    if (Files.isDirectory(path)) {
      throw new ImageFormatException(path + ": is a folder, not an image");
    }
    try (InputStream stream = Files.newInputStream(path)) {
      return codec().decodeMask(encoded(stream, limits), limits);
    } catch (ImageFormatException e) {
      throw new ImageFormatException(path + ": " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(path + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads an image from a stream to its end. The stream stays open.
   *
   * @throws ImageFormatException if it is no image, cut short or too large
   * @throws IOException if the stream fails
   */
  public static Image read(InputStream stream) throws IOException {
    return read(stream, ImageCodec.Limits.DEFAULT);
  }

  /** As {@link #read(InputStream)}, within other limits. */
  public static Image read(InputStream stream, ImageCodec.Limits limits) throws IOException {
    return codec().decode(encoded(stream, limits), limits);
  }

  private static byte[] encoded(InputStream stream, ImageCodec.Limits limits) throws IOException {
    int most = (int) Math.min(limits.maxBytes(), Integer.MAX_VALUE - 16L);
    byte[] encoded = atMost(stream, most);
    if (encoded.length == most && stream.read() >= 0) {
      throw new ImageFormatException("image has more than the " + most + " bytes allowed");
    }
    return encoded;
  }

  private static byte[] atMost(InputStream stream, int most) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] chunk = new byte[CHUNK];
    int count = 0;
    while (count >= 0 && all.size() < most) {
      count = stream.read(chunk, 0, Math.min(chunk.length, most - all.size()));
      all.write(chunk, 0, Math.max(0, count));
    }
    return all.toByteArray();
  }

  /**
   * Decodes the content of an image file.
   *
   * @throws ImageFormatException if it is no image, cut short or too large
   */
  public static Image decode(byte[] encoded) throws ImageFormatException {
    ImageCodec.Limits limits = ImageCodec.Limits.DEFAULT;
    if (encoded.length > limits.maxBytes()) {
      throw new ImageFormatException(
          "image has more than the " + limits.maxBytes() + " bytes allowed");
    }
    return codec().decode(encoded, limits);
  }

  /**
   * Makes an image of pixels.
   *
   * @param width in pixels, at least 1
   * @param height in pixels, at least 1
   * @param rgb red, green and blue of each pixel, rows from the top; copied
   * @throws IllegalArgumentException if a size is not positive or the array's length is another
   *     than width times height times 3
   */
  public static Image ofRgb(int width, int height, byte[] rgb) {
    if (width <= 0 || height <= 0) {
      throw new IllegalArgumentException(
          "image size must be positive, was " + width + " x " + height);
    }
    if ((long) width * height * CHANNELS != rgb.length) {
      throw new IllegalArgumentException(
          String.format(
              "an RGB image of %d x %d has %d bytes, was given %d",
              width, height, (long) width * height * CHANNELS, rgb.length));
    }
    return new Image(width, height, rgb.clone(), null);
  }

  /**
   * A region of this image: the same picture, of which only the inside of the region is meant. It
   * takes the place of a region that the image has already.
   *
   * <pre>{@code
   * eyes.describe(photo.region(Region.box(40, 10, 120, 90)));
   * }</pre>
   *
   * @throws IllegalArgumentException if the region reaches beyond the image, has no pixel of it, or
   *     is a mask of another size
   */
  public Image region(Region region) {
    return new Image(width, height, rgb, region.inside(width, height));
  }

  /** The region that is meant, as a mask; nothing if it is the whole image. */
  public Optional<Region> region() {
    return Optional.ofNullable(inside).map(pixels -> Region.mask(width, height, pixels));
  }

  /** Width in pixels. */
  public int width() {
    return width;
  }

  /** Height in pixels. */
  public int height() {
    return height;
  }

  /**
   * The colour of one pixel as {@code 0xRRGGBB}.
   *
   * @param x column from the left
   * @param y row from the top
   * @throws IndexOutOfBoundsException if it is outside the image
   */
  public int rgb(int x, int y) {
    Objects.checkIndex(x, width);
    Objects.checkIndex(y, height);
    int at = (y * width + x) * CHANNELS;
    return ((rgb[at] & 0xff) << 16) | ((rgb[at + 1] & 0xff) << 8) | (rgb[at + 2] & 0xff);
  }

  /** A copy of all pixels: red, green and blue of each, rows from the top. */
  public byte[] toRgb() {
    return rgb.clone();
  }

  /** This image as a PNG file's bytes, without a region. */
  public byte[] toPng() {
    return codec().encodePng(this);
  }

  /** Writes the image, all of it, as a PNG file, replacing one that is there. */
  public void write(Path path) throws IOException {
    Files.write(path, toPng());
  }

  /**
   * The SHA-256 of the size, the pixels and the region if there is one, in hexadecimal: equal
   * images, however they were encoded, have equal hashes.
   */
  public String contentHash() {
    String known = contentHash;
    if (known == null) {
      known = String.format("%064x", new BigInteger(1, digest()));
      contentHash = known;
    }
    return known;
  }

  private byte[] digest() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(ByteBuffer.allocate(2 * Integer.BYTES).putInt(width).putInt(height).array());
      digest.update(rgb);
      return digest.digest(insideBytes());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private byte[] insideBytes() {
    byte[] bytes = new byte[inside == null ? 0 : inside.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (inside[i] ? 1 : 0);
    }
    return bytes;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Image that
        && width == that.width
        && height == that.height
        && Arrays.equals(inside, that.inside)
        && Arrays.equals(rgb, that.rgb);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * width + height) + Arrays.hashCode(rgb);
  }

  @Override
  public String toString() {
    return "Image " + width + " x " + height + (inside == null ? "" : ", a region of it");
  }

  private static ImageCodec codec() {
    return Codec.INSTANCE;
  }

  /** Finds the platform's codec when the first image is decoded, not before. */
  private static final class Codec {
    static final ImageCodec INSTANCE = find();

    private static ImageCodec find() {
      for (ClassLoader loader :
          Arrays.asList(
              Thread.currentThread().getContextClassLoader(), Image.class.getClassLoader())) {
        try {
          for (ImageCodec codec : ServiceLoader.load(ImageCodec.class, loader)) {
            return codec;
          }
        } catch (ServiceConfigurationError e) {
          throw new IllegalStateException("the registered image codec cannot be used", e);
        }
      }
      throw new IllegalStateException(
          "no image codec on the class path: add deem-desktop, which deem-runtime-cpu brings");
    }
  }
}
