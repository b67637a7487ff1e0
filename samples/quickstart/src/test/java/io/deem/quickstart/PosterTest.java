package io.deem.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.deem.Answer;
import io.deem.Choice;
import io.deem.Description;
import io.deem.Fidelity;
import io.deem.Image;
import io.deem.Perceiver;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PosterTest {

  private static final int RED = 0xe02020;
  private static final int BLUE = 0x2020e0;
  private static final List<Question> QUESTIONS =
      List.of(
          new Question("Is there a dog in the image?", "yes", List.of()),
          new Question("Is there a cat in the image?", "no", List.of()),
          new Question("What color is the dog?", "brown", List.of("brown", "red")));

  private final Perceiver perceiver = mock(Perceiver.class);
  private final Image picture = plain(64, RED);

  @TempDir Path temporary;

  @BeforeEach
  void teachThePerceiver() {
    when(perceiver.describe(picture))
        .thenReturn(new Description("a dog to the left of an umbrella", 0.5, 8, Duration.ZERO));
    when(perceiver.ask(any(Image.class), anyString()))
        .thenReturn(new Answer("Yes.", 0.93, 1, Duration.ZERO));
    when(perceiver.choose(picture, "What color is the dog?", List.of("brown", "red")))
        .thenReturn(List.of(new Choice("brown", -0.2, 0.8), new Choice("red", -1.6, 0.2)));
    when(perceiver.fidelity(picture)).thenReturn(Fidelity.of(0.6, 1));
    when(perceiver.redraw(picture)).thenReturn(plain(32, BLUE));
  }

  @Test
  void looksAtAPicture() {
    Sight sight = look();
    assertEquals("a dog to the left of an umbrella", sight.caption());
    assertEquals(0.4, sight.fidelity(), 1e-9);
    assertEquals(
        List.of(true, false, true), sight.replies().stream().map(Sight.Reply::right).toList());
    assertEquals("Yes. 0.93, truth: no", sight.replies().get(1).verdict());
    assertEquals("brown 0.80", sight.replies().get(2).verdict());
    assertEquals("4 of 6 questions right", Sight.score(List.of(sight, sight)));
    assertTrue(sight.toString().startsWith("dog.png  \"a dog to"), sight.toString());
    assertTrue(
        sight.toString().contains("  WRONG  Is there a cat in the image?  Yes. 0.93, truth: no"),
        sight.toString());
  }

  @Test
  void theFileHasARowForEachTwoPictures() throws IOException {
    BufferedImage four = poster(4);
    BufferedImage three = poster(3);
    BufferedImage one = poster(1);
    int row = (Poster.cardHeight(QUESTIONS.size()) + Poster.GAP) * Poster.SCALE;
    assertEquals(2000, four.getWidth());
    assertEquals(2000, one.getWidth());
    assertEquals(three.getHeight(), four.getHeight());
    assertEquals(one.getHeight() + row, three.getHeight());
    assertEquals((Poster.HEADER + Poster.FOOTER) * Poster.SCALE + row, one.getHeight());
  }

  @Test
  void showsPictureAndRedrawSideBySide() throws IOException {
    BufferedImage page = poster(2);
    int y = Poster.HEADER + Poster.PADDING + Poster.PICTURE / 2;
    int x = Poster.MARGIN + Poster.PADDING + Poster.PICTURE / 2;
    assertEquals(RED, pixel(page, x, y));
    assertEquals(BLUE, pixel(page, x + Poster.PICTURE + 8, y));
    int secondCard = (Poster.WIDTH + Poster.GAP) / 2 - Poster.MARGIN;
    assertEquals(RED, pixel(page, x + secondCard, y));
    assertFalse(pixel(page, x, Poster.HEADER - 4) == RED);
  }

  private BufferedImage poster(int pictures) throws IOException {
    Path file = temporary.resolve("new").resolve("poster.png");
    Poster.write(Collections.nCopies(pictures, look()), file);
    return ImageIO.read(file.toFile());
  }

  private Sight look() {
    return Quickstart.look(perceiver, "dog.png", picture, QUESTIONS);
  }

  private static int pixel(BufferedImage page, int x, int y) {
    return page.getRGB(x * Poster.SCALE, y * Poster.SCALE) & 0xffffff;
  }

  private static Image plain(int side, int rgb) {
    byte[] pixels = new byte[side * side * 3];
    for (int i = 0; i < pixels.length; i += 3) {
      pixels[i] = (byte) (rgb >> 16);
      pixels[i + 1] = (byte) (rgb >> 8);
      pixels[i + 2] = (byte) rgb;
    }
    return Image.ofRgb(side, side, pixels);
  }
}
