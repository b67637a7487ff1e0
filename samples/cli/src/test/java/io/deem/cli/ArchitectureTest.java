package io.deem.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static java.util.Map.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Holds the direction of dependencies between the packages of all modules, the way
 * docs/architecture.md describes it. This module sees every other one, so the test lives here.
 */
class ArchitectureTest {
  private static final Set<String> API = Set.of("io.deem", "io.deem.spi");

  /** The library below the engines: what each package may use of it, besides itself and the API. */
  private static final Map<String, Set<String>> CORE =
      Map.ofEntries(
          entry("io.deem.portable", Set.of()),
          entry("io.deem.json", Set.of()),
          entry("io.deem.random", Set.of()),
          entry("io.deem.weights.pickle", Set.of("io.deem.json")),
          entry("io.deem.weights", Set.of("io.deem.json", "io.deem.weights.pickle")),
          entry("io.deem.weights.quantized", Set.of("io.deem.json", "io.deem.weights")),
          entry("io.deem.graph", Set.of("io.deem.weights")),
          entry("io.deem.nn", Set.of("io.deem.graph")),
          entry("io.deem.text", Set.of("io.deem.json", "io.deem.weights")),
          entry("io.deem.image", Set.of("io.deem.graph")),
          entry("io.deem.lora", Set.of("io.deem.graph", "io.deem.random", "io.deem.weights")),
          entry("io.deem.diffusion", Set.of("io.deem.graph", "io.deem.random")),
          entry("io.deem.generation", Set.of("io.deem.graph", "io.deem.random")),
          entry(
              "io.deem.text.prompt",
              Set.of(
                  "io.deem.graph",
                  "io.deem.text",
                  "io.deem.image",
                  "io.deem.random",
                  "io.deem.generation")),
          entry(
              "io.deem.model",
              Set.of(
                  "io.deem.graph",
                  "io.deem.nn",
                  "io.deem.json",
                  "io.deem.text",
                  "io.deem.image",
                  "io.deem.weights",
                  "io.deem.random",
                  "io.deem.diffusion")),
          entry(
              "io.deem.imports",
              Set.of(
                  "io.deem.graph",
                  "io.deem.json",
                  "io.deem.text",
                  "io.deem.weights",
                  "io.deem.diffusion",
                  "io.deem.model")),
          entry(
              "io.deem.perception",
              Set.of(
                  "io.deem.graph",
                  "io.deem.nn",
                  "io.deem.json",
                  "io.deem.random",
                  "io.deem.weights",
                  "io.deem.text",
                  "io.deem.image",
                  "io.deem.diffusion",
                  "io.deem.generation",
                  "io.deem.model")),
          entry(
              "io.deem.verify",
              Set.of(
                  "io.deem.graph",
                  "io.deem.nn",
                  "io.deem.json",
                  "io.deem.random",
                  "io.deem.weights",
                  "io.deem.text",
                  "io.deem.text.prompt",
                  "io.deem.image",
                  "io.deem.diffusion",
                  "io.deem.generation",
                  "io.deem.model",
                  "io.deem.perception")));

  /** The packages above the core: the whole core and API, and these. */
  private static final Map<String, Set<String>> ABOVE_CORE =
      Map.ofEntries(
          entry("io.deem.torch", Set.of()),
          entry("io.deem.ort", Set.of()),
          entry("io.deem.onnx", Set.of("io.deem.ort")),
          entry("io.deem.runtime.exported", Set.of("io.deem.ort")),
          entry("io.deem.desktop", Set.of()),
          entry("io.deem.training.data", Set.of()),
          entry(
              "io.deem.training",
              Set.of("io.deem.torch", "io.deem.desktop", "io.deem.training.data")),
          entry("io.deem.training.alignment", Set.of("io.deem.torch", "io.deem.training")),
          entry("io.deem.training.evaluation", Set.of("io.deem.desktop", "io.deem.training.data")),
          entry(
              "io.deem.training.verify",
              Set.of(
                  "io.deem.torch",
                  "io.deem.desktop",
                  "io.deem.training",
                  "io.deem.training.evaluation")),
          entry(
              "io.deem.runtime",
              Set.of("io.deem.torch", "io.deem.training", "io.deem.training.alignment")),
          entry(
              "io.deem.runtime.cpu",
              Set.of(
                  "io.deem.torch",
                  "io.deem.ort",
                  "io.deem.onnx",
                  "io.deem.desktop",
                  "io.deem.training",
                  "io.deem.runtime")),
          entry(
              "io.deem.runtime.gpu",
              Set.of("io.deem.torch", "io.deem.desktop", "io.deem.training", "io.deem.runtime")),
          entry(
              "io.deem.runtime.gpu.proof",
              Set.of("io.deem.torch", "io.deem.training", "io.deem.runtime.gpu")),
          entry("io.deem.mini", Set.of()),
          entry(
              "io.deem.mini.recipe",
              Set.of(
                  "io.deem.mini",
                  "io.deem.torch",
                  "io.deem.training",
                  "io.deem.training.alignment",
                  "io.deem.training.evaluation")),
          entry("io.deem.quickstart", Set.of("io.deem.mini")),
          entry(
              "io.deem.bench",
              Set.of(
                  "io.deem.torch",
                  "io.deem.ort",
                  "io.deem.onnx",
                  "io.deem.runtime.cpu",
                  "io.deem.training")),
          entry("io.deem.bench.jmh_generated", Set.of("io.deem.bench")),
          entry(
              "io.deem.cli",
              Set.of(
                  "io.deem.torch",
                  "io.deem.onnx",
                  "io.deem.desktop",
                  "io.deem.training",
                  "io.deem.training.data",
                  "io.deem.training.evaluation",
                  "io.deem.runtime.cpu",
                  "io.deem.bench",
                  "io.deem.runtime.gpu",
                  "io.deem.runtime.gpu.proof",
                  "io.deem.mini")));

