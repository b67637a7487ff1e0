package io.deem.desktop;

import io.deem.Image;
import io.deem.ImageFormatException;
import io.deem.Region;
import io.deem.image.ImageFile;
import io.deem.spi.ImageCodec;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Image files through ImageIO, with the TwelveMonkeys readers for WebP and for CMYK JPEG. */
public final class DesktopImageCodec implements ImageCodec {
  /** Made by the service loader. */
  public DesktopImageCodec() {}

  @Override
  public Image decode(byte[] encoded, Limits limits) throws ImageFormatException {
    return decode(encoded, limits, Pixels::toImage);
  }

  @Override
  public Region decodeMask(byte[] encoded, Limits limits) throws ImageFormatException {
    return Region.mask(decode(encoded, limits, Pixels::toMask));
  }

  /** Takes from a decoded file what is wanted of it, given its EXIF orientation. */
  private interface Conversion {
    Image apply(BufferedImage image, int orientation);
  }

  private static Image decode(byte[] encoded, Limits limits, Conversion conversion)
      throws ImageFormatException {
    ImageFile file = ImageFile.of(encoded);
    String format = file.format().name();
    ImageReader reader = reader(file.format());
    // Streams of our own, in memory: ImageIO's default would go through files.
    try (ImageInputStream stream =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(encoded))) {
      reader.setInput(stream, false, true);
      checkSize(reader.getWidth(0), reader.getHeight(0), limits, format);
      file.checkWhole();
      BufferedImage image = reader.read(0);
      checkSize(image.getWidth(), image.getHeight(), limits, format);
      return conversion.apply(image, file.orientation());
    } catch (ImageFormatException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // Decoders meet damaged files with every kind of unchecked exception.
      throw new ImageFormatException(
          String.format("%s image is damaged or cut short (%s)", format, firstLine(e)), e);
    } finally {
      reader.dispose();
    }
  }

  private static void checkSize(int width, int height, Limits limits, String format)
      throws ImageFormatException {
    if (width <= 0 || height <= 0) {
      throw new ImageFormatException(
          String.format("%s image has no pixels (%d x %d)", format, width, height));
    }
    if ((long) width * height > limits.maxPixels()) {
      throw new ImageFormatException(
          String.format(
              "%s image of %d x %d pixels is over the limit of %d",
              format, width, height, limits.maxPixels()));
    }
  }

  private static ImageReader reader(ImageFile.Format format) {
    Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format.readerName());
    if (!readers.hasNext()) {
      throw new IllegalStateException("no ImageIO reader for " + format + " on the class path");
    }
    return readers.next();
  }

  private static String firstLine(Exception failure) {
    String message = failure.getMessage();
    if (message == null || message.isBlank()) {
      return failure.getClass().getSimpleName();
    }
    return message.lines().findFirst().orElse("");
  }

  @Override
  public byte[] encodePng(Image image) {
    int width = image.width();
    int height = image.height();
    BufferedImage buffered = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
    byte[] rgb = image.toRgb();
    int[] row = new int[width * 3];
    for (int y = 0; y < height; y++) {
      for (int i = 0; i < row.length; i++) {
        row[i] = rgb[y * row.length + i] & 0xff;
      }
      buffered.getRaster().setPixels(0, y, width, 1, row);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(bytes)) {
      if (!ImageIO.write(buffered, "png", stream)) {
        throw new IllegalStateException("no ImageIO writer for PNG");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
