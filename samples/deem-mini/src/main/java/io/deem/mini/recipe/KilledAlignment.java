package io.deem.mini.recipe;

import io.deem.Deem;
import io.deem.mini.DeemMini;
import io.deem.training.SaveOnShutdown;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Shows that a training survives: trains deem-mini's first stage on scenes once without pause, and
 * once in processes that are ended by SIGKILL at random instants, and compares the results byte for
 * byte.
 *
 * <pre>{@code KilledAlignment DATA WORK [KILLS [STEPS [SEED]]]}</pre>
 *
 * WORK must be empty. A process is killed anywhere from its start to twice its share of the steps
 * after its first one, so that the kills spread over the whole run.
 */
public final class KilledAlignment {

  private static final String CHILD = "train";
  private static final long POLL_MILLIS = 20;
  private static final String THREADS = "ai.djl.pytorch.num_threads";

  private KilledAlignment() {}

  /** Runs the comparison; exit code 1 if the results differ. */
  public static void main(String[] args) throws IOException, InterruptedException {
    if (args.length >= 4 && args[0].equals(CHILD)) {
      train(Path.of(args[1]), Path.of(args[2]), Integer.parseInt(args[3]));
      return;
    }
    if (args.length < 2) {
      System.err.println("usage: KilledAlignment DATA WORK [KILLS [STEPS [SEED]]]");
      System.exit(2);
    }
    Path work = Path.of(args[1]);
    int kills = args.length > 2 ? Integer.parseInt(args[2]) : 20;
    int steps = args.length > 3 ? Integer.parseInt(args[3]) : 40;
    Random random = new Random(args.length > 4 ? Long.parseLong(args[4]) : System.nanoTime());
    Path scenes = work.resolve("scenes");
    SceneFolder.write(Path.of(args[0]), scenes, 64, 0);
    Path whole = work.resolve("whole");
    long start = System.nanoTime();
    Process uninterrupted = run(scenes, whole, steps);
    while (uninterrupted.isAlive() && !Files.exists(whole.resolve("metrics.jsonl"))) {
      Thread.sleep(POLL_MILLIS);
    }
    long starting = (System.nanoTime() - start) / 1_000_000;
    if (uninterrupted.waitFor() != 0) {
      throw new IOException("the uninterrupted run failed");
    }
    long took = (System.nanoTime() - start) / 1_000_000;
    long share = Math.max(1, 2 * (took - starting) / Math.max(1, kills));
    System.out.println("uninterrupted: " + steps + " steps in " + took + " ms");
    Path killed = work.resolve("killed");
    int done = 0;
    while (done < kills) {
      long before = size(killed.resolve("metrics.jsonl"));
      Process process = run(scenes, killed, steps);
      if (done % 5 == 4) {
        Thread.sleep(random.nextLong(starting));
      } else {
        awaitStep(process, killed.resolve("metrics.jsonl"), before);
        Thread.sleep(random.nextLong(share));
      }
      if (!process.isAlive()) {
        System.out.println("a process ended before it was killed");
        break;
      }
      process.destroyForcibly().waitFor();
      done++;
      System.out.println("kill " + done + ": checkpoints " + names(killed.resolve("checkpoints")));
    }
    if (run(scenes, killed, steps).waitFor() != 0) {
      throw new IOException("the run that was killed cannot be resumed");
    }
    String file = "model/model.safetensors";
    long different = Files.mismatch(whole.resolve(file), killed.resolve(file));
    System.out.println(
        done
            + " kills, "
            + Files.size(whole.resolve(file))
            + " bytes of weights: "
            + (different < 0 ? "equal" : "different from byte " + different + " on"));
    System.exit(different < 0 ? 0 : 1);
  }

  /** Waits for a step after those that were written down before. */
  private static void awaitStep(Process process, Path metrics, long before)
      throws IOException, InterruptedException {
    while (process.isAlive() && size(metrics) <= before) {
      Thread.sleep(POLL_MILLIS);
    }
  }

  private static long size(Path file) throws IOException {
    return Files.exists(file) ? Files.size(file) : 0;
  }

  private static void train(Path scenes, Path out, int steps) throws IOException {
    try (Deem deem = Deem.open(DeemMini.folder());
        SaveOnShutdown guard = SaveOnShutdown.guard()) {
      deem.trainer()
          .data(scenes)
          .output(out)
          .steps(steps)
          .batch(2)
          .accumulation(1)
          .checkpointEvery(1)
          .redraws(1)
          .seed(Recipe.SEED)
          .resume(Files.exists(out.resolve("run.json")))
          .train(progress -> {}, guard.cancellation());
    }
  }

  private static Process run(Path scenes, Path out, int steps) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.add("-Dai.djl.offline=true");
    String threads = System.getProperty(THREADS);
    if (threads != null) {
      command.add("-D" + THREADS + "=" + threads);
    }
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(KilledAlignment.class.getName());
    command.addAll(List.of(CHILD, scenes.toString(), out.toString(), Integer.toString(steps)));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(
            ProcessBuilder.Redirect.appendTo(
                out.resolveSibling(out.getFileName() + ".log").toFile()))
        .start();
  }

  private static List<String> names(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
