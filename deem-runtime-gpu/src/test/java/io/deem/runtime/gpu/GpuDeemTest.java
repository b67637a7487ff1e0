package io.deem.runtime.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.Engine;
import io.deem.Answer;
import io.deem.Cancellation;
import io.deem.Choice;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Fidelity;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.ProgressListener;
import io.deem.RedrawOptions;
import io.deem.TrainingSettings;
import io.deem.cases.TinyDeem;
import io.deem.desktop.DesktopImageCodec;
import io.deem.model.ModelFolder;
import io.deem.runtime.EngineDeem;
import io.deem.runtime.FallbackDeem;
import io.deem.spi.RuntimeProvider;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The runtime on the processor, where it runs what a GPU would. */
@ExtendWith(Libtorch.class)
class GpuDeemTest {

  private static final Image PICTURE = TinyDeem.picture(80, 50, 1);
  private static final String QUESTION = "Is there a dog ?";

  @TempDir static Path folder;

  @BeforeAll
  static void write() throws IOException {
    TinyDeem.write(folder, TinyDeem.config(5));
  }

  @BeforeEach
  void onTheProcessor() {
    System.setProperty(GpuRuntimeProvider.DEVICE, "cpu");
  }

  @AfterEach
  void nowhere() {
    System.clearProperty(GpuRuntimeProvider.DEVICE);
  }

  @Test
  void isFoundByItsName() {
    Optional<RuntimeProvider> found =
        ServiceLoader.load(RuntimeProvider.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(provider -> provider.name().equals("gpu"))
            .findFirst();
    assertInstanceOf(GpuRuntimeProvider.class, found.orElseThrow());
    assertEquals(100, found.get().priority());
  }

  @Test
  void runsOnTheLibtorchThatTheBuildHas() throws IOException {
    try (Deem deem = new GpuRuntimeProvider().open(folder, named())) {
      assertEquals("gpu (libtorch-bf16)", deem.info().runtime());
      String version = Engine.getEngine("PyTorch").getVersion();
      assertEquals(Libtorch.forCuda() ? "2.5.1" : "2.7.1", version);
    }
  }

  @Test
  void seesWhatTheProcessorSees() throws IOException {
    ModelFolder model = ModelFolder.open(folder);
    try (Deem gpu = new GpuRuntimeProvider().open(folder, named());
        Deem exact =
            new EngineDeem(
                model,
                new TorchEngine().open(model.weights()),
                "cpu",
                TorchOptions.onProcessor(),
                DeemOptions.defaults())) {
      Perceiver a = gpu.perceiver();
      Perceiver b = exact.perceiver();
      List<Choice> chosen = a.choose(PICTURE, QUESTION, "yes", "no", "red");
      List<Choice> expected = b.choose(PICTURE, QUESTION, "yes", "no", "red");
      for (Choice choice : expected) {
        Choice same =
            chosen.stream().filter(c -> c.text().equals(choice.text())).findFirst().orElseThrow();
        assertEquals(choice.logProbability(), same.logProbability(), 0.1);
      }
      Fidelity fidelity = a.fidelity(PICTURE);
      assertEquals(b.fidelity(PICTURE).loss(), fidelity.loss(), 0.05 * fidelity.loss());
      Answer answer = a.ask(PICTURE, QUESTION);
      assertFalse(answer.text().isEmpty());
      assertTrue(answer.probability() > 0 && answer.probability() <= 1);
      assertTrue(a.describe(PICTURE).tokens() > 0);
      Image drawn = a.redraw(PICTURE, RedrawOptions.defaults().withSteps(2));
      assertEquals(64, drawn.width());
    }
  }

  /** The whole loop of a stage, with all weights on the device and with none that are frozen. */
  @Test
  void learnsTheSameWhereWeightsOnlyVisit(@TempDir Path runs) throws IOException {
    Path data = runs.resolve("data");
    Files.createDirectories(data);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      byte[] png = new DesktopImageCodec().encodePng(TinyDeem.picture(64, 64, i));
      Files.write(data.resolve("p" + i + ".png"), png);
      lines.add("{\"image\": \"p" + i + ".png\", \"caption\": \"A photo of red\"}");
    }
    Files.write(data.resolve("data.jsonl"), lines);
    Path whole = train(named(), data, runs.resolve("whole"));
    Path visited = train(named().withDeviceBytes(1), data, runs.resolve("visited"));
    try (ModelFolder a = ModelFolder.open(whole);
        ModelFolder b = ModelFolder.open(visited);
        ModelFolder parent = ModelFolder.open(folder)) {
      int learnt = 0;
      for (String name : a.weights().names()) {
        float[] values = a.weights().floats(name);
        assertArrayEquals(values, b.weights().floats(name), name);
        learnt += Arrays.equals(values, parent.weights().floats(name)) ? 0 : 1;
      }
      assertTrue(learnt > 10, learnt + " tensors learnt");
      // Frozen weights were in bfloat16 on the device; what is written is what came.
      String frozen = "mm_decoder.layers.0.mlp.up_proj.weight";
      assertArrayEquals(parent.weights().floats(frozen), a.weights().floats(frozen));
    }
  }

