package io.deem.runtime.gpu;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Lets the tests run on libtorch for CUDA, on the processor, where the build has it ({@code
 * -Pgpu}); else on the one for processors.
 */
public final class Libtorch implements BeforeAllCallback {

  static {
    ClassLoader loader = Libtorch.class.getClassLoader();
    try {
      if (CudaLibrary.find(loader) != null) {
        CudaLibrary.choose(loader, CudaLibrary.defaultCache());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether it is the one for CUDA. */
  public static boolean forCuda() throws IOException {
    return CudaLibrary.find(Libtorch.class.getClassLoader()) != null;
  }

  @Override
  public void beforeAll(ExtensionContext context) {}
}
