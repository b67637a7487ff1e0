package io.deem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.AlignmentReport.Evaluation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AlignerTest {

  private static final Image WHITE = Image.ofRgb(1, 1, new byte[] {-1, -1, -1});

  @TempDir Path folder;

  @Test
  void eachSettingMakesAnotherAligner() throws IOException {
    List<AlignmentPlan> plans = new ArrayList<>();
    Aligner plain =
        new Aligner(
            (plan, listener, cancellation) -> {
              plans.add(plan);
              return null;
            });
    Aligner set =
        plain
            .strategy(AlignmentStrategy.GENHANCER)
            .images(List.of(WHITE))
            .steps(7)
            .batchSize(3)
            .learningRate(0.5)
            .seed(9)
            .heldOut(0.25)
            .evaluateEvery(2)
            .mostBroken(0.1)
            .work(folder);
    set.align();
    AlignmentPlan plan = plans.get(0);
    assertEquals(
        new AlignmentPlan(
            AlignmentStrategy.GENHANCER, plan.images(), 7, 3, 0.5, 9, 0.25, 2, 0.1, folder),
        plan);
    assertEquals(1, plan.images().size());
    assertEquals(AlignmentPlan.DEFAULT, plain.plan());
  }

  @Test
  void aBrokenRuleIsSaidAtOnce() {
    Aligner aligner = new Aligner((plan, listener, cancellation) -> null);
    assertEquals(
        "steps must be at least 1, not 0",
        assertThrows(IllegalArgumentException.class, () -> aligner.steps(0)).getMessage());
    assertThrows(IllegalArgumentException.class, () -> aligner.batchSize(0));
    assertThrows(IllegalArgumentException.class, () -> aligner.learningRate(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> aligner.heldOut(1));
    assertThrows(IllegalArgumentException.class, () -> aligner.heldOut(0));
    assertThrows(IllegalArgumentException.class, () -> aligner.evaluateEvery(-1));
    assertThrows(IllegalArgumentException.class, () -> aligner.mostBroken(2));
    assertThrows(NullPointerException.class, () -> aligner.strategy(null));
    assertEquals(
        "no images were given to align to",
        assertThrows(IllegalStateException.class, aligner::align).getMessage());
  }

  @Test
  void aFolderGivesItsPicturesInOrder() throws IOException {
    Files.createDirectories(folder.resolve("b"));
    for (String name : List.of("b/2.PNG", "b/1.jpeg", "c.webp", "a.bmp", "notes.txt", "png")) {
      Files.write(folder.resolve(name), new byte[] {1});
    }
    ImageSet images = ImageSet.in(folder);
    List<String> names = new ArrayList<>();
    for (int i = 0; i < images.size(); i++) {
      names.add(folder.relativize(Path.of(images.name(i))).toString().replace('\\', '/'));
    }
    assertEquals(List.of("a.bmp", "b/1.jpeg", "b/2.PNG", "c.webp"), names);
    assertThrows(NoSuchFileException.class, () -> ImageSet.in(folder.resolve("none")));
  }

  @Test
  void strategiesHaveNames() {
    for (AlignmentStrategy strategy : AlignmentStrategy.values()) {
      assertEquals(strategy, AlignmentStrategy.named(strategy.toString()));
    }
    assertEquals(AlignmentStrategy.DEEM, AlignmentStrategy.named("Deem"));
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> AlignmentStrategy.named("clip"))
            .getMessage()
            .contains("'clip'"));
  }

  @Test
  void aReportWritesItself() throws IOException {
    AlignmentReport report =
        new AlignmentReport(
            AlignmentStrategy.DIVA,
            3,
            10,
            4,
            1e-3,
            90,
            10,
            List.of("a \"b\"\\\n.png"),
            "00ff",
            "mini",
            1234567890123L,
            new Fidelity(0.5, 1, 0.5),
            new Fidelity(0.25, 1, 0.75),
            5,
            List.of(new Evaluation(0, new Fidelity(0.5, 1, 0.5))),
            Duration.ofMillis(1500));
    String expected =
        "{\"strategy\":\"diva\",\"seed\":3,\"steps\":10,\"batchSize\":4,\"learningRate\":0.001,"
            + "\"trainingImages\":90,\"heldOutImages\":10,"
            + "\"unreadable\":[\"a \\\"b\\\"\\\\\\u000a.png\"],\"dataChecksum\":\"00ff\","
            + "\"parent\":\"mini\",\"movedWeights\":1234567890123,"
            + "\"before\":{\"loss\":0.5,\"blindLoss\":1,\"gain\":0.5},"
            + "\"after\":{\"loss\":0.25,\"blindLoss\":1,\"gain\":0.75},\"bestStep\":5,"
            + "\"evaluations\":[{\"step\":0,\"fidelity\":"
            + "{\"loss\":0.5,\"blindLoss\":1,\"gain\":0.5}}],\"seconds\":1.5}";
    assertEquals(expected, report.json());
    Path file = folder.resolve("report.json");
    report.write(file);
    assertEquals(expected + "\n", Files.readString(file));
  }
}
