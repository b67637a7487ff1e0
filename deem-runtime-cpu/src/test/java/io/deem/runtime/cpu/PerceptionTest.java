package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Answer;
import io.deem.Cancellation;
import io.deem.Chat;
import io.deem.Deem;
import io.deem.Description;
import io.deem.Fidelity;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.Prompt;
import io.deem.RedrawOptions;
import io.deem.Region;
import io.deem.TextListener;
import io.deem.Turn;
import io.deem.cases.TinyDeem;
import io.deem.generation.Generation;
import io.deem.generation.GenerationConfig;
import io.deem.generation.GenerationListener;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Value;
import io.deem.image.PixelPlanes;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.model.ModelFolder;
import io.deem.model.VisualTokenizer;
import io.deem.perception.CallGuard;
import io.deem.perception.EncodedImage;
import io.deem.perception.EncodedImages;
import io.deem.perception.InterleavedText;
import io.deem.perception.NetworkPerceiver;
import io.deem.torch.TorchEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Regions, batches, conversations and the ways to generate, on a small model. */
class PerceptionTest {

  private static final Image PICTURE = TinyDeem.picture(64, 64, 1);
  private static final Region LEFT = Region.box(0, 0, 24, 64);
  private static final Region WHOLE = Region.box(0, 0, 64, 64);
  private static final String QUESTION = "Is there a dog ?";
  private static final GenerationOptions PLAIN = GenerationOptions.defaults();

  @TempDir static Path folder;

  private static Deem deem;
  private static Perceiver eyes;

  @BeforeAll
  static void open() throws IOException {
    TinyDeem.write(folder, TinyDeem.config(5));
    deem = Deem.open(folder);
    eyes = deem.perceiver();
  }

  @AfterAll
  static void close() {
    deem.close();
  }

  // ---------------------------------------------------------------- regions

