package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs in processes of their own, which are ended from outside. */
class KilledRunTest {

  private static final int STEPS = 12;

  @TempDir Path folder;

  /** The process: trains, or goes on training. */
  public static void main(String[] args) throws IOException {
    Path out = Path.of(args[2]);
    try (SaveOnShutdown guard = SaveOnShutdown.guard()) {
      new Trainer(new StageTraining(Path.of(args[0])))
          .data(Path.of(args[1]))
          .output(out)
          .steps(STEPS)
          .batch(2)
          .accumulation(1)
          .checkpointEvery(1)
          .redraws(0)
          .resume(Files.exists(out.resolve("run.json")))
          .train(progress -> System.out.println("step " + progress.step()), guard.cancellation());
    }
  }

  private Process start(String out) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.add("-Xmx512m");
    command.add("-Dai.djl.pytorch.num_threads=1");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(KilledRunTest.class.getName());
    for (String name : List.of("tiny", "data", out)) {
      command.add(folder.resolve(name).toString());
    }
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve(out + ".log").toFile()))
        .start();
  }

  private String log(String out) throws IOException {
    return Files.readString(folder.resolve(out + ".log"));
  }

  @Test
  void aRunThatIsKilledAnywhereEndsWithTheSameBits() throws Exception {
    TinyModel.write(folder.resolve("tiny"));
    TinyModel.data(folder.resolve("data"), 8, 4);
    Process whole = start("whole");
    assertEquals(0, whole.waitFor(), () -> logged("whole"));

    Process asked = start("killed");
    awaitSteps(asked, "killed", 2);
    asked.destroy();
    asked.waitFor();
    assertTrue(asked.exitValue() != 0);
    long saved = newest("killed");
    assertEquals(saved, steps("killed"), "SIGTERM saved the step that it found");

    for (int kill = 0; kill < 3; kill++) {
      int before = steps("killed");
      Process process = start("killed");
      // Anywhere from right after the start to the middle of a later step or checkpoint.
      awaitSteps(process, "killed", before + kill);
      Thread.sleep(ThreadLocalRandom.current().nextInt(60));
      process.destroyForcibly();
      process.waitFor();
    }
    Process last = start("killed");
    assertEquals(0, last.waitFor(), () -> logged("killed"));
    StageTrainingTest.assertSameBits(folder.resolve("whole/model"), folder.resolve("killed/model"));
  }

  private String logged(String out) {
    try {
      return log(out);
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Steps that processes have reported, those done twice counted once. */
  private int steps(String out) throws IOException {
    return (int) log(out).lines().filter(line -> line.startsWith("step ")).distinct().count();
  }

  private void awaitSteps(Process process, String out, int steps) throws Exception {
    long patience = TimeUnit.MINUTES.toMillis(5);
    for (long waited = 0;
        waited < patience && process.isAlive() && steps(out) < steps;
        waited += 20) {
      Thread.sleep(20);
    }
  }

  private long newest(String out) throws IOException {
    try (Stream<Path> checkpoints = Files.list(folder.resolve(out).resolve("checkpoints"))) {
      return checkpoints
          .map(path -> path.getFileName().toString())
          .filter(name -> name.matches("step-\\d{8}"))
          .mapToLong(name -> Long.parseLong(name.substring(5)))
          .max()
          .orElseThrow();
    }
  }
}
