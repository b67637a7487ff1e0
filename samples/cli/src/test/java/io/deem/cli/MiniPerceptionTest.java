package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Answer;
import io.deem.Chat;
import io.deem.Choice;
import io.deem.Deem;
import io.deem.Description;
import io.deem.DiffusionSampler;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Perceiver;
import io.deem.Prompt;
import io.deem.Region;
import io.deem.mini.DeemMini;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A trained model and the vocabulary of LLaMA, from end to end. */
class MiniPerceptionTest {

  private static Deem deem;
  private static Perceiver eyes;

  @BeforeAll
  static void open() throws IOException {
    deem = DeemMini.open();
    eyes = deem.perceiver();
  }

  @AfterAll
  static void close() {
    deem.close();
  }

  /** A red disc to the left and a blue square to the right. */
  private static Image shapes(int width, int height) {
    byte[] rgb = new byte[width * height * 3];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double dx = x - width / 4.0;
        double dy = y - height / 2.0;
        boolean disc = dx * dx + dy * dy < width * width / 40.0;
        boolean square = Math.abs(x - 3 * width / 4) < width / 7 && Math.abs(dy) < height / 5.0;
        int at = (y * width + x) * 3;
        rgb[at] = (byte) (square ? 40 : 230);
        rgb[at + 1] = (byte) (disc || square ? 40 : 230);
        rgb[at + 2] = (byte) (disc ? 40 : 230);
      }
    }
    return Image.ofRgb(width, height, rgb);
  }

  @Test
  void streamsBatchesAndBeamsAgree() {
    List<Image> images = List.of(shapes(96, 64), shapes(50, 90), shapes(64, 64));
    for (GenerationOptions options :
        List.of(GenerationOptions.defaults(), GenerationOptions.paperCaption())) {
      List<Description> together = eyes.describe(images, options);
      for (int i = 0; i < images.size(); i++) {
        List<String> pieces = new ArrayList<>();
        Description alone = eyes.describe(images.get(i), options, pieces::add);
        assertEquals(alone.text(), String.join("", pieces));
        assertEquals(alone.text(), together.get(i).text());
        assertEquals(alone.probability(), together.get(i).probability(), 1e-3);
        assertFalse(alone.text().isBlank());
      }
    }
    Description beams = eyes.describe(images.get(0), GenerationOptions.paperCaption());
    assertTrue(beams.tokens() >= 7 && beams.tokens() <= 20, beams.toString());
  }

  @Test
  void beamsFindAnswersWhoseProbabilityIsRight() {
    Image image = shapes(96, 64);
    String question = "Is there a dog in the image?";
    for (double lengthPenalty : new double[] {0, 1}) {
      Answer answer =
          eyes.ask(
              image, question, GenerationOptions.paperAnswer().withLengthPenalty(lengthPenalty));
      double expected =
          eyes.choose(image, question, answer.text(), "umbrella").stream()
              .filter(each -> each.text().equals(answer.text()))
              .mapToDouble(Choice::logProbability)
              .findFirst()
              .orElseThrow();
      assertEquals(expected, Math.log(answer.probability()), 1e-3);
    }
  }

  @Test
  void aRegionIsAnotherSight() {
    Image image = shapes(96, 64);
    Description whole = eyes.describe(image);
    Description disc = eyes.describe(image.region(Region.box(4, 10, 44, 54)));
    assertNotEquals(whole.probability(), disc.probability());
  }

  @Test
  void aConversationBeginsAsAQuestion() {
    Image image = shapes(96, 64);
    Chat chat = eyes.chat();
    StringBuilder streamed = new StringBuilder();
    Answer first = chat.say(Prompt.of(image).text("What color is the ball?"), streamed::append);
    Answer asked = eyes.ask(image, "What color is the ball?");
    assertEquals(asked.text(), first.text());
    assertEquals(first.text(), streamed.toString());
    assertFalse(chat.say("Is there a dog in the image?").text().isBlank());
  }

  @Test
  void drawsWhatIsSaid() {
    ImagineOptions few =
        ImagineOptions.defaults().withSampler(DiffusionSampler.DPM_SOLVER_2M).withSteps(5);
    Image bus = eyes.imagine("a red bus", few);
    assertEquals(64, bus.width());
    assertNotEquals(bus, eyes.imagine("a blue fish", few));
    assertEquals(96, eyes.imagine("a red bus", few.withSize(96)).height());
  }
}
