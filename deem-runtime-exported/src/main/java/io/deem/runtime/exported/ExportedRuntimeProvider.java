package io.deem.runtime.exported;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.model.ModelFolder;
import io.deem.ort.ExportedModels;
import io.deem.ort.OnnxSession;
import io.deem.ort.OrtLibrary;
import io.deem.perception.CallGuard;
import io.deem.perception.PerceivingDeem;
import io.deem.perception.RecentImages;
import io.deem.spi.RuntimeProvider;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Opens models that {@code deem export} wrote. They perceive on ONNX Runtime, compile nothing and
 * do not learn. Where a runtime is that compiles, it is preferred: it opens exported models too,
 * and they can learn there.
 *
 * <p>Calls are guarded as the CPU runtime's are; see {@link CallGuard}. Pictures are drawn at the
 * size of the model's own, {@link io.deem.ImagineOptions#size} 0, since that alone was exported.
 */
public final class ExportedRuntimeProvider implements RuntimeProvider {

  private static final String NAME = "exported";
  private static final int PRIORITY = -10;
  private static final String ENGINE = "onnxruntime";

  /** Made by {@link java.util.ServiceLoader}. */
  public ExportedRuntimeProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int priority() {
    return PRIORITY;
  }

  @Override
  public String unusableBecause() {
    try {
      Class.forName(
          "ai.onnxruntime.OrtEnvironment", false, ExportedRuntimeProvider.class.getClassLoader());
      return null;
    } catch (ClassNotFoundException e) {
      return "ONNX Runtime is not on the class path (com.microsoft.onnxruntime:onnxruntime)";
    }
  }

  @Override
  public Deem open(Path folder, DeemOptions options) throws IOException {
    if (options.engine() != null && !options.engine().equals(ENGINE)) {
      throw new IllegalArgumentException(
          "the exported runtime has the engine onnxruntime, not " + options.engine());
    }
    ModelFolder model = ModelFolder.open(folder);
    OnnxSession session = null;
    boolean opened = false;
    try {
      ExportedModels blocks = ExportedModels.in(folder);
      requirePrecision(options.precision(), blocks.precision());
      session =
          new OnnxSession(
              OrtLibrary.load(options.threads()), ENGINE + "-" + blocks.precision(), blocks);
      Deem deem =
          new PerceivingDeem(
              model,
              session,
              NAME,
              new RecentImages(options.cacheBytes()),
              CallGuard.Limits.DEFAULT);
      opened = true;
      return deem;
    } finally {
      if (!opened) {
        if (session != null) {
          session.close();
        }
        model.close();
      }
    }
  }

  private static void requirePrecision(Precision wanted, String exported) {
    if (wanted != Precision.AUTO && !wanted.name().equalsIgnoreCase(exported)) {
      throw new IllegalArgumentException(
          "the model was exported in " + exported + "; it does not compute in " + wanted);
    }
  }
}
