package io.deem.runtime.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Answer;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.spi.RuntimeProvider;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mockito.Mockito;

/**
 * An application that swaps its runtime dependency changes nothing else. The dependency is what its
 * class path offers as a service; both runtimes are stubs here.
 */
class SwapTest {

  @TempDir Path temp;

  /** The quickstart's five lines. */
  private static String application(Path model) throws IOException {
    try (Deem deem = Deem.open(model)) {
      Perceiver eyes = deem.perceiver();
      return eyes.ask(Image.ofRgb(1, 1, new byte[3]), "Which runtime?").text();
    }
  }

  /** What runs when only these are dependencies. */
  private String withRuntimes(Class<?>... providers) throws IOException {
    Path services =
        Files.createDirectories(
            Files.createTempDirectory(temp, "dependency").resolve("META-INF/services"));
    List<String> names = new ArrayList<>();
    for (Class<?> provider : providers) {
      names.add(provider.getName());
    }
    Files.write(services.resolve(RuntimeProvider.class.getName()), names);
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    URL[] dependency = {services.getParent().getParent().toUri().toURL()};
    try (URLClassLoader own =
        new URLClassLoader(dependency, before) {
          @Override
          public java.util.Enumeration<URL> getResources(String name) throws IOException {
            // Not what the tests' own class path offers.
            return name.startsWith("META-INF/services/io.deem")
                ? findResources(name)
                : super.getResources(name);
          }
        }) {
      thread.setContextClassLoader(own);
      return application(temp);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  @Test
  void theDependencyAloneDecides() throws IOException {
    assertEquals("cpu", withRuntimes(StubCpu.class));
    assertEquals("gpu", withRuntimes(StubGpu.class));
  }

  @Test
  void ofBothTheGpuComesFirst() throws IOException {
    assertEquals("gpu", withRuntimes(StubCpu.class, StubGpu.class));
    assertEquals("gpu", withRuntimes(StubGpu.class, StubCpu.class));
  }

  @Test
  void withoutAUsableGpuTheOtherOpensTheModel() throws IOException {
    assertEquals("cpu", withRuntimes(StubWithoutDriver.class, StubCpu.class));
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> withRuntimes(StubWithoutDriver.class));
    assertTrue(e.getMessage().contains("no driver"), e.getMessage());
  }

  /** Answers with its name. */
  abstract static class Stub implements RuntimeProvider {
    private final String name;
    private final int priority;

    Stub(String name, int priority) {
      this.name = name;
      this.priority = priority;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public int priority() {
      return priority;
    }

    @Override
    public String unusableBecause() {
      return null;
    }

    @Override
    public Deem open(Path folder, DeemOptions options) {
      Perceiver perceiver = Mockito.mock(Perceiver.class);
      Mockito.when(perceiver.ask(Mockito.any(Image.class), Mockito.anyString()))
          .thenReturn(new Answer(name, 1, 1, Duration.ZERO));
      Deem deem = Mockito.mock(Deem.class);
      Mockito.when(deem.perceiver()).thenReturn(perceiver);
      return deem;
    }
  }

  /** In the place of deem-runtime-cpu. */
  public static final class StubCpu extends Stub {
    /** Made by ServiceLoader. */
    public StubCpu() {
      super("cpu", 0);
    }
  }

  /** In the place of deem-runtime-gpu. */
  public static class StubGpu extends Stub {
    /** Made by ServiceLoader. */
    public StubGpu() {
      super("gpu", new GpuRuntimeProvider().priority());
    }
  }

  /** In its place, where no driver is. */
  public static final class StubWithoutDriver extends StubGpu {
    @Override
    public String unusableBecause() {
      return "no driver";
    }
  }
}
