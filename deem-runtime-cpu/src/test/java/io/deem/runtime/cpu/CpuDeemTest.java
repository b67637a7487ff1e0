package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Answer;
import io.deem.CacheStats;
import io.deem.Choice;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Description;
import io.deem.Fidelity;
import io.deem.Image;
import io.deem.ModelInfo;
import io.deem.Perceiver;
import io.deem.RedrawOptions;
import io.deem.cases.TinyDeem;
import io.deem.model.ModelFolder;
import io.deem.model.ModelPart;
import io.deem.perception.CallGuard;
import io.deem.runtime.CaffeineImages;
import io.deem.runtime.EngineDeem;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CpuDeemTest {

  private static final Image PICTURE = TinyDeem.picture(80, 50, 1);
  private static final Image OTHER = TinyDeem.picture(64, 64, 2);
  private static final String QUESTION = "Is there a dog ?";
  private static final RedrawOptions FEW_STEPS = RedrawOptions.defaults().withSteps(3);

  @TempDir static Path folder;

  private static Deem deem;
  private static Perceiver perceiver;

  @BeforeAll
  static void open() throws IOException {
    TinyDeem.write(folder, TinyDeem.config(5));
    deem = Deem.open(folder, DeemOptions.defaults().withRuntime("cpu"));
    perceiver = deem.perceiver();
  }

  @AfterAll
  static void close() {
    deem.close();
  }

  /** What a perceiver says, without the time that it took. */
  private record Findings(
      String caption,
      double captionProbability,
      String answer,
      double probability,
      List<Choice> choices,
      Fidelity fidelity,
      Image drawn) {

    static Findings of(Perceiver eyes, Image image) {
      Description description = eyes.describe(image);
      Answer answer = eyes.ask(image, QUESTION);
      return new Findings(
          description.text(),
          description.probability(),
          answer.text(),
          answer.probability(),
          eyes.choose(image, QUESTION, "yes", "no"),
          eyes.fidelity(image),
          eyes.redraw(image, FEW_STEPS));
    }
  }

  @Test
  void saysWhatItIs() {
    ModelInfo info = deem.info();
    assertEquals("tiny", info.name());
    assertEquals(64, info.imageSize());
    assertEquals("cpu (onnxruntime-fp32)", info.runtime());
    assertEquals("7", info.provenance().get("seed"));
    long parameters = info.parameters().values().stream().mapToLong(Long::longValue).sum();
    long expected =
        TinyDeem.weights(TinyDeem.config(5)).names().stream()
            .mapToLong(name -> TinyDeem.weights(TinyDeem.config(5)).info(name).elements())
            .sum();
    assertEquals(expected, parameters);
    assertEquals(ModelPart.values().length, info.parameters().size());
  }

  @Test
  void answersTheSameWithAndWithoutTheCache() throws IOException {
    Findings first = Findings.of(perceiver, PICTURE);
    assertEquals(first, Findings.of(perceiver, PICTURE), "from the cache");
    try (Deem forgetful = Deem.open(folder, DeemOptions.defaults().withCacheBytes(0))) {
      assertEquals(first, Findings.of(forgetful.perceiver(), PICTURE), "encoded again");
    }
  }

  @Test
  void keepsWhatItEncodedWithinBounds() throws IOException {
    long one = 4L * (5 * 32 + 5 * 16 + 16 * (16 * 16 + 8 * 8 + 4 * 4 + 2 * 2));
    CaffeineImages images = new CaffeineImages(2 * one);
    ModelFolder model = ModelFolder.open(folder);
    try (Deem small =
        new EngineDeem(
            model,
            new TorchEngine().open(model.weights()),
            "cpu",
            TorchOptions.onProcessor(),
            images,
            CallGuard.Limits.DEFAULT)) {
      for (int seed = 0; seed < 5; seed++) {
        small.perceiver().ask(TinyDeem.picture(64, 64, seed), QUESTION);
        small.perceiver().ask(TinyDeem.picture(64, 64, seed), QUESTION);
      }
      assertEquals(2, images.size());
      CacheStats stats = small.cacheStats();
      assertEquals(10, stats.hits() + stats.misses());
      assertTrue(stats.misses() >= 5, "five pictures: " + stats);
      assertEquals(2, stats.images());
      assertEquals(2 * one, stats.bytes());
    }
  }

  @Test
  void differentPicturesGiveDifferentFindings() {
    Answer answer = perceiver.ask(PICTURE, QUESTION);
    Answer other = perceiver.ask(OTHER, QUESTION);
    assertNotEquals(answer.probability(), other.probability());
    assertNotEquals(perceiver.fidelity(PICTURE).loss(), perceiver.fidelity(OTHER).loss());
    assertNotEquals(perceiver.redraw(PICTURE, FEW_STEPS), perceiver.redraw(OTHER, FEW_STEPS));
  }

  @Test
  void choosingAgreesWithAsking() {
    int compared = 0;
    for (int seed = 0; seed < 8; seed++) {
      Image image = TinyDeem.picture(64, 64, seed);
      Answer answer = perceiver.ask(image, QUESTION);
      assertTrue(answer.probability() > 0 && answer.probability() <= 1, answer.toString());
      if (answer.tokens() == 0 || answer.tokens() == 30) {
        continue; // no text to choose, or no end
      }
      String other = answer.text().equals("red cat") ? "blue" : "red cat";
      Choice chosen =
          perceiver.choose(image, QUESTION, answer.text(), other).stream()
              .filter(each -> each.text().equals(answer.text()))
              .findFirst()
              .orElseThrow();
      // Token by token with a cache against all at once, padded: two ways to one number.
      assertEquals(Math.log(answer.probability()), chosen.logProbability(), 1e-3);
      compared++;
    }
    assertTrue(compared > 0, "no answer had a text and an end");
  }

  @Test
  void ranksOptionsWhateverTheirCompany() {
    List<Choice> many =
        perceiver.choose(PICTURE, QUESTION, "yes", "no", "a red dog", "blue", "green cat", "is it");
    assertEquals(6, many.size());
    assertEquals(1, many.stream().mapToDouble(Choice::share).sum(), 1e-9);
    for (int i = 1; i < many.size(); i++) {
      assertTrue(many.get(i - 1).logProbability() >= many.get(i).logProbability());
    }
    for (Choice choice : perceiver.choose(PICTURE, QUESTION, "a red dog", "no")) {
      double alone =
          many.stream()
              .filter(each -> each.text().equals(choice.text()))
              .findFirst()
              .orElseThrow()
              .logProbability();
      assertEquals(alone, choice.logProbability(), 1e-4);
    }
  }

  @Test
  void fidelityComparesSeeingWithBlindness() {
    Fidelity fidelity = perceiver.fidelity(PICTURE);
    assertTrue(fidelity.loss() > 0 && fidelity.blindLoss() > 0, fidelity.toString());
    assertNotEquals(fidelity.loss(), fidelity.blindLoss());
    assertEquals(1 - fidelity.loss() / fidelity.blindLoss(), fidelity.gain(), 1e-12);
  }

  @Test
  void redrawsFromASeed() {
    Image drawn = perceiver.redraw(PICTURE, FEW_STEPS);
    assertEquals(64, drawn.width());
    assertEquals(64, drawn.height());
    assertEquals(drawn, perceiver.redraw(PICTURE, FEW_STEPS));
    assertNotEquals(drawn, perceiver.redraw(PICTURE, FEW_STEPS.withSeed(1)));
    assertNotEquals(drawn, perceiver.redraw(PICTURE, FEW_STEPS.withGuidanceScale(1)));
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 7})
  void guidanceTakesAnyNumberOfNegativeTokens(int queries, @TempDir Path other) throws IOException {
    TinyDeem.write(other, TinyDeem.config(queries));
    try (Deem opened = Deem.open(other)) {
      Image guided = opened.perceiver().redraw(PICTURE, FEW_STEPS);
      // A push of next to nothing is two passes with the result of one.
      Image plain = opened.perceiver().redraw(PICTURE, FEW_STEPS.withGuidanceScale(1));
      Image nearly = opened.perceiver().redraw(PICTURE, FEW_STEPS.withGuidanceScale(1.000001));
      assertNotEquals(plain, guided);
      byte[] a = plain.toRgb();
      byte[] b = nearly.toRgb();
      for (int i = 0; i < a.length; i++) {
        assertEquals(a[i] & 0xff, b[i] & 0xff, 1, "pixel value " + i);
      }
    }
  }

  @Test
  void eightThreadsFindTheSame() throws Exception {
    Findings expected = Findings.of(perceiver, PICTURE);
    Findings expectedOther = Findings.of(perceiver, OTHER);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<Findings>> found = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        Image image = i % 2 == 0 ? PICTURE : OTHER;
        found.add(threads.submit(() -> Findings.of(perceiver, image)));
      }
      for (int i = 0; i < found.size(); i++) {
        assertEquals(i % 2 == 0 ? expected : expectedOther, found.get(i).get());
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void closingEndsRunningAndLaterCalls() throws Exception {
    EngineDeem closing = (EngineDeem) Deem.open(folder);
    Perceiver eyes = closing.perceiver();
    eyes.describe(PICTURE);
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      Future<Image> drawing = thread.submit(() -> eyes.redraw(PICTURE, FEW_STEPS.withSteps(1000)));
      while (!closing.isBusy()) {
        Thread.onSpinWait();
      }
      closing.close();
      ExecutionException failure = assertThrows(ExecutionException.class, drawing::get);
      assertInstanceOf(IllegalStateException.class, failure.getCause());
      assertEquals("the model is closed", failure.getCause().getMessage());
    } finally {
      thread.shutdownNow();
    }
    assertFalse(closing.isBusy());
    assertThrows(IllegalStateException.class, () -> eyes.describe(PICTURE));
    assertThrows(IllegalStateException.class, () -> eyes.ask(PICTURE, QUESTION));
    closing.close();
  }

  @Test
  void anInterruptedThreadIsCancelled() {
    Thread.currentThread().interrupt();
    try {
      assertThrows(CancellationException.class, () -> perceiver.redraw(PICTURE, FEW_STEPS));
      assertThrows(CancellationException.class, () -> perceiver.ask(PICTURE, QUESTION));
      assertTrue(Thread.currentThread().isInterrupted(), "the interruption is not swallowed");
    } finally {
      Thread.interrupted();
    }
    assertEquals(perceiver.ask(PICTURE, QUESTION).text(), perceiver.ask(PICTURE, QUESTION).text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "   ", "<|sniffer|>", "Is </s> it", "a <|startofimage|>", "<s>"})
  void refusesQuestionsThatAreNoText(String question) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> perceiver.ask(PICTURE, question));
    assertTrue(refused.getMessage().startsWith("question must "), refused.getMessage());
    assertThrows(
        IllegalArgumentException.class,
        () -> perceiver.choose(PICTURE, QUESTION, "yes", "no " + question.strip() + "<s>"));
  }

  @Test
  void refusesEverythingElseThatIsWrong() {
    assertThrows(NullPointerException.class, () -> perceiver.describe((Image) null));
    assertThrows(NullPointerException.class, () -> perceiver.redraw(PICTURE, null));
    assertThrows(IllegalArgumentException.class, () -> perceiver.ask(PICTURE, null));
    for (List<String> options : List.of(List.<String>of(), List.of("yes"), List.of("a", "a"))) {
      IllegalArgumentException refused =
          assertThrows(
              IllegalArgumentException.class, () -> perceiver.choose(PICTURE, QUESTION, options));
      assertTrue(refused.getMessage().startsWith("options must "), refused.getMessage());
    }
    String endless = "dog ".repeat(100_000);
    assertThrows(IllegalArgumentException.class, () -> perceiver.ask(PICTURE, endless));
  }

  @Test
  void aQuestionIsNeverTakenForAPlaceOfThePrompt() {
    Answer answer = perceiver.ask(PICTURE, "{image} {question}");
    assertTrue(answer.probability() > 0);
  }

  @Test
  void weightsStoredInSixteenBitsGiveNearlyTheSame(@TempDir Path half) throws IOException {
    ModelFolder.write(
        half,
        TinyDeem.description(TinyDeem.config(5)),
        TinyDeem.weights(TinyDeem.config(5)),
        io.deem.weights.ElementType.BF16,
        TinyDeem.tokenizer());
    try (Deem opened = Deem.open(half)) {
      double[] full = losses(perceiver);
      assertArrayEquals(full, losses(opened.perceiver()), 0.1 * full[0]);
    }
  }

  private static double[] losses(Perceiver eyes) {
    Fidelity fidelity = eyes.fidelity(PICTURE);
    return new double[] {fidelity.loss(), fidelity.blindLoss()};
  }
}
