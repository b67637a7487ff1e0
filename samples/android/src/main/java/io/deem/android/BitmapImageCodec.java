package io.deem.android;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.Canvas;
import android.graphics.Color;
import io.deem.Image;
import io.deem.ImageFormatException;
import io.deem.image.ImageFile;
import io.deem.image.Orientation;
import io.deem.spi.ImageCodec;
import java.io.ByteArrayOutputStream;

/** Image files through Android's own decoders. */
public final class BitmapImageCodec implements ImageCodec {

  private static final int LOSSLESS = 100;

  /** Made by the service loader. */
  public BitmapImageCodec() {}

  @Override
  public Image decode(byte[] encoded, Limits limits) throws ImageFormatException {
    ImageFile file = ImageFile.of(encoded);
    file.checkWhole();
    BitmapFactory.Options options = new BitmapFactory.Options();
    options.inJustDecodeBounds = true;
    BitmapFactory.decodeByteArray(encoded, 0, encoded.length, options);
    int width = options.outWidth;
    int height = options.outHeight;
    if (width <= 0 || height <= 0) {
      throw new ImageFormatException(file.format() + " image is damaged or cut short");
    }
    if ((long) width * height > limits.maxPixels()) {
      throw new ImageFormatException(
          String.format(
              "%s image of %d x %d pixels is over the limit of %d",
              file.format(), width, height, limits.maxPixels()));
    }
    options.inJustDecodeBounds = false;
    options.inPreferredConfig = Bitmap.Config.ARGB_8888;
    options.inScaled = false;
    Bitmap bitmap = BitmapFactory.decodeByteArray(encoded, 0, encoded.length, options);
    if (bitmap == null) {
      throw new ImageFormatException(file.format() + " image is damaged or cut short");
    }
    byte[] rgb = rgb(bitmap.hasAlpha() ? onWhite(bitmap) : bitmap);
    return Orientation.upright(rgb, bitmap.getWidth(), bitmap.getHeight(), file.orientation());
  }

  private static Bitmap onWhite(Bitmap bitmap) {
    Bitmap opaque =
        Bitmap.createBitmap(bitmap.getWidth(), bitmap.getHeight(), Bitmap.Config.ARGB_8888);
    opaque.eraseColor(Color.WHITE);
    new Canvas(opaque).drawBitmap(bitmap, 0, 0, null);
    return opaque;
  }

  private static byte[] rgb(Bitmap bitmap) {
    int width = bitmap.getWidth();
    byte[] rgb = new byte[Math.multiplyExact(Math.multiplyExact(width, 3), bitmap.getHeight())];
    int[] row = new int[width];
    int to = 0;
    for (int y = 0; y < bitmap.getHeight(); y++) {
      bitmap.getPixels(row, 0, width, 0, y, width, 1);
      for (int colour : row) {
        rgb[to++] = (byte) (colour >> 16);
        rgb[to++] = (byte) (colour >> 8);
        rgb[to++] = (byte) colour;
      }
    }
    return rgb;
  }

  /** A picture as Android shows it. */
  static Bitmap toBitmap(Image image) {
    byte[] rgb = image.toRgb();
    int[] colours = new int[image.width() * image.height()];
    for (int i = 0; i < colours.length; i++) {
      colours[i] = Color.rgb(rgb[3 * i] & 255, rgb[3 * i + 1] & 255, rgb[3 * i + 2] & 255);
    }
    return Bitmap.createBitmap(colours, image.width(), image.height(), Bitmap.Config.ARGB_8888);
  }

  @Override
  public byte[] encodePng(Image image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    toBitmap(image).compress(Bitmap.CompressFormat.PNG, LOSSLESS, bytes);
    return bytes.toByteArray();
  }
}