  private static final JavaClasses DEEM =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.deem");

  static Set<String> packages() {
    return DEEM.stream()
        .map(JavaClass::getPackageName)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyPackageHasItsPlace() {
    Set<String> strangers = new TreeSet<>(packages());
    strangers.removeIf(name -> API.contains(name) || placeOf(name) != null);
    assertEquals(Set.of(), strangers, "packages without a place in this test");
    assertTrue(DEEM.size() > 0, "no class of io.deem on the class path");
  }

  @ParameterizedTest
  @MethodSource("packages")
  void usesOnlyThePackagesBelowIt(String name) {
    noClasses()
        .that()
        .resideInAPackage(name)
        .should()
        .dependOnClassesThat(
            is(
                "are DEEM classes outside of what " + name + " may use",
                type -> misplaced(name, type)))
        .check(DEEM);
  }

  @Test
  void theApiUsesTheJdkAndSlf4jOnly() {
    noClasses()
        .that()
        .resideInAnyPackage(API.toArray(String[]::new))
        .should()
        .dependOnClassesThat()
        .resideOutsideOfPackages("java..", "io.deem", "io.deem.spi", "org.slf4j..")
        .allowEmptyShould(true)
        .check(DEEM);
  }

  @Test
  void apiAndCoreRunOnAndroid() {
    noClasses()
        .that(is("live in the API or in the core", type -> isApiOrCore(type.getPackageName())))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "java.awt..", "javax.imageio..", "javax.swing..", "java.lang.management..")
        .allowEmptyShould(true)
        .check(DEEM);
  }

  @Test
  void theCoreKnowsNoEngine() {
    noClasses()
        .that(is("live in the API or in the core", type -> isApiOrCore(type.getPackageName())))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "ai.djl.engine..", "ai.djl.pytorch..", "ai.djl.ndarray..", "ai.onnxruntime..")
        .allowEmptyShould(true)
        .check(DEEM);
  }

  @Test
  void onnxRuntimeNeedsNoOtherEngineAndRunsOnAndroid() {
    noClasses()
        .that()
        .resideInAnyPackage("io.deem.ort..", "io.deem.onnx..", "io.deem.runtime.exported..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "ai.djl..",
            "java.awt..",
            "javax.imageio..",
            "javax.swing..",
            "java.lang.management..",
            "java.lang.foreign..")
        .check(DEEM);
  }

  @Test
  void exportedModelsReachNoCompiler() {
    noClasses()
        .that()
        .resideInAnyPackage("io.deem.ort..", "io.deem.runtime.exported..")
        .should()
        .transitivelyDependOnClassesThat()
        .resideInAnyPackage(
            "io.deem.onnx..",
            "io.deem.torch..",
            "io.deem.training..",
            "ai.onnx.proto..",
            "com.google.protobuf..",
            "com.github.benmanes..",
            "ai.djl.pytorch..")
        .check(DEEM);
  }

  @Test
  void theTokenizerLibraryStaysBehindItsPackage() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.deem.text")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.djl.huggingface..")
        .check(DEEM);
  }

  private static boolean misplaced(String user, JavaClass used) {
    String name = used.getPackageName();
    if (!isDeem(name) || name.equals(user) || API.contains(name)) {
      return false;
    }
    if (name.equals("io.deem.portable") && !API.contains(user)) {
      return false;
    }
    if (CORE.containsKey(name) && ABOVE_CORE.containsKey(user)) {
      return false;
    }
    Set<String> mayUse = placeOf(user);
    return mayUse == null || !mayUse.contains(name);
  }

  private static Set<String> placeOf(String name) {
    return CORE.containsKey(name) ? CORE.get(name) : ABOVE_CORE.get(name);
  }

  private static boolean isApiOrCore(String name) {
    return API.contains(name) || CORE.containsKey(name);
  }

  private static boolean isDeem(String name) {
    return name.equals("io.deem") || name.startsWith("io.deem.");
  }

  private static DescribedPredicate<JavaClass> is(String description, Predicate<JavaClass> test) {
    return DescribedPredicate.describe(description, test);
  }
}
