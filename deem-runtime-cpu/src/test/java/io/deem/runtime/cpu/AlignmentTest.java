package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Aligner;
import io.deem.Alignment;
import io.deem.AlignmentReport;
import io.deem.AlignmentStrategy;
import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.Fidelity;
import io.deem.Image;
import io.deem.ImageSet;
import io.deem.ProgressListener;
import io.deem.cases.TinyDeem;
import io.deem.graph.Param;
import io.deem.model.ModelFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AlignmentTest {

  private static final int STEPS = 6;

  @TempDir static Path model;
  @TempDir Path folder;

  private static Deem deem;

  @BeforeAll
  static void open() throws IOException {
    TinyDeem.write(model, TinyDeem.config(5));
    deem = Deem.open(model);
  }

  @AfterAll
  static void close() {
    deem.close();
  }

  private static List<Image> pictures() {
    List<Image> pictures = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      pictures.add(TinyDeem.picture(64, 64, i));
    }
    return pictures;
  }

  private static Aligner aligner(AlignmentStrategy strategy) {
    // Random weights have no fine structure to break, so that coarse steps show an effect.
    return deem.aligner()
        .strategy(strategy)
        .images(pictures())
        .steps(STEPS)
        .batchSize(2)
        .learningRate(0.01)
        .heldOut(0.2)
        .evaluateEvery(1);
  }

  private static TreeSet<String> changed(Path aligned) throws IOException {
    TreeSet<String> changed = new TreeSet<>();
    try (ModelFolder before = ModelFolder.open(model);
        ModelFolder after = ModelFolder.open(aligned)) {
      assertEquals(before.description().architecture(), after.description().architecture());
      for (Param param : before.network().params()) {
        String name = param.name();
        assertEquals(before.weights().info(name).type(), after.weights().info(name).type());
        if (!Arrays.equals(before.weights().floats(name), after.weights().floats(name))) {
          changed.add(name);
        }
      }
    }
    return changed;
  }

  @ParameterizedTest
  @EnumSource(AlignmentStrategy.class)
  void movesTheEncoderAndKeepsTheBest(AlignmentStrategy strategy) throws IOException {
    List<String> stages = new ArrayList<>();
    Path saved = folder.resolve("aligned");
    boolean improved;
    try (Alignment alignment = aligner(strategy).align(p -> stages.add(p.stage()))) {
      AlignmentReport report = alignment.report();
      assertEquals(STEPS, stages.size());
      assertEquals(8, report.trainingImages());
      assertEquals(2, report.heldOutImages());
      double best =
          report.evaluations().stream().mapToDouble(e -> e.fidelity().loss()).min().orElseThrow();
      assertEquals(best, report.after().loss(), 1e-4);
      assertTrue(report.after().loss() <= report.before().loss() + 1e-4);
      double last = report.evaluations().get(report.evaluations().size() - 1).fidelity().loss();
      assertNotEquals(report.before().loss(), last, "nothing moved");
      if (strategy == AlignmentStrategy.DEEM) {
        // It learns the very loss that is measured.
        assertTrue(report.bestStep() > 0, "nothing did better: " + report.evaluations());
      }
      improved = report.bestStep() > 0;
      alignment.save(saved);
    }
    assertTrue(Files.exists(saved.resolve("alignment.json")));
    TreeSet<String> changed = changed(saved);
    assertEquals(improved, !changed.isEmpty());
    for (String name : changed) {
      boolean encoder = name.startsWith("visual_tokenizer.sniffer.");
      boolean eyes =
          name.startsWith("visual_tokenizer.")
              && !name.startsWith("visual_tokenizer.encoder.")
              && !name.contains("proj_t");
      assertTrue(strategy == AlignmentStrategy.DEEM ? eyes : encoder, name + " moved");
    }
    try (Deem aligned = Deem.open(saved)) {
      assertEquals(strategy.toString(), aligned.info().provenance().get("alignment"));
      assertEquals("7", aligned.info().provenance().get("parent.seed"));
      assertTrue(aligned.info().provenance().get("parent").startsWith("tiny sha256:"));
      assertTrue(aligned.info().provenance().get("data").contains("sha256:"));
    }
  }

  @Test
  void appliesToTheOpenModelOnlyWhenAsked(@TempDir Path own) throws IOException {
    TinyDeem.write(own, TinyDeem.config(5));
    Image picture = TinyDeem.picture(64, 64, 77);
    Path saved = folder.resolve("aligned");
    try (Deem open = Deem.open(own)) {
      Fidelity before = open.perceiver().fidelity(picture);
      try (Alignment alignment =
          open.aligner()
              .images(pictures())
              .steps(STEPS)
              .learningRate(0.01)
              .evaluateEvery(1)
              .align()) {
        assertTrue(alignment.report().bestStep() > 0);
        assertEquals(before, open.perceiver().fidelity(picture));
        alignment.save(saved);
        alignment.apply();
        Fidelity after = open.perceiver().fidelity(picture);
        assertNotEquals(before, after);
        try (Deem reopened = Deem.open(saved)) {
          assertEquals(reopened.perceiver().fidelity(picture), after);
        }
        assertThrows(IllegalArgumentException.class, () -> alignment.save(own));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(AlignmentStrategy.class)
  void aStoppedRunGoesOnToTheSameBits(AlignmentStrategy strategy) throws IOException {
    Path whole = folder.resolve("whole");
    Path resumed = folder.resolve("resumed");
    Aligner aligner = aligner(strategy).evaluateEvery(2);
    try (Alignment alignment = aligner.align()) {
      alignment.save(whole);
    }
    Aligner stopping = aligner.work(folder.resolve("work"));
    Cancellation cancellation = new Cancellation();
    int[] steps = {0};
    ProgressListener cancelling =
        progress -> {
          if (++steps[0] == 4) {
            cancellation.cancel();
          }
        };
    assertThrows(CancellationException.class, () -> stopping.align(cancelling, cancellation));
    try (Alignment alignment = stopping.align(progress -> steps[0]++)) {
      assertEquals(STEPS, steps[0]);
      alignment.save(resumed);
    }
    try (ModelFolder a = ModelFolder.open(whole);
        ModelFolder b = ModelFolder.open(resumed)) {
      for (Param param : a.network().params()) {
        assertArrayEquals(
            a.weights().floats(param.name()), b.weights().floats(param.name()), param.name());
      }
    }
    IOException refused =
        assertThrows(IOException.class, () -> stopping.seed(5).align(ProgressListener.NONE));
    assertTrue(refused.getMessage().contains("holds another alignment"), refused.getMessage());
  }

  @Test
  void brokenPicturesAreNamedOrStopTheRun() throws IOException {
    for (int i = 0; i < 4; i++) {
      TinyDeem.picture(64, 64, i).write(folder.resolve(i + ".png"));
    }
    Files.write(folder.resolve("broken.png"), new byte[] {1, 2, 3});
    Aligner aligner = deem.aligner().images(folder).steps(1).batchSize(1);
    IOException stopped = assertThrows(IOException.class, aligner::align);
    assertTrue(stopped.getMessage().startsWith("1 of 5 images are unreadable"));
    try (Alignment alignment = aligner.mostBroken(0.2).align()) {
      assertEquals(
          List.of(folder.resolve("broken.png").toString()), alignment.report().unreadable());
    }
    ImageSet one = ImageSet.of(pictures().subList(0, 1));
    assertThrows(IllegalArgumentException.class, () -> deem.aligner().images(one).align());
  }

  @Test
  void aClosedModelIsNotAligned(@TempDir Path own) throws IOException {
    TinyDeem.write(own, TinyDeem.config(5));
    Deem closed = Deem.open(own);
    Aligner aligner = closed.aligner().images(pictures());
    closed.close();
    assertThrows(IllegalStateException.class, aligner::align);
  }
}