  private static Path train(DeemOptions options, Path data, Path out) throws IOException {
    try (Deem deem = new GpuRuntimeProvider().open(folder, options)) {
      return deem.trainer()
          .data(data)
          .output(out)
          .steps(2)
          .batch(2)
          .redraws(0)
          .precision(TrainingSettings.Precision.BF16)
          .gradientCheckpointing(true)
          .train(ProgressListener.NONE, new Cancellation())
          .model();
    }
  }

  @Test
  void withoutADriverItSaysSo() {
    System.clearProperty(GpuRuntimeProvider.DEVICE);
    NvidiaDriver none = new NvidiaDriver(folder, Map.of(), "Linux", "amd64");
    GpuRuntimeProvider provider = new GpuRuntimeProvider(none, List.of());
    assertTrue(provider.unusableBecause().startsWith("no NVIDIA driver is loaded"));
  }

  @Test
  void reasonsAreOneLineThatSaysWhatToDo() {
    assertEquals(
        "the NVIDIA driver is too old for CUDA 12.4, which needs 525.60.13 or newer",
        GpuRuntimeProvider.reason(
            "cuda:0",
            new IllegalStateException(
                new RuntimeException(
                    "CUDA driver version is insufficient for CUDA runtime version\nmore"))));
    String missing =
        GpuRuntimeProvider.reason(
            "cuda:0", new UnsatisfiedLinkError("libcuda.so.1: cannot open shared object file"));
    assertTrue(missing.startsWith("the NVIDIA driver's library libcuda.so.1 cannot be loaded"));
    assertTrue(
        GpuRuntimeProvider.reason(
                "cuda:7", new RuntimeException("CUDA error: invalid device ordinal"))
            .startsWith("cuda:7 cannot be used: there are fewer GPUs"));
  }

  /** A second runtime that only says that it was asked. */
  private static final class Other implements RuntimeProvider {
    final List<DeemOptions> asked = new ArrayList<>();
    final Deem deem = org.mockito.Mockito.mock(Deem.class);

    @Override
    public String name() {
      return "cpu";
    }

    @Override
    public int priority() {
      return 0;
    }

    @Override
    public String unusableBecause() {
      return null;
    }

    @Override
    public Deem open(Path modelFolder, DeemOptions options) {
      asked.add(options);
      return deem;
    }
  }

  @Test
  void anotherRuntimeStandsBehindIt() throws IOException {
    Other other = new Other();
    GpuRuntimeProvider provider = new GpuRuntimeProvider(NvidiaDriver.here(), List.of(other));
    try (Deem deem = provider.open(folder, DeemOptions.defaults())) {
      assertInstanceOf(FallbackDeem.class, deem);
      assertNotNull(deem.perceiver().describe(PICTURE).text());
      assertTrue(other.asked.isEmpty(), "opened only when it is needed");
    }
  }

  @Test
  void anotherRuntimeOpensWhatItCannot() throws IOException {
    // There is no such GPU, whatever libtorch it is.
    System.setProperty(GpuRuntimeProvider.DEVICE, "cuda:99");
    Other other = new Other();
    GpuRuntimeProvider provider = new GpuRuntimeProvider(NvidiaDriver.here(), List.of(other));
    Deem opened = provider.open(folder, DeemOptions.defaults());
    assertEquals(other.deem, opened);
    assertEquals(List.of("cpu"), other.asked.stream().map(DeemOptions::runtime).toList());
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> provider.open(folder, named()));
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void aBadModelIsNobodysFailure() {
    Other other = new Other();
    GpuRuntimeProvider provider = new GpuRuntimeProvider(NvidiaDriver.here(), List.of(other));
    assertThrows(
        IOException.class, () -> provider.open(folder.resolve("none"), DeemOptions.defaults()));
    assertTrue(other.asked.isEmpty());
    assertNull(provider.unusableBecause());
  }

  private static DeemOptions named() {
    return DeemOptions.defaults().withRuntime("gpu");
  }
}
