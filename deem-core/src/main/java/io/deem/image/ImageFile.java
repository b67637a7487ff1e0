package io.deem.image;

import io.deem.ImageFormatException;
import io.deem.portable.Buffers;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * The outer structure of an image file: which format it is, whether it is whole, and which way up.
 * Decoders fill a file that is cut short with grey or black and say nothing, so the walk to its end
 * is done here.
 */
public final class ImageFile {
  /** The formats that are read. */
  public enum Format {
    PNG("png"),
    JPEG("jpeg"),
    GIF("gif"),
    BMP("bmp"),
    WEBP("webp");

    private final String readerName;

    Format(String readerName) {
      this.readerName = readerName;
    }

    /** What ImageIO calls it, which is also the second half of its media type. */
    public String readerName() {
      return readerName;
    }
  }

  private static final int UPRIGHT = 1;
  private static final byte[] EXIF_MARK = {'E', 'x', 'i', 'f', 0, 0};

  private final byte[] bytes;
  private final Format format;
  private int orientation = UPRIGHT;

  private ImageFile(byte[] bytes, Format format) {
    this.bytes = bytes;
    this.format = format;
  }

  /**
   * Recognises the format by the first bytes.
   *
   * @throws ImageFormatException if it is none of them
   */
  public static ImageFile of(byte[] bytes) throws ImageFormatException {
    if (bytes.length == 0) {
      throw new ImageFormatException("image is empty (0 bytes)");
    }
    Format format = null;
    if (startsWith(bytes, 0, "\u0089PNG\r\n\u001a\n")) {
      format = Format.PNG;
    } else if (startsWith(bytes, 0, "\u00ff\u00d8\u00ff")) {
      format = Format.JPEG;
    } else if (startsWith(bytes, 0, "GIF87a") || startsWith(bytes, 0, "GIF89a")) {
      format = Format.GIF;
    } else if (startsWith(bytes, 0, "RIFF") && startsWith(bytes, 8, "WEBP")) {
      format = Format.WEBP;
    } else if (startsWith(bytes, 0, "BM")) {
      format = Format.BMP;
    }
    if (format == null) {
      throw new ImageFormatException("not a JPEG, PNG, WebP, GIF or BMP image");
    }
    return new ImageFile(bytes, format);
  }

  /** The format. */
  public Format format() {
    return format;
  }

  /** The EXIF orientation, 1 (upright) to 8; known after {@link #checkWhole}. */
  public int orientation() {
    return orientation;
  }

