package io.deem.verify;

import io.deem.graph.Engine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Runs the check that fits a fixture. */
public final class Verification {

  /** What checks without an engine print as the engine's name. */
  static final String PLAIN_JAVA = "java";

  private static final List<FixtureCheck> CHECKS =
      List.of(
          new SchedulersCheck(),
          new PreprocessCheck(),
          new TokenizerCheck(),
          new PromptsCheck(),
          new ConvNextCheck(),
          new QFormerCheck(),
          new MmfsCheck(),
          new LlamaCheck(),
          new LlamaMmfsCheck(),
          new VaeCheck(),
          new UNetCheck(),
          new ClipVitCheck(),
          new ClipTextCheck(),
          new VitAdapterCheck(),
          new MaskAlignCheck(),
          new DeemGenerateCheck());

  private Verification() {}

  /**
   * Verifies a fixture: one line for each compared tensor, {@code name engine maxAbs maxRel
   * ok|FAIL}, then {@code N passed, N failed}.
   *
   * @param folder the fixture's folder
   * @param engines what to compute with, one after the other; those on which the fixture's check
   *     does not run are passed over
   * @param scale what all tolerances are multiplied by
   * @param lines takes the lines
   * @return the report; the fixture passed if it is {@link Report#ok()}
   * @throws IOException if the fixture cannot be read
   * @throws IllegalArgumentException if it is of no known kind, or needs an engine and none of
   *     those given can run it
   */
  public static Report run(Path folder, List<Engine> engines, double scale, Consumer<String> lines)
      throws IOException {
    try (Fixture fixture = Fixture.open(folder)) {
      Report report = new Report(scale, lines);
      FixtureCheck check = checkOf(fixture);
      List<Engine> able = engines.stream().filter(check::runsOn).collect(Collectors.toList());
      if (!check.needsEngine()) {
        run(check, fixture, null, report);
      } else if (able.isEmpty()) {
        String given =
            engines.isEmpty()
                ? "there is none"
                : engines.stream().map(Engine::name).collect(Collectors.joining(", "))
                    + " cannot run it";
        throw new IllegalArgumentException(
            folder + ": a fixture of kind " + check.kind() + " needs an engine, and " + given);
      } else {
        for (Engine engine : able) {
          run(check, fixture, engine, report);
        }
      }
      report.end();
      return report;
    }
  }

  private static FixtureCheck checkOf(Fixture fixture) {
    // Checks that need more than an engine come with the module that has it.
    List<FixtureCheck> checks = new ArrayList<>(CHECKS);
    ServiceLoader.load(FixtureCheck.class).forEach(checks::add);
    return checks.stream()
        .filter(check -> check.matches(fixture))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    fixture.folder() + ": does not look like any known kind of fixture"));
  }

  /** One engine's failure must not hide the results of the next. */
  private static void run(FixtureCheck check, Fixture fixture, Engine engine, Report report)
      throws IOException {
    try {
      check.run(fixture, engine, report);
    } catch (RuntimeException e) {
      String reason = String.valueOf(e.getMessage()).split("\\R", 2)[0];
      report.fail(
          check.kind(),
          engine == null ? PLAIN_JAVA : engine.name(),
          e.getClass().getSimpleName() + ": " + reason);
    }
  }
}
