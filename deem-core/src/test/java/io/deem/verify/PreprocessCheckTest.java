package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Image;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class PreprocessCheckTest {

  @Test
  void everyStoredTensorIsReproduced() throws IOException {
    try (Fixture fixture = Fixture.open(Fixtures.folder("preprocess"))) {
      PreprocessCheck check = new PreprocessCheck();
      assertTrue(check.matches(fixture));
      List<String> lines = new ArrayList<>();
      Report report = new Report(1, lines::add);
      check.run(fixture, photo(fixture), report);
      assertTrue(report.ok(), () -> String.join("\n", lines));
      assertEquals(40, report.passed());
      assertEquals(Set.of(), fixture.unread());
    }
  }

  @Test
  void anotherPhotographIsNoticed() throws IOException {
    try (Fixture fixture = Fixture.open(Fixtures.folder("preprocess"))) {
      Report report = new Report(1, line -> {});
      Image photo = photo(fixture);
      byte[] rgb = photo.toRgb();
      rgb[0] ^= 0x40;
      new PreprocessCheck().run(fixture, Image.ofRgb(photo.width(), photo.height(), rgb), report);
      assertTrue(report.failed() > 2);
      assertEquals("photo.png", report.comparisons().get(0).name());
      assertFalse(report.comparisons().get(0).ok());
    }
  }

  private static Image photo(Fixture fixture) throws IOException {
    BufferedImage decoded = ImageIO.read(fixture.folder().resolve("photo.png").toFile());
    int width = decoded.getWidth();
    byte[] rgb = new byte[width * decoded.getHeight() * 3];
    for (int i = 0; i < rgb.length / 3; i++) {
      int colour = decoded.getRGB(i % width, i / width);
      rgb[3 * i] = (byte) (colour >> 16);
      rgb[3 * i + 1] = (byte) (colour >> 8);
      rgb[3 * i + 2] = (byte) colour;
    }
    return Image.ofRgb(width, decoded.getHeight(), rgb);
  }
}