  @Test
  void aRegionIsSeenAsTheNetworkSeesIt() throws IOException {
    Map<String, EncodedImage> seen = new HashMap<>();
    EncodedImages memory =
        new EncodedImages() {
          @Override
          public EncodedImage find(String contentHash) {
            return seen.get(contentHash);
          }

          @Override
          public void keep(String contentHash, EncodedImage image) {
            seen.put(contentHash, image);
          }
        };
    float[] mask = new float[64 * 64];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = i % 64 < 24 ? 1 : 0;
    }
    try (ModelFolder model = ModelFolder.open(folder);
        Session session = new TorchEngine().open(model.weights());
        Scope scope = session.scope()) {
      new NetworkPerceiver(session, model, memory).describe(PICTURE.region(LEFT));
      EncodedImage found = seen.get(PICTURE.region(LEFT).contentHash());
      VisualTokenizer.Tokens expected =
          model
              .network()
              .eyes()
              .forward(
                  scope,
                  scope.floats(PixelPlanes.of(PICTURE), 1, 3, 64, 64),
                  scope.floats(mask, 1, 1, 64, 64));
      assertArrayEquals(expected.tokens().floats(), found.tokens().values(), 1e-6f);
      assertArrayEquals(expected.condition().floats(), found.condition().values(), 1e-6f);
      for (int i = 0; i < 4; i++) {
        assertArrayEquals(expected.maps().get(i).floats(), found.maps().get(i).values(), 1e-6f);
        assertArrayEquals(
            expected.maskedMaps().get(i).floats(), found.seenMaps().get(i).values(), 1e-6f);
      }
    }
  }

  @Test
  void aRegionChangesWhatIsFound() {
    Image part = PICTURE.region(LEFT);
    assertNotEquals(
        eyes.ask(PICTURE, QUESTION).probability(), eyes.ask(part, QUESTION).probability());
    assertNotEquals(eyes.describe(PICTURE).probability(), eyes.describe(part).probability());
    assertNotEquals(
        eyes.choose(PICTURE, QUESTION, "yes", "no"), eyes.choose(part, QUESTION, "yes", "no"));
    assertNotEquals(eyes.fidelity(PICTURE).loss(), eyes.fidelity(part).loss());
    assertNotEquals(eyes.fidelity(PICTURE).blindLoss(), eyes.fidelity(part).blindLoss());
    RedrawOptions few = RedrawOptions.defaults().withSteps(2);
    assertNotEquals(eyes.redraw(PICTURE, few), eyes.redraw(part, few));
  }

  @Test
  void theRegionThatIsEverythingChangesNothing() {
    Image all = PICTURE.region(WHOLE);
    assertEquals(
        eyes.ask(PICTURE, QUESTION).probability(), eyes.ask(all, QUESTION).probability(), 1e-6);
    Fidelity expected = eyes.fidelity(PICTURE);
    Fidelity fidelity = eyes.fidelity(all);
    assertEquals(expected.loss(), fidelity.loss(), 1e-5 * expected.loss());
    assertEquals(expected.blindLoss(), fidelity.blindLoss(), 1e-5 * expected.blindLoss());
  }

  @Test
  void aRegionThatVanishesIsRefused() {
    Image large = TinyDeem.picture(640, 640, 3).region(Region.box(1, 1, 2, 2));
    String message =
        assertThrows(IllegalArgumentException.class, () -> eyes.describe(large)).getMessage();
    assertTrue(message.contains("640 x 640") && message.contains("64 x 64"), message);
  }

  // ---------------------------------------------------------------- generation

  @Test
  void lengthsAreKept() {
    Description description = eyes.describe(PICTURE, PLAIN.withMaxNewTokens(9).withMinNewTokens(9));
    assertEquals(9, description.tokens());
    assertEquals(9, description.text().split(" ").length);
    Description sampled = eyes.describe(PICTURE, PLAIN.withTemperature(2).withMinNewTokens(3));
    assertTrue(sampled.tokens() >= 3, sampled.toString());
    assertEquals(
        sampled.text(),
        eyes.describe(PICTURE, PLAIN.withTemperature(2).withMinNewTokens(3)).text());
    long others =
        IntStream.range(1, 6)
            .mapToObj(seed -> PLAIN.withTemperature(2).withMinNewTokens(3).withSeed(seed))
            .filter(options -> !eyes.describe(PICTURE, options).text().equals(sampled.text()))
            .count();
    assertTrue(others > 0, "the seed matters");
  }

  @Test
  void streamedTextIsTheWholeText() {
    for (GenerationOptions options :
        List.of(long12(), long12().withBeams(3), long12().withTemperature(1.5))) {
      List<String> pieces = new ArrayList<>();
      Description description = eyes.describe(PICTURE, options, pieces::add);
      assertEquals(description.text(), String.join("", pieces));
      assertEquals(12, pieces.size(), pieces.toString());
      assertEquals(eyes.describe(PICTURE, options).text(), description.text());
      pieces.clear();
      Answer answer = eyes.ask(PICTURE, QUESTION, options, pieces::add);
      assertEquals(answer.text(), String.join("", pieces));
    }
  }

  private static GenerationOptions long12() {
    return PLAIN.withMaxNewTokens(12).withMinNewTokens(12);
  }

  @Test
  void aTextStopsWhereItIsToldTo() {
    GenerationOptions drawn = long12().withTemperature(3);
    String whole = eyes.describe(PICTURE, drawn).text();
    String word = " " + whole.split(" ", -1)[4];
    String expected = whole.substring(0, whole.indexOf(word)).strip();
    List<String> pieces = new ArrayList<>();
    Description cut = eyes.describe(PICTURE, drawn.withStop(word), pieces::add);
    assertEquals(expected, cut.text());
    assertEquals(expected, String.join("", pieces));
    assertTrue(cut.tokens() < 12, "generation ends there");
    String beams = eyes.describe(PICTURE, long12().withBeams(2)).text();
    String third = beams.split(" ", -1)[2];
    assertEquals(
        beams.substring(0, beams.indexOf(third)).strip(),
        eyes.describe(PICTURE, long12().withBeams(2).withStop(third)).text());
  }

  // ---------------------------------------------------------------- batches

  @Test
  void batchesFindWhatOneByOneIsFound() {
    List<Image> images =
        List.of(
            PICTURE,
            TinyDeem.picture(80, 50, 2),
            PICTURE.region(LEFT),
            TinyDeem.picture(30, 90, 3),
            PICTURE);
    List<String> questions =
        List.of(QUESTION, "red", "What color is the cat ?", "Is it a photo of a dog", "Is it ?");
    String word = eyes.describe(PICTURE, long12().withTemperature(3)).text().split(" ", -1)[3];
    for (GenerationOptions options :
        List.of(
            PLAIN,
            PLAIN.withBeams(5),
            long12().withTemperature(3).withSeed(4),
            long12().withTemperature(3).withStop(word),
            PLAIN.withRepetitionPenalty(1.3))) {
      List<Description> descriptions = eyes.describe(images, options);
      List<Answer> answers = eyes.ask(images, questions, options);
      for (int i = 0; i < images.size(); i++) {
        Description description = eyes.describe(images.get(i), options);
        assertEquals(description.text(), descriptions.get(i).text());
        assertEquals(description.tokens(), descriptions.get(i).tokens());
        assertEquals(description.probability(), descriptions.get(i).probability(), 1e-5);
        Answer answer = eyes.ask(images.get(i), questions.get(i), options);
        assertEquals(answer.text(), answers.get(i).text());
        assertEquals(answer.tokens(), answers.get(i).tokens());
        assertEquals(answer.probability(), answers.get(i).probability(), 1e-5);
      }
    }
    assertEquals(List.of(), eyes.describe(List.of()));
    List<Image> many = IntStream.range(0, 20).mapToObj(i -> TinyDeem.picture(64, 64, i)).toList();
    assertEquals(20, eyes.ask(many, QUESTION).size());
    assertEquals(eyes.ask(many.get(19), QUESTION).text(), eyes.ask(many, QUESTION).get(19).text());
  }

  @Test
  void aBatchMustBeWhole() {
    assertThrows(
        IllegalArgumentException.class,
        () -> eyes.ask(List.of(PICTURE, PICTURE), List.of(QUESTION), PLAIN));
    assertThrows(
        IllegalArgumentException.class, () -> eyes.ask(List.of(PICTURE, PICTURE), "a <s> b"));
  }

  // ---------------------------------------------------------------- conversations

  @Test
  void aConversationGoesOn() throws IOException {
    Chat chat = eyes.chat(PLAIN);
    StringBuilder streamed = new StringBuilder();
    Answer first = chat.say(Prompt.of(PICTURE).text(QUESTION), streamed::append);
    Answer asked = eyes.ask(PICTURE, QUESTION);
    assertEquals(asked.text(), first.text());
    assertEquals(asked.probability(), first.probability(), 1e-9);
    assertEquals(first.text(), streamed.toString());
    Answer second = chat.say("Is it red ?");
    assertEquals(2, chat.history().size());
    assertEquals(
        List.of(first.text(), second.text()), chat.history().stream().map(Turn::reply).toList());
    // The whole conversation as one row, made by hand.
    try (ModelFolder model = ModelFolder.open(folder);
        Session session = new TorchEngine().open(model.weights())) {
      int[] row = LongStream.of(1, 96, 97, 97, 97, 97, 97).mapToInt(Math::toIntExact).toArray();
      row = join(row, ids(model, QUESTION + " Answer:"));
      row = first.text().isEmpty() ? row : join(row, ids(model, first.text()));
      row = join(row, new int[] {2});
      row = join(row, ids(model, "Is it red ? Answer:"));
      Generation expected = generate(session, model.network(), row);
      assertEquals(Math.exp(expected.scores()[0]), second.probability(), 1e-6);
      assertEquals(
          model
              .tokenizer()
              .decode(IntStream.of(expected.newTokens(0)).asLongStream().toArray())
              .strip(),
          second.text());
    }
    Answer third = chat.say(Prompt.of("Is there a cat ?").image(PICTURE.region(LEFT)).text("red"));
    assertTrue(third.probability() > 0);
    chat.clear();
    assertEquals(List.of(), chat.history());
  }

  private static Generation generate(Session session, DeemNetwork network, int[] row) {
    try (Scope scope = session.scope()) {
      Value pixels = scope.floats(PixelPlanes.of(PICTURE), 1, 3, 64, 64);
      InterleavedBatch batch =
          new InterleavedBatch(
              network.config().special(), List.of(row), InterleavedBatch.Padding.LEFT);
      return new InterleavedText(network)
          .generate(
              scope,
              batch,
              InterleavedText.Sight.of(network.eyes().forward(scope, pixels, null)),
              GenerationConfig.builder().eosIds(2, 96).padId(95).build(),
              GenerationListener.NONE);
    }
  }

  private static int[] ids(ModelFolder model, String text) {
    return LongStream.of(model.tokenizer().encodeWithoutBegin(text))
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  private static int[] join(int[] first, int[] second) {
    return IntStream.concat(IntStream.of(first), IntStream.of(second)).toArray();
  }

  @Test
  void aTurnThatFailsLeavesTheConversationAsItWas() {
    Chat chat = eyes.chat(PLAIN);
    chat.say(Prompt.of(PICTURE).text(QUESTION));
    List<Turn> before = chat.history();
    assertThrows(IllegalArgumentException.class, () -> chat.say("what is <|sniffer|>"));
    String tooLong = "dog ".repeat(1000);
    Chat talkative = eyes.chat(PLAIN, List.of(new Turn(Prompt.of(tooLong), tooLong)));
    String message =
        assertThrows(IllegalArgumentException.class, () -> talkative.say(QUESTION + tooLong))
            .getMessage();
    assertTrue(message.contains("reads only 2048"), message);
    Cancellation cancellation = new Cancellation();
    Chat cancelled = eyes.withCancellation(cancellation).chat(long12(), before);
    assertThrows(
        CancellationException.class,
        () -> cancelled.say("Is it red ?", piece -> cancellation.cancel()));
    assertEquals(before, cancelled.history());
    assertEquals(before, chat.history());
    assertTrue(chat.say("Is it red ?").probability() > 0, "the model is still usable");
  }

  // ---------------------------------------------------------------- listeners

  @Test
  void aCancelledTextEndsAtItsNextToken() {
    Cancellation cancellation = new Cancellation();
    List<String> pieces = new ArrayList<>();
    TextListener cancelling =
        piece -> {
          pieces.add(piece);
          if (pieces.size() == 2) {
            cancellation.cancel();
          }
        };
    Perceiver cancellable = eyes.withCancellation(cancellation);
    assertThrows(
        CancellationException.class, () -> cancellable.describe(PICTURE, long12(), cancelling));
    assertEquals(2, pieces.size());
    assertThrows(CancellationException.class, () -> cancellable.fidelity(PICTURE));
    Cancellation another = new Cancellation();
    assertThrows(
        CancellationException.class,
        () -> cancellable.withCancellation(another).ask(PICTURE, QUESTION),
        "a view keeps the cancellation that it was made of");
    assertEquals(12, eyes.describe(PICTURE, long12()).tokens());
  }

  @Test
  void aListenersFailureIsNoneOfTheModel() {
    IllegalStateException mine = new IllegalStateException("mine");
    for (int i = 0; i < CallGuard.WINDOW; i++) {
      Exception thrown =
          assertThrows(
              IllegalStateException.class,
              () ->
                  eyes.ask(
                      PICTURE,
                      QUESTION,
                      long12(),
                      piece -> {
                        throw mine;
                      }));
      assertSame(mine, thrown);
    }
    assertTrue(eyes.ask(PICTURE, QUESTION).probability() > 0, "calls are not refused");
  }
}
