package io.deem.android;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.graphics.Bitmap;
import android.graphics.Color;
import io.deem.Image;
import io.deem.ImageFormatException;
import io.deem.spi.ImageCodec;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.annotation.GraphicsMode;

/** The codec on Android's own decoders. */
@RunWith(RobolectricTestRunner.class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public class BitmapImageCodecTest {

  private static final int WIDTH = 23;
  private static final int HEIGHT = 17;
  private static final int NEAR = 24;

  private final BitmapImageCodec codec = new BitmapImageCodec();

  private static Image noise() {
    byte[] rgb = new byte[WIDTH * HEIGHT * 3];
    new Random(3).nextBytes(rgb);
    return Image.ofRgb(WIDTH, HEIGHT, rgb);
  }

  private static byte[] encoded(Bitmap bitmap, Bitmap.CompressFormat format) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertTrue(bitmap.compress(format, 100, bytes));
    return bytes.toByteArray();
  }

  /** Red above, blue below. */
  private static Bitmap halves() {
    Bitmap bitmap = Bitmap.createBitmap(WIDTH, HEIGHT, Bitmap.Config.ARGB_8888);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        bitmap.setPixel(x, y, y < HEIGHT / 2 ? Color.RED : Color.BLUE);
      }
    }
    return bitmap;
  }

  /** The file with an EXIF block that says which way up it is. */
  private static byte[] turned(byte[] jpeg, int orientation) {
    byte[] exif = {
      (byte) 0xff,
      (byte) 0xe1,
      0,
      34,
      'E',
      'x',
      'i',
      'f',
      0,
      0,
      'M',
      'M',
      0,
      42,
      0,
      0,
      0,
      8,
      0,
      1,
      0x01,
      0x12,
      0,
      3,
      0,
      0,
      0,
      1,
      0,
      (byte) orientation,
      0,
      0,
      0,
      0,
      0,
      0
    };
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.write(jpeg, 0, 2);
    file.write(exif, 0, exif.length);
    file.write(jpeg, 2, jpeg.length - 2);
    return file.toByteArray();
  }

  private static void assertNear(int expected, int colour) {
    for (int shift = 0; shift < 24; shift += 8) {
      int difference = (expected >> shift & 255) - (colour >> shift & 255);
      assertTrue(Integer.toHexString(colour), Math.abs(difference) <= NEAR);
    }
  }

  @Test
  public void pngIsWithoutLossBothWays() throws Exception {
    Image noise = noise();
    Image again = codec.decode(codec.encodePng(noise), ImageCodec.Limits.DEFAULT);
    assertArrayEquals(noise.toRgb(), again.toRgb());
    assertEquals(noise, again);
  }

  @Test
  public void theServiceLoaderFindsIt() throws Exception {
    assertEquals(noise(), Image.decode(codec.encodePng(noise())));
  }

  @Test
  public void whatIsTransparentLiesOnWhite() throws Exception {
    Bitmap bitmap = Bitmap.createBitmap(2, 1, Bitmap.Config.ARGB_8888);
    bitmap.setPixel(0, 0, Color.TRANSPARENT);
    bitmap.setPixel(1, 0, Color.argb(128, 255, 0, 0));
    Image image =
        codec.decode(encoded(bitmap, Bitmap.CompressFormat.PNG), ImageCodec.Limits.DEFAULT);
    assertEquals(0xffffff, image.rgb(0, 0) & 0xffffff);
    assertNear(0xff7f7f, image.rgb(1, 0));
  }

  @Test
  public void exifTurnsAPictureUpright() throws Exception {
    byte[] jpeg = encoded(halves(), Bitmap.CompressFormat.JPEG);
    Image plain = codec.decode(jpeg, ImageCodec.Limits.DEFAULT);
    assertEquals(WIDTH, plain.width());
    assertNear(0xff0000, plain.rgb(3, 1));
    // To be turned clockwise: what was above is on the right.
    Image upright = codec.decode(turned(jpeg, 6), ImageCodec.Limits.DEFAULT);
    assertEquals(HEIGHT, upright.width());
    assertEquals(WIDTH, upright.height());
    assertNear(0xff0000, upright.rgb(HEIGHT - 2, 3));
    assertNear(0x0000ff, upright.rgb(1, 3));
  }

  @Test
  public void webpIsRead() throws Exception {
    byte[] webp = encoded(halves(), Bitmap.CompressFormat.WEBP_LOSSLESS);
    Image image = codec.decode(webp, ImageCodec.Limits.DEFAULT);
    assertEquals(WIDTH, image.width());
    assertNear(0x0000ff, image.rgb(3, HEIGHT - 2));
  }

  @Test
  public void whatIsCutShortIsRefused() {
    for (Bitmap.CompressFormat format :
        new Bitmap.CompressFormat[] {Bitmap.CompressFormat.PNG, Bitmap.CompressFormat.JPEG}) {
      byte[] whole = encoded(halves(), format);
      for (int length : new int[] {0, 3, 10, whole.length / 2, whole.length - 1}) {
        byte[] part = Arrays.copyOf(whole, length);
        ImageFormatException refused =
            assertThrows(
                ImageFormatException.class, () -> codec.decode(part, ImageCodec.Limits.DEFAULT));
        assertEquals(1, refused.getMessage().split("\n").length);
      }
    }
    byte[] text = "hello".getBytes(StandardCharsets.UTF_8);
    assertThrows(ImageFormatException.class, () -> codec.decode(text, ImageCodec.Limits.DEFAULT));
  }

  @Test
  public void largePicturesAreRefusedBeforeTheyAreDecoded() {
    byte[] png = codec.encodePng(noise());
    ImageCodec.Limits few = new ImageCodec.Limits(WIDTH * HEIGHT - 1, 1 << 20);
    ImageFormatException refused =
        assertThrows(ImageFormatException.class, () -> codec.decode(png, few));
    assertEquals("PNG image of 23 x 17 pixels is over the limit of 390", refused.getMessage());
  }
}
