package io.deem.server;

import io.deem.Image;
import java.util.Base64;

/** Pictures for requests. */
final class TestPictures {

  private TestPictures() {}

  /** A red disc on white. */
  static byte[] disc() {
    int side = 64;
    byte[] rgb = new byte[3 * side * side];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        boolean inside = Math.hypot(x - 32, y - 32) < 20;
        int at = 3 * (y * side + x);
        rgb[at] = (byte) (inside ? 200 : 255);
        rgb[at + 1] = (byte) (inside ? 30 : 255);
        rgb[at + 2] = (byte) (inside ? 30 : 255);
      }
    }
    return Image.ofRgb(side, side, rgb).toPng();
  }

  static String base64() {
    return Base64.getEncoder().encodeToString(disc());
  }

  static String dataUrl() {
    return "data:image/png;base64," + base64();
  }
}
