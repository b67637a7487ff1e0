package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import io.deem.Cancellation;
import io.deem.MemoryEstimate;
import io.deem.ProgressListener;
import io.deem.Stage;
import io.deem.Trainer;
import io.deem.TrainingReport;
import io.deem.lora.AdapterFile;
import io.deem.model.ModelFolder;
import io.deem.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StageTrainingTest {

  @TempDir static Path shared;
  private static Path model;
  private static Path data;

  @TempDir Path folder;

  @BeforeAll
  static void write() throws IOException {
    model = TinyModel.write(shared.resolve("tiny"));
    data = TinyModel.data(shared.resolve("data"), 12, 1);
  }

  private static Trainer trainer(Path out) {
    return new Trainer(new StageTraining(model))
        .data(data)
        .output(out)
        .steps(6)
        .batch(2)
        .accumulation(2)
        .checkpointEvery(2)
        .redraws(0)
        .seed(11);
  }

  private static TrainingReport train(Trainer trainer) throws IOException {
    return trainer.train(ProgressListener.NONE, new Cancellation());
  }

  @Test
  void aTrainingLeavesAModelAndSaysHowItWent() throws IOException {
    Path heldOut = TinyModel.data(folder.resolve("held-out"), 4, 2);
    Path out = folder.resolve("run");
    TrainingReport report = train(trainer(out).validation(heldOut).redraws(1));
    assertEquals(6, report.steps());
    assertEquals(List.of(), report.skipped());
    assertTrue(report.before().containsKey("fidelityLoss"), report.before().toString());
    assertTrue(report.after().get("validationLoss") < report.before().get("validationLoss"));
    try (ModelFolder trained = ModelFolder.open(report.model());
        ModelFolder parent = ModelFolder.open(model)) {
      var provenance = trained.description().provenance();
      assertEquals("tiny", provenance.get("parent"));
      assertEquals("11", provenance.get("seed"));
      assertTrue(provenance.get("recipe").contains("\"conditionDropout\":0.1"));
      assertTrue(provenance.get("versions").contains("libtorch"), provenance.get("versions"));
      assertTrue(provenance.keySet().stream().anyMatch(name -> name.startsWith("data 0")));
      String frozen = "mm_decoder.embed_tokens.weight";
      assertArrayEquals(parent.weights().floats(frozen), trained.weights().floats(frozen));
      String learnt = "visual_tokenizer.proj_t.weight";
      assertFalse(
          java.util.Arrays.equals(
              parent.weights().floats(learnt), trained.weights().floats(learnt)));
    }
    List<String> metrics = Files.readAllLines(out.resolve("metrics.jsonl"));
    assertEquals(7, metrics.size(), "before the first step, and after each");
    assertTrue(JsonParser.parseString(metrics.get(3)).getAsJsonObject().has("consistency"));
    String page = Files.readString(out.resolve("report.html"));
    assertTrue(page.contains("<polyline") && page.contains("data:image/png;base64,"));
    assertFalse(page.contains("http://") || page.contains("https://"), "needs no other file");
    try (Stream<Path> files = Files.list(out)) {
      assertTrue(files.anyMatch(file -> file.getFileName().toString().contains("tfevents")));
    }
  }

  @Test
  void aRunThatWasStoppedEndsWithTheSameBits() throws IOException {
    TrainingReport whole = train(trainer(folder.resolve("whole")));
    Path out = folder.resolve("stopped");
    Cancellation stop = new Cancellation();
    assertThrows(
        CancellationException.class,
        () ->
            trainer(out)
                .train(
                    progress -> {
                      if (progress.step() == 3) {
                        stop.cancel();
                      }
                    },
                    stop));
    TrainingReport resumed = train(trainer(out).resume(true));
    assertEquals(3, resumed.resumedAt());
    assertSameBits(whole.model(), resumed.model());
    List<String> metrics = Files.readAllLines(out.resolve("metrics.jsonl"));
    assertEquals(6, metrics.size(), "every step once");
  }

  @Test
  void whatFrozenPartsMakeOfPicturesIsKeptFromRunToRun() throws IOException {
    Path cache = folder.resolve("cache");
    Stage tuning = Stage.IMAGE_TEXT_TUNING; // freezes the encoder too
    TrainingReport plain = train(trainer(folder.resolve("plain")).stage(tuning));
    TrainingReport first = train(trainer(folder.resolve("first")).stage(tuning).cache(cache));
    List<Path> kept = files(cache);
    assertEquals(2, kept.size(), "latents and features: " + kept);
    for (Path file : kept) {
      byte[] before = Files.readAllBytes(file);
      TrainingReport next =
          train(trainer(folder.resolve("with " + file.getFileName())).stage(tuning).cache(cache));
      assertSameBits(first.model(), next.model());
      assertArrayEquals(before, Files.readAllBytes(file), "nothing was computed again");
      Files.delete(file);
      next = train(trainer(folder.resolve("no " + file.getFileName())).stage(tuning).cache(cache));
      assertSameBits(first.model(), next.model());
    }
    // Without stochastic depth in the tiny encoder's frozen layers: close, not equal.
    double loss = plain.before().get("consistency");
    assertEquals(loss, first.before().get("consistency"), 0.05 * loss);
    refused("another kept pictures", trainer(folder.resolve("first")).stage(tuning).resume(true));
  }

  @Test
  void adaptersLearnInPlaceOfTheLanguageModel() throws IOException {
    Path out = folder.resolve("whole");
    Trainer lora = trainer(out).stage(Stage.IMAGE_TEXT_TUNING).lora(2);
    TrainingReport whole = train(lora);
    String adapted = "mm_decoder.layers.0.self_attn.q_proj.weight";
    String stays = "mm_decoder.layers.0.input_layernorm.weight";
    try (ModelFolder trained = ModelFolder.open(whole.model());
        ModelFolder parent = ModelFolder.open(model);
        AdapterFile adapters = AdapterFile.open(out.resolve("adapters.safetensors"))) {
      float[] before = parent.weights().floats(adapted);
      float[] after = trained.weights().floats(adapted);
      assertFalse(java.util.Arrays.equals(before, after));
      assertArrayEquals(parent.weights().floats(stays), trained.weights().floats(stays));
      assertEquals(2, adapters.adaptation().rank());
      assertArrayEquals(after, adapters.mergedInto(parent.weights()).floats(adapted));
    }
    // Stopped and resumed: the factors are in the checkpoints.
    Path stopped = folder.resolve("stopped");
    Cancellation stop = new Cancellation();
    Trainer again = lora.output(stopped);
    assertThrows(CancellationException.class, () -> again.train(progress -> stop.cancel(), stop));
    assertSameBits(whole.model(), train(again.resume(true)).model());
    refused("another recipe.adapters.", lora.lora(3).resume(true));

    MemoryEstimate little = lora.estimate();
    MemoryEstimate much = trainer(out).stage(Stage.IMAGE_TEXT_TUNING).estimate();
    assertTrue(little.parts().get("gradients") < much.parts().get("gradients"), little.toString());
  }

  @Test
  void anyLinearLayerCanBeAdaptedButTheAutoencoders() throws IOException {
    Path recipe = folder.resolve("recipe.json");
    Files.writeString(
        recipe,
        "{\"adapters\": {\"rank\": 1, \"alpha\": 2, \"dropout\": 0, \"layers\": \"to_q|fc1\"}}");
    Path out = folder.resolve("run");
    train(trainer(out).recipe(recipe).steps(1));
    try (AdapterFile adapters = AdapterFile.open(out.resolve("adapters.safetensors"));
        SafetensorsFile file = SafetensorsFile.open(out.resolve("adapters.safetensors"))) {
      assertTrue(file.names().stream().anyMatch(name -> name.contains("encoder.unet.")));
      assertTrue(file.names().stream().anyMatch(name -> name.contains("sniffer.")));
      assertTrue(file.names().stream().noneMatch(name -> name.contains(".vae.")));
      assertEquals(2, adapters.adaptation().scale());
    }
    Files.writeString(
        recipe,
        "{\"adapters\": {\"rank\": 1, \"alpha\": 2, \"dropout\": 0, \"layers\": \"nothing\"}}");
    refused("finds no linear layer: nothing", trainer(folder.resolve("no")).recipe(recipe));
    Files.writeString(
        recipe, "{\"adapters\": {\"rank\": 1, \"alpha\": 2, \"dropout\": 0, \"layers\": \"(\"}}");
    refused("is no regular expression", trainer(folder.resolve("no")).recipe(recipe));
  }

  private static List<Path> files(Path of) throws IOException {
    try (Stream<Path> files = Files.list(of)) {
      return files.sorted().toList();
    }
  }

  @Test
  void latentsAreKeptWhereTheEncoderLearns() throws IOException {
    Path cache = folder.resolve("cache");
    TrainingReport plain = train(trainer(folder.resolve("plain")));
    TrainingReport kept = train(trainer(folder.resolve("kept")).cache(cache));
    assertEquals(1, files(cache).size());
    assertTrue(files(cache).get(0).getFileName().toString().startsWith("latents-"));
    assertEquals(plain.after().get("loss"), kept.after().get("loss"), 1e-3);
  }

  @Test
  void whatDoesNotBelongToTheRunIsRefused() throws IOException {
    Path out = folder.resolve("run");
    train(trainer(out).steps(2));
    refused("has a run already", trainer(out).steps(2));
    refused("has no run to resume", trainer(folder.resolve("nothing")).resume(true));
    refused("another recipe.steps: 2, now 4", trainer(out).steps(4).resume(true));
    refused("another seed: 11, now 12", trainer(out).steps(2).seed(12).resume(true));
    refused(
        "another stage: image-text alignment, now image-text tuning",
        trainer(out).steps(2).stage(Stage.IMAGE_TEXT_TUNING).resume(true));
    Path picture = data.resolve("p3.png");
    byte[] before = Files.readAllBytes(picture);
    Files.copy(data.resolve("p4.png"), picture, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    try {
      refused("another data 0 ", trainer(out).steps(2).resume(true));
    } finally {
      Files.write(picture, before);
    }
    Path weights = out.resolve("checkpoints/step-00000002/model.safetensors");
    long size = Files.size(weights);
    try (var channel = Files.newByteChannel(weights, StandardOpenOption.WRITE)) {
      channel.truncate(size - 5);
    }
    refused("has " + (size - 5) + " bytes, not " + size, trainer(out).steps(2).resume(true));
  }

  private static void refused(String reason, Trainer trainer) {
    IOException refused = assertThrows(IOException.class, () -> train(trainer));
    assertTrue(refused.getMessage().contains(reason), refused.getMessage());
    assertEquals(1, refused.getMessage().lines().count());
  }

  @Test
  void aFullDiskLeavesTheLastCheckpointWhole() throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    Process mount =
        new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk.toString())
            .redirectErrorStream(true)
            .start();
    org.junit.jupiter.api.Assumptions.assumeTrue(mount.waitFor() == 0, "only root may mount");
    try {
      Path out = disk.resolve("run");
      IOException full =
          assertThrows(
              IOException.class,
              () -> train(trainer(out).keepCheckpoints(100).checkpointEvery(1).steps(60)));
      assertTrue(full.getMessage().contains("No space left on device"), full.getMessage());
      assertEquals(1, full.getMessage().lines().count());
      Path newest = new Checkpoints(out.resolve("checkpoints"), 1).newest().orElseThrow();
      assertTrue(full.getMessage().contains(newest.getFileName().toString()), full.getMessage());
      try (Stream<Path> left = Files.list(out.resolve("checkpoints"))) {
        assertTrue(left.allMatch(path -> path.getFileName().toString().matches("step-\\d{8}")));
      }
      long step = Checkpoints.describe(newest).step();
      try (Stream<Path> left = Files.list(out.resolve("checkpoints"))) {
        for (Path old : left.filter(path -> !path.equals(newest)).toList()) {
          for (String file : List.of("model.safetensors", "optimizer.safetensors", "state.json")) {
            Files.delete(old.resolve(file));
          }
          Files.delete(old);
        }
      }
      Cancellation stop = new Cancellation();
      long[] first = new long[1];
      assertThrows(
          CancellationException.class,
          () ->
              trainer(out)
                  .keepCheckpoints(100)
                  .checkpointEvery(1)
                  .steps(60)
                  .resume(true)
                  .train(
                      progress -> {
                        first[0] = progress.step();
                        stop.cancel();
                      },
                      stop));
      assertEquals(step + 1, first[0], "went on from the last whole one");
    } finally {
      // Checkpoints that were read stay mapped for a while.
      new ProcessBuilder("umount", "-l", disk.toString()).start().waitFor();
    }
  }

  @Test
  void memoryIsEstimatedByPartAndCheckpointingTakesLess() throws IOException {
    MemoryEstimate plain = trainer(folder.resolve("none")).estimate();
    MemoryEstimate cut = trainer(folder.resolve("none")).gradientCheckpointing(true).estimate();
    MemoryEstimate small = trainer(folder.resolve("none")).eightBitMoments(true).estimate();
    assertTrue(ofTheStep(plain) > ofTheStep(cut), plain.parts() + " and " + cut.parts());
    assertTrue(plain.parts().get("optimiser") > 3 * small.parts().get("optimiser"));
    assertFalse(Files.exists(folder.resolve("none")), "nothing was written");
  }

  /** What a step takes; what the process takes already differs from one call to the next. */
  private static long ofTheStep(MemoryEstimate estimate) {
    return estimate.parts().entrySet().stream()
        .filter(part -> !part.getKey().startsWith("process") && !part.getKey().equals("Java heap"))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  static void assertSameBits(Path expected, Path actual) throws IOException {
    assertEquals(
        -1,
        Files.mismatch(expected.resolve("model.safetensors"), actual.resolve("model.safetensors")));
  }
}