  /**
   * Walks the file's blocks to the end of the first picture.
   *
   * @throws ImageFormatException if the file ends before, or a block's checksum is wrong
   */
  public void checkWhole() throws ImageFormatException {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      switch (format) {
        case PNG -> walkPng(in);
        case JPEG -> walkJpeg(in);
        case GIF -> walkGif(in.order(ByteOrder.LITTLE_ENDIAN));
        case WEBP -> walkWebp(in.order(ByteOrder.LITTLE_ENDIAN));
        case BMP -> {
          // The decoder itself fails at the end of the bytes.
        }
      }
    } catch (BufferUnderflowException e) {
      throw new ImageFormatException(format + " image is cut short", e);
    }
  }

  private void walkPng(ByteBuffer in) throws ImageFormatException {
    Buffers.position(in, 8);
    int type;
    do {
      long length = in.getInt() & 0xffffffffL;
      int start = in.position();
      type = in.getInt();
      skip(in, length);
      CRC32 crc = new CRC32();
      crc.update(bytes, start, in.position() - start);
      if ((int) crc.getValue() != in.getInt()) {
        throw new ImageFormatException(
            "PNG image is damaged (checksum of the block at byte " + (start - 4) + ")");
      }
      if (type == name("eXIf")) {
        orientation = exifOrientation(start + 4, (int) length);
      }
    } while (type != name("IEND"));
  }

  private void walkJpeg(ByteBuffer in) throws ImageFormatException {
    Buffers.position(in, 2);
    while (true) {
      int marker = nextJpegMarker(in);
      if (marker == 0xd9) {
        return;
      }
      boolean standsAlone = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
      if (standsAlone) {
        continue;
      }
      int length = in.getShort() & 0xffff;
      if (length < 2) {
        throw new ImageFormatException("JPEG image is damaged (segment of length " + length + ")");
      }
      int start = in.position();
      skip(in, length - 2L);
      if (marker == 0xe1 && startsWith(bytes, start, EXIF_MARK)) {
        orientation = exifOrientation(start + 6, length - 8);
      }
    }
  }

  /** The next marker; in entropy-coded data a 0xff that is none is followed by 0. */
  private static int nextJpegMarker(ByteBuffer in) {
    while (true) {
      int marker = in.get() & 0xff;
      if (marker != 0xff) {
        // Compressed data, or padding between segments.
        continue;
      }
      while (marker == 0xff) {
        marker = in.get() & 0xff;
      }
      if (marker != 0) {
        return marker;
      }
    }
  }

  private static void walkGif(ByteBuffer in) throws ImageFormatException {
    Buffers.position(in, 10);
    int screen = in.get();
    skip(in, 2);
    skipGifPalette(in, screen);
    while (true) {
      int block = in.get() & 0xff;
      if (block == 0x21) {
        in.get();
        skipGifBlocks(in);
      } else if (block == 0x2c) {
        skip(in, 8);
        skipGifPalette(in, in.get());
        in.get();
        skipGifBlocks(in);
        return;
      } else {
        throw new ImageFormatException(
            block == 0x3b
                ? "GIF image has no picture"
                : "GIF image is damaged (block " + block + ")");
      }
    }
  }

  private static void skipGifPalette(ByteBuffer in, int flags) {
    if ((flags & 0x80) != 0) {
      skip(in, 3L << ((flags & 7) + 1));
    }
  }

  private static void skipGifBlocks(ByteBuffer in) {
    for (int length = in.get() & 0xff; length > 0; length = in.get() & 0xff) {
      skip(in, length);
    }
  }

  private void walkWebp(ByteBuffer in) {
    Buffers.position(in, 4);
    long size = in.getInt() & 0xffffffffL;
    long end = Math.min(8 + size, bytes.length);
    skip(in.duplicate(), size);
    Buffers.position(in, 12);
    while (in.position() + 8 <= end) {
      int start = in.position() + 8;
      boolean isExif = startsWith(bytes, in.position(), "EXIF");
      long length = in.getInt(in.position() + 4) & 0xffffffffL;
      Buffers.position(in, start);
      skip(in, length);
      if (isExif) {
        int prefix = startsWith(bytes, start, EXIF_MARK) ? EXIF_MARK.length : 0;
        orientation = exifOrientation(start + prefix, (int) length - prefix);
      }
      if ((length & 1) == 1 && in.hasRemaining()) {
        in.get();
      }
    }
  }

  /** Reads the orientation of a TIFF block; damaged or missing ones count as upright. */
  private int exifOrientation(int start, int length) {
    try {
      ByteBuffer tiff = ByteBuffer.wrap(bytes, start, length).slice();
      boolean little = tiff.getShort() == 0x4949;
      tiff.order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
      int directory = tiff.getInt(4);
      int entries = tiff.getShort(directory) & 0xffff;
      for (int i = 0; i < entries; i++) {
        int entry = directory + 2 + 12 * i;
        if (tiff.getShort(entry) == 0x0112) {
          int value = tiff.getShort(entry + 8);
          return value >= 1 && value <= 8 ? value : UPRIGHT;
        }
      }
    } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
      // Metadata that is damaged does not make the picture unreadable.
      return UPRIGHT;
    }
    return UPRIGHT;
  }

  private static void skip(ByteBuffer in, long count) {
    if (count > in.remaining()) {
      throw new BufferUnderflowException();
    }
    Buffers.position(in, in.position() + (int) count);
  }

  private static int name(String chunk) {
    return ByteBuffer.wrap(chunk.getBytes(StandardCharsets.US_ASCII)).getInt();
  }

  private static boolean startsWith(byte[] bytes, int at, String mark) {
    return startsWith(bytes, at, mark.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static boolean startsWith(byte[] bytes, int at, byte[] mark) {
    if (bytes.length - at < mark.length) {
      return false;
    }
    for (int i = 0; i < mark.length; i++) {
      if (bytes[at + i] != mark[i]) {
        return false;
      }
    }
    return true;
  }
}
