package io.deem.runtime;

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

/** A model on an engine. */
public final class EngineDeem implements Deem {

  private final CallGuard guard;

  private final ModelInfo info;
  private final Perceiver perceiver;

  /**
   * Takes over the model and the session, and closes both when it is closed.
   *
   * @param device for {@link #info}
   */
  public EngineDeem(ModelFolder model, Session session, String device, DeemOptions options) {
    this(
        model, session, device, new CaffeineImages(options.cacheBytes()), CallGuard.Limits.DEFAULT);
  }

  /** As the other, with a cache and limits of one's own. */
  public EngineDeem(
      ModelFolder model,
      Session session,
      String device,
      CaffeineImages images,
      CallGuard.Limits limits) {
    Runnable free =
        () -> {
          session.close();
          model.close();
        };
    guard = new CallGuard(model.description().name(), limits, free);
    info = info(model, session, device);
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
  public boolean isBusy() {
    return guard.isBusy();
  }

  private static ModelInfo info(ModelFolder model, Session session, String device) {
    ModelFolder.Description description = model.description();
    Map<String, Long> counts = new LinkedHashMap<>();
    ModelPart.count(model.network().params())
        .forEach((part, count) -> counts.put(part.title(), count));
    return new ModelInfo(
        description.name(),
        description.architecture().imageSize(),
        device + " (" + session.engineName() + ")",
        counts,
        description.provenance());
  }
}
