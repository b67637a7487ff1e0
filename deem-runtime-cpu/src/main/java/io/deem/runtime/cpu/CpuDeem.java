package io.deem.runtime.cpu;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.ModelInfo;
import io.deem.Perceiver;
import io.deem.graph.Session;
import io.deem.model.ModelFolder;
import io.deem.model.ModelPart;
import io.deem.perception.GuardedPerceiver;
import io.deem.perception.NetworkPerceiver;
import java.util.LinkedHashMap;
import java.util.Map;

/** A model on libtorch. */
final class CpuDeem implements Deem {

  private final CallGuard guard;

  private final ModelInfo info;
  private final Perceiver perceiver;

  /** Takes over the model and the session, and closes both when it is closed. */
  CpuDeem(ModelFolder model, Session session, DeemOptions options) {
    this(model, session, new CaffeineImages(options.cacheBytes()), CallGuard.Limits.DEFAULT);
  }

  CpuDeem(ModelFolder model, Session session, CaffeineImages images, CallGuard.Limits limits) {
    Runnable free =
        () -> {
          session.close();
          model.close();
        };
    guard = new CallGuard(model.description().name(), limits, free);
    info = info(model, session);
    perceiver = new GuardedPerceiver(new NetworkPerceiver(session, model, images), guard::call);
  }

  @Override
  public Perceiver perceiver() {
    return perceiver;
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public void close() {
    guard.close();
  }

  /** Whether a call is running. */
  boolean isBusy() {
    return guard.isBusy();
  }

  private static ModelInfo info(ModelFolder model, Session session) {
    ModelFolder.Description description = model.description();
    Map<String, Long> counts = new LinkedHashMap<>();
    ModelPart.count(model.network().params())
        .forEach((part, count) -> counts.put(part.title(), count));
    return new ModelInfo(
        description.name(),
        description.architecture().imageSize(),
        "cpu (" + session.engineName() + ")",
        counts,
        description.provenance());
  }
}
