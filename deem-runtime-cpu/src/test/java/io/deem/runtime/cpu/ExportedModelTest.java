package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Chat;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.DiffusionSampler;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Perceiver;
import io.deem.Precision;
import io.deem.Prompt;
import io.deem.RedrawOptions;
import io.deem.Region;
import io.deem.cases.TinyDeem;
import io.deem.model.DeemConfig;
import io.deem.model.MaskPooling;
import io.deem.model.ModelFolder;
import io.deem.model.Prompts;
import io.deem.model.VisualTokenizer;
import io.deem.onnx.OnnxEngine;
import io.deem.onnx.OnnxExport;
import io.deem.training.InitialWeights;
import io.deem.weights.ElementType;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A model written for ONNX Runtime alone does what it did before. */
class ExportedModelTest {

  private static final OnnxEngine ENGINE = new OnnxEngine(1);
  private static final Image PICTURE = TinyDeem.picture(70, 50, 3);
  private static final Image OTHER = TinyDeem.picture(33, 64, 4);
  private static final DeemOptions OPTIONS =
      DeemOptions.defaults().withThreads(1).withPrecision(Precision.FP32);
  private static final DeemOptions EXPORTED = OPTIONS.withRuntime("exported");

  @TempDir Path folder;

  @Test
  void perceivesWithoutTheLibrariesThatWroteIt() throws Exception {
    Path model = folder.resolve("model");
    Path exported = folder.resolve("new/exported");
    TinyDeem.write(model, TinyDeem.config(5));
    int blocks = OnnxExport.write(ENGINE, model, exported);
    try (Stream<Path> files = Files.list(exported.resolve("onnx"))) {
      assertEquals(blocks + 1, files.count());
    }
    try (Stream<Path> files = Files.list(exported.getParent())) {
      assertEquals(List.of(exported), files.toList(), "drafts left behind");
    }
    assertEquals(perceive(model, OPTIONS), perceiveElsewhere(exported));
    assertThrows(FileAlreadyExistsException.class, () -> OnnxExport.write(ENGINE, model, exported));
  }

