package io.deem.runtime;

import io.deem.Aligner;
import io.deem.CacheStats;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.ModelInfo;
import io.deem.Perceiver;
import io.deem.Trainer;
import io.deem.graph.ChangeableSession;
import io.deem.graph.Param;
import io.deem.graph.Session;
import io.deem.model.ModelFolder;
import io.deem.perception.CallGuard;
import io.deem.perception.GuardedPerceiver;
import io.deem.perception.NetworkPerceiver;
import io.deem.perception.PerceivingDeem;
import io.deem.torch.Precision;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchOptions;
import io.deem.training.StageTraining;
import io.deem.training.alignment.EncoderAlignment;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;

/** A model on an engine. */
public final class EngineDeem implements Deem {

  private final CallGuard guard;
  private final ModelInfo info;
  private final Perceiver perceiver;
  private final CaffeineImages images;
  private final Aligner aligner;
  private final Trainer trainer;

  /** Calls read the weights together; an alignment changes them alone. */
  private final ReadWriteLock weightsLock = new ReentrantReadWriteLock(true);

  private volatile TensorSource weights;

  /**
   * Takes over the model and the session, and closes both when it is closed.
   *
   * @param device for {@link #info}
   * @param learning where and how libtorch learns; it is loaded when something is to be learnt
   */
  public EngineDeem(
      ModelFolder model,
      Session session,
      String device,
      TorchOptions learning,
      DeemOptions options) {
    this(
        model,
        session,
        device,
        learning,
        new CaffeineImages(options.cacheBytes()),
        CallGuard.Limits.DEFAULT);
  }

  /** As the other, with a cache and limits of one's own. */
  public EngineDeem(
      ModelFolder model,
      Session session,
      String device,
      TorchOptions learning,
      CaffeineImages images,
      CallGuard.Limits limits) {
    Runnable free =
        () -> {
          session.close();
          model.close();
        };
    guard = new CallGuard(model.description().name(), limits, free);
    info = PerceivingDeem.info(model, session, device);
    weights = model.weights();
    this.images = images;
    perceiver = new GuardedPerceiver(new NetworkPerceiver(session, model, images), this::guarded);
    aligner = aligner(model, session, learning, images);
    trainer = new Trainer(new StageTraining(model.folder(), learning));
  }

  /** Lets a call pass the guard, and see one state of the weights from its beginning to its end. */
  private <T> T guarded(Function<Runnable, T> work) {
    return guard.call(
        check -> {
          weightsLock.readLock().lock();
          try {
            return work.apply(check);
          } finally {
            weightsLock.readLock().unlock();
          }
        });
  }

  private Aligner aligner(
      ModelFolder model, Session session, TorchOptions learning, CaffeineImages images) {
    EncoderAlignment alignments =
        new EncoderAlignment(
            () -> new TorchEngine(learning.withPrecision(Precision.FP32)),
            model,
            () -> weights,
            values -> change(model, session, images, values),
            guard::requireOpen);
    return new Aligner(
        (plan, listener, cancellation) ->
            alignments.align(
                plan,
                progress -> {
                  guard.requireOpen();
                  listener.onProgress(progress);
                },
                cancellation));
  }

  /** Gives some parameters new values, between calls. */
  private void change(
      ModelFolder model, Session session, CaffeineImages images, Map<String, float[]> values) {
    if (!(session instanceof ChangeableSession changeable)) {
      throw new IllegalStateException(session.engineName() + " cannot change weights");
    }
    weightsLock.writeLock().lock();
    try {
      guard.requireOpen();
      OverlaidTensors changed = new OverlaidTensors(weights, "an alignment");
      List<Param> params =
          model.network().params().stream()
              .filter(param -> values.containsKey(param.name()))
              .toList();
      for (Param param : params) {
        float[] value = values.get(param.name());
        changed.with(param.name(), param.shape().extents(), () -> value);
      }
      changeable.change(changed, params);
      weights = changed;
      images.clear();
    } finally {
      weightsLock.writeLock().unlock();
    }
  }

  @Override
  public Perceiver perceiver() {
    return perceiver;
  }

  @Override
  public Aligner aligner() {
    return aligner;
  }

  @Override
  public Trainer trainer() {
    return trainer;
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

  /** Whether a call is running. */
  public boolean isBusy() {
    return guard.isBusy();
  }
}
