package io.deem.mini;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.List;
import org.junit.jupiter.api.Test;

class GlyphTest {

  private static final int SIDE = Glyph.SIDE;

  @Test
  void cutsTheWhiteGroundAwayAndKeepsInnerWhite() {
    BufferedImage image = onWhite();
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.RED);
    graphics.fillRect(20, 30, 80, 60);
    graphics.setColor(Color.WHITE);
    graphics.fillRect(40, 50, 30, 20);
    graphics.dispose();
    Glyph glyph = Glyph.cutOut(image);
    assertEquals(0, glyph.level(0)[0]);
    assertEquals(0xffff0000, glyph.level(0)[40 * SIDE + 30]);
    assertEquals(0xffffffff, glyph.level(0)[60 * SIDE + 50], "white inside stays");
    assertEquals(0, glyph.level(0)[60 * SIDE + 110], "white outside goes");
    assertEquals(60, glyph.centerX());
    assertEquals(60, glyph.centerY());
    assertEquals(80, glyph.inkSide());
  }

  @Test
  void doesNotLeakThroughAGapOfTwoPixels() {
    BufferedImage image = onWhite();
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.BLACK);
    graphics.fillRect(20, 20, 80, 80);
    graphics.setColor(Color.WHITE);
    graphics.fillRect(30, 30, 60, 60);
    graphics.fillRect(50, 20, 2, 10);
    graphics.dispose();
    assertEquals(0xffffffff, Glyph.cutOut(image).level(0)[60 * SIDE + 60]);
  }

  @Test
  void turnsBlendedEdgesIntoTransparencyOfTheInnerColor() {
    BufferedImage image = onWhite();
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setColor(new Color(0, 0, 200));
    graphics.fillOval(24, 24, 80, 80);
    graphics.dispose();
    int[] pixels = Glyph.cutOut(image).level(0);
    int partly = 0;
    for (int argb : pixels) {
      int alpha = argb >>> 24;
      // What is left of the white ground would show up as red.
      assertTrue((argb >> 16 & 0xff) <= 8, Integer.toHexString(argb));
      partly += alpha > 0 && alpha < 255 ? 1 : 0;
    }
    assertTrue(partly > 100, "edge pixels: " + partly);
  }

  @Test
  void turnedBoxHoldsTheInk() {
    BufferedImage image = onWhite();
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.BLACK);
    graphics.fillRect(14, 54, 100, 20);
    graphics.dispose();
    Box box = Glyph.cutOut(image).turnedBox(90);
    assertEquals(-0.1, box.left(), 1e-9);
    assertEquals(0.1, box.right(), 1e-9);
    assertEquals(-0.5, box.top(), 1e-9);
    assertEquals(0.5, box.bottom(), 1e-9);
  }

  @Test
  void everyPictureHasATransparentBorderAndOpaqueInk() {
    for (EmojiStyle style : EmojiStyle.values()) {
      List<Concept> concepts = TestCorpus.CORPUS.concepts().all();
      for (int i = 0; i < concepts.size(); i += 13) {
        Glyph glyph = TestCorpus.CORPUS.glyph(style, concepts.get(i));
        int[] pixels = glyph.level(0);
        int opaque = 0;
        for (int argb : pixels) {
          opaque += argb >>> 24 > 200 ? 1 : 0;
        }
        String name = style.id() + " " + concepts.get(i).id();
        for (int x = 0; x < SIDE; x++) {
          assertEquals(0, pixels[x] | pixels[x * SIDE] | pixels[x * SIDE + SIDE - 1], name);
        }
        assertTrue(opaque > 300, name + " has " + opaque + " opaque pixels");
        assertTrue(glyph.inkSide() > 90 && glyph.inkSide() < 118, name + " " + glyph.inkSide());
      }
    }
  }

  @Test
  void colorShiftKeepsGraysAndTurnsRedAway() {
    double[] gray = ColorShift.of(120, 1, 1, 0).apply(new double[] {0.5, 0.5, 0.5});
    double[] turned = ColorShift.of(120, 1, 1, 0).apply(new double[] {0.8, 0.1, 0.1});
    for (double value : gray) {
      assertEquals(0.5, value, 1e-9);
    }
    assertTrue(turned[2] > turned[0] && turned[2] > turned[1], "red turned by 120 degrees is blue");
    double[] pale = ColorShift.of(0, 0, 1, 0).apply(new double[] {0.8, 0.1, 0.1});
    assertEquals(pale[0], pale[2], 1e-9);
  }

  private static BufferedImage onWhite() {
    BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, SIDE, SIDE);
    graphics.dispose();
    return image;
  }
}
