package io.deem.mini.recipe;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The ablation study: does the diffusion model's feedback make the model see better, and is it the
 * diffusion model that does?
 *
 * <pre>{@code Ablation DATA OUT [--seeds N] [--steps N] [--arm ID]...}</pre>
 *
 * An arm that has ended has left its result in OUT and is not run again.
 */
public final class Ablation {

  private record Job(Arm arm, int repetition) {

    Path file(Path out) {
      return out.resolve("arms").resolve(arm.id() + "-" + repetition + ".json");
    }
  }

  private Ablation() {}

  /** Runs the study; what is wrong is one line. */
  public static void main(String[] args) {
    try {
      run(args);
    } catch (IOException | IllegalArgumentException e) {
      System.err.println("ablation: " + e.getMessage());
      System.exit(1);
    }
  }

  private static void run(String[] args) throws IOException {
    if (args.length < 2) {
      usage();
    }
    AblationPlan plan = AblationPlan.standard();
    List<String> chosen = new ArrayList<>();
    for (int i = 2; i < args.length; i += 2) {
      if (i + 1 == args.length) {
        usage();
      }
      switch (args[i]) {
        case "--seeds" -> plan = plan.withSeeds(Integer.parseInt(args[i + 1]));
        case "--steps" -> plan = plan.withSteps(Integer.parseInt(args[i + 1]));
        case "--arm" -> chosen.add(args[i + 1]);
        default -> usage();
      }
    }
    run(Path.of(args[0]), Path.of(args[1]), plan, chosen, System.out);
  }

  private static void usage() {
    System.err.println("usage: Ablation DATA OUT [--seeds N] [--steps N] [--arm ID]...");
    System.exit(2);
  }

  /**
   * Runs what has not been run yet.
   *
   * @param chosen ids of arms; empty for all
   * @param log is told of each arm that ends
   */
  static void run(Path data, Path out, AblationPlan plan, List<String> chosen, PrintStream log)
      throws IOException {
    for (String id : chosen) {
      if (!known(id)) {
        String all =
            Stream.concat(Arm.repeated().stream(), Arm.sweep().stream())
                .map(Arm::id)
                .collect(Collectors.joining(", "));
        throw new IllegalArgumentException("there is no arm '" + id + "'; there are " + all);
      }
    }
    List<Job> jobs = jobs(plan, chosen);
    Files.createDirectories(out.resolve("arms"));
    try (AblationStudy study = new AblationStudy(data, out, plan, log)) {
      ArmRun run = new ArmRun(study);
      for (Job job : jobs) {
        Path file = job.file(out);
        if (done(file, plan)) {
          continue;
        }
        long began = System.nanoTime();
        JsonObject result = run.run(job.arm, job.repetition);
        write(file, result.toString());
        AblationReport.write(out);
        log.printf(
            Locale.ROOT,
            "%s %d: %.0f s, losses %s%n",
            job.arm.id(),
            job.repetition,
            (System.nanoTime() - began) / 1e9,
            result.get("losses"));
      }
    }
  }

  /** Whether a result is there and is of this plan. */
  private static boolean done(Path file, AblationPlan plan) throws IOException {
    if (!Files.exists(file)) {
      return false;
    }
    JsonObject found = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    if (!found.get("plan").getAsString().equals(plan.toString())) {
      throw new IOException(file + " is of another plan: " + found.get("plan").getAsString());
    }
    return true;
  }

  private static boolean known(String id) {
    return Stream.concat(Arm.repeated().stream(), Arm.sweep().stream())
        .anyMatch(arm -> arm.id().equals(id));
  }

  /** The repeated arms, repetition by repetition, then the sweep. */
  private static List<Job> jobs(AblationPlan plan, List<String> chosen) {
    List<Job> jobs = new ArrayList<>();
    for (int repetition = 0; repetition < plan.seeds(); repetition++) {
      for (Arm arm : Arm.repeated()) {
        jobs.add(new Job(arm, repetition));
      }
    }
    Arm.sweep().forEach(arm -> jobs.add(new Job(arm, 0)));
    jobs.removeIf(job -> !chosen.isEmpty() && !chosen.contains(job.arm.id()));
    return jobs;
  }

  static void write(Path file, String text) throws IOException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.writeString(part, text, StandardCharsets.UTF_8);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
