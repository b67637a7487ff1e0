package io.deem.perception;

import io.deem.CacheStats;
import io.deem.Deem;
import io.deem.ModelInfo;
import io.deem.Perceiver;
import io.deem.graph.Session;
import io.deem.model.ModelFolder;
import io.deem.model.ModelPart;
import java.util.LinkedHashMap;
import java.util.Map;

/** A model on an engine that perceives and does not learn, behind a guard. */
public final class PerceivingDeem implements Deem {

  private final CallGuard guard;
  private final Perceiver perceiver;
  private final EncodedImages images;
  private final ModelInfo info;

  /**
   * Takes over the model and the session, and closes both when it is closed and the last call has
   * ended.
   *
   * @param device for {@link #info()}
   */
  public PerceivingDeem(
      ModelFolder model,
      Session session,
      String device,
      EncodedImages images,
      CallGuard.Limits limits) {
    Runnable free =
        () -> {
          session.close();
          model.close();
        };
    guard = new CallGuard(model.description().name(), limits, free);
    info = info(model, session, device);
    this.images = images;
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
  public CacheStats cacheStats() {
    return images.stats();
  }

  @Override
  public void close() {
    guard.close();
  }

  /** What a model on an engine is. */
  public static ModelInfo info(ModelFolder model, Session session, String device) {
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
