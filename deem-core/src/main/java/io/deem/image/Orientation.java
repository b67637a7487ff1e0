package io.deem.image;

import io.deem.Image;

/** The ways up that EXIF knows: 1 is upright, from 5 on rows and columns change places. */
public final class Orientation {

  private Orientation() {}

  /**
   * Undoes an orientation.
   *
   * @param rgb three bytes a pixel, row by row, as they are in the file
   * @param orientation EXIF's, 1 to 8
   */
  public static Image upright(byte[] rgb, int width, int height, int orientation) {
    if (orientation == 1) {
      return Image.ofRgb(width, height, rgb);
    }
    byte[] upright = turned(rgb, width, height, orientation);
    return orientation >= 5
        ? Image.ofRgb(height, width, upright)
        : Image.ofRgb(width, height, upright);
  }

  /** Which row and column of the file each upright pixel comes from. */
  private static byte[] turned(byte[] rgb, int width, int height, int orientation) {
    boolean turned = orientation >= 5;
    int uprightWidth = turned ? height : width;
    int uprightHeight = turned ? width : height;
    byte[] upright = new byte[rgb.length];
    int to = 0;
    for (int y = 0; y < uprightHeight; y++) {
      for (int x = 0; x < uprightWidth; x++) {
        int column = turned ? y : x;
        int row = turned ? x : y;
        boolean flipColumn =
            orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
        boolean flipRow =
            orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
        int fromColumn = flipColumn ? width - 1 - column : column;
        int fromRow = flipRow ? height - 1 - row : row;
        System.arraycopy(rgb, (fromRow * width + fromColumn) * 3, upright, to, 3);
        to += 3;
      }
    }
    return upright;
  }
}