  /** A region in tokens of its own, a prompt for regions, guidance in two passes. */
  @Test
  void perceivesWithTheOtherFormsOfEveryPart() throws Exception {
    DeemConfig plain = TinyDeem.config(3);
    VisualTokenizer.Config tokenizer =
        new VisualTokenizer.Config(
            plain.visualTokenizer().positionGrid(),
            plain.visualTokenizer().languageWidth(),
            plain.visualTokenizer().conditionWidth(),
            Optional.of(new MaskPooling.Config(16, 8)));
    DeemConfig config =
        new DeemConfig(
            plain.imageSize(),
            plain.drawnSize(),
            plain.special(),
            plain.originalVocabulary(),
            plain.encoder(),
            plain.visualResampler(),
            tokenizer,
            plain.languageModel(),
            plain.contextResampler(),
            plain.autoencoder(),
            plain.denoiser(),
            plain.denoiserResiduals(),
            plain.prediction());
    Prompts prompts =
        new Prompts(
            TinyDeem.PROMPTS.caption(),
            TinyDeem.PROMPTS.question(),
            Optional.of("{image}In {region} is"),
            Optional.of("a {caption}{image}"),
            Optional.empty());
    Path model = folder.resolve("model");
    InitialWeights weights = TinyDeem.weights(config);
    ModelFolder.write(
        model,
        new ModelFolder.Description("tiny", config, prompts, false, Map.of()),
        weights,
        ElementType.BF16,
        TinyDeem.tokenizer());
    Path exported = folder.resolve("exported");
    OnnxExport.write(ENGINE, model, exported);
    assertEquals(perceive(model, OPTIONS), perceive(exported, EXPORTED));
    assertEquals(perceive(model, OPTIONS), perceive(exported, OPTIONS.withRuntime("cpu")));
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT4"})
  void perceivesInFewBits(Precision precision) throws IOException {
    Path model = folder.resolve("model");
    Path exported = folder.resolve("exported");
    TinyDeem.write(model, TinyDeem.config(5));
    DeemOptions few = OPTIONS.withPrecision(precision);
    OnnxSessions.export(model, exported, few);
    assertEquals(perceive(model, few), perceive(exported, few.withRuntime("exported")));
    try (Deem deem = Deem.open(exported, EXPORTED.withPrecision(Precision.AUTO))) {
      String name = precision.name().toLowerCase(Locale.ROOT);
      assertEquals("exported (onnxruntime-" + name + ")", deem.info().runtime());
    }
    // Another runtime keeps its own, and leaves the exported ones alone.
    perceive(exported, few.withRuntime("cpu"));
    perceive(exported, few.withRuntime("exported"));
    assertThrows(IllegalArgumentException.class, () -> Deem.open(exported, EXPORTED));
  }

  @Test
  void saysWhatItCannotDo() throws IOException {
    Path exported = folder.resolve("exported");
    TinyDeem.write(folder.resolve("model"), TinyDeem.config(5));
    OnnxExport.write(ENGINE, folder.resolve("model"), exported);
    try (Deem deem = Deem.open(exported, EXPORTED)) {
      assertEquals("exported (onnxruntime-fp32)", deem.info().runtime());
      assertThrows(UnsupportedOperationException.class, deem::aligner);
      assertThrows(UnsupportedOperationException.class, deem::trainer);
      ImagineOptions large = ImagineOptions.defaults().withSteps(1).withSize(128);
      IllegalArgumentException refused =
          assertThrows(
              IllegalArgumentException.class,
              () -> deem.perceiver().imagine(Prompt.of("a"), large));
      assertTrue(refused.getMessage().startsWith(exported.toRealPath() + ""), refused.getMessage());
    }
    DeemOptions eight = EXPORTED.withPrecision(Precision.INT8);
    assertThrows(IllegalArgumentException.class, () -> Deem.open(exported, eight));
    DeemOptions torch = EXPORTED.withEngine("libtorch");
    assertThrows(IllegalArgumentException.class, () -> Deem.open(exported, torch));
  }

  @Test
  void aFailedExportLeavesNothing() {
    assertThrows(
        IOException.class,
        () -> OnnxExport.write(ENGINE, folder.resolve("none"), folder.resolve("out")));
    assertFalse(Files.exists(folder.resolve("out")));
  }

  /** What a process perceives that has neither libtorch nor the protobuf classes. */
  private String perceiveElsewhere(Path exported) throws Exception {
    Path answer = folder.resolve("answer");
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.matches(".*(pytorch|protobuf|tribuo|caffeine).*"))
            .collect(Collectors.joining(File.pathSeparator));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                classPath,
                ExportedModelTest.class.getName(),
                exported.toString(),
                answer.toString())
            .redirectErrorStream(true)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return Files.readString(answer);
  }

  /** Run by the test, in a process of its own. */
  public static void main(String[] arguments) throws Exception {
    for (String absent : List.of("ai.djl.pytorch.engine.PtEngine", "ai.onnx.proto.OnnxMl")) {
      assertThrows(ClassNotFoundException.class, () -> Class.forName(absent));
    }
    Files.writeString(Path.of(arguments[1]), perceive(Path.of(arguments[0]), EXPORTED));
  }

  private static String perceive(Path model, DeemOptions options) throws IOException {
    try (Deem deem = Deem.open(model, options)) {
      List<String> said = new ArrayList<>();
      said.addAll(text(deem.perceiver()));
      said.addAll(pictures(deem.perceiver()));
      return String.join("\n", said);
    }
  }

  private static List<String> text(Perceiver eyes) {
    Image region = PICTURE.region(Region.box(5, 5, 60, 40));
    // Longer than the room that caches are made with.
    GenerationOptions much = GenerationOptions.defaults().withMaxNewTokens(80).withMinNewTokens(75);
    GenerationOptions beams = GenerationOptions.defaults().withMaxNewTokens(8).withBeams(3);
    Chat chat = eyes.chat();
    List<String> said = new ArrayList<>();
    said.add(eyes.describe(PICTURE).text());
    said.add(eyes.describe(PICTURE, much).text());
    said.add(eyes.describe(region, beams).text());
    eyes.describe(List.of(PICTURE, OTHER, region), beams).forEach(each -> said.add(each.text()));
    said.add(eyes.ask(PICTURE, "Is there a dog?", much.withTemperature(0.9)).text());
    eyes.ask(List.of(PICTURE, region), List.of("a?", "Is there a red cat?"), beams)
        .forEach(each -> said.add(each.text() + " " + each.probability()));
    said.add(
        eyes.choose(PICTURE, "What color is it?", List.of("red", "blue cat", "a green dog"))
            .toString());
    said.add(chat.say("Is there a dog?").text());
    said.add(chat.say(Prompt.of(PICTURE).image(region).text("What color is it?")).text());
    said.add(chat.say("Is it red?").text());
    return said;
  }

  private static List<String> pictures(Perceiver eyes) {
    Image region = OTHER.region(Region.box(3, 3, 30, 60));
    List<String> said = new ArrayList<>();
    said.add(eyes.fidelity(PICTURE).toString());
    said.add(eyes.fidelity(region).toString());
    RedrawOptions redraw = RedrawOptions.defaults().withSteps(2);
    said.add(eyes.redraw(PICTURE, redraw).contentHash());
    said.add(eyes.redraw(region, redraw.withGuidanceScale(3)).contentHash());
    ImagineOptions imagine = ImagineOptions.defaults().withSteps(2);
    for (DiffusionSampler sampler : DiffusionSampler.values()) {
      ImagineOptions way = imagine.withSampler(sampler).withSeed(said.size());
      said.add(eyes.imagine(Prompt.of("a red dog"), way).contentHash());
    }
    said.add(
        eyes.imagine(Prompt.of(PICTURE).image(OTHER).text("a cat"), imagine.withGuidanceScale(1))
            .contentHash());
    return said;
  }
}
