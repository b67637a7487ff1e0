package io.deem.runtime.cpu;

import io.deem.Aligner;
import io.deem.Answer;
import io.deem.Choice;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Description;
import io.deem.Fidelity;
import io.deem.Image;
import io.deem.ModelInfo;
import io.deem.Perceiver;
import io.deem.RedrawOptions;
import io.deem.graph.Param;
import io.deem.graph.Session;
import io.deem.model.ModelFolder;
import io.deem.model.ModelPart;
import io.deem.perception.NetworkPerceiver;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.alignment.EncoderAlignment;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.TensorSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;

/** A model on libtorch. */
final class CpuDeem implements Deem {

  /** Parts by how the names of their parameters start; the first that fits counts. */
  private final CallGuard guard;

  private final ModelInfo info;
  private final Perceiver perceiver;
  private final Aligner aligner;

  /** Calls read the weights together; an alignment changes them alone. */
  private final ReadWriteLock weightsLock = new ReentrantReadWriteLock(true);

  private volatile TensorSource weights;

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
    perceiver = new Guarded(new NetworkPerceiver(session, model, images));
    weights = model.weights();
    EncoderAlignment alignments =
        new EncoderAlignment(
            new TorchEngine(),
            model,
            () -> weights,
            values -> change(model, session, images, values),
            guard::requireOpen);
    aligner =
        new Aligner(
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
    if (!(session instanceof TorchSession torch)) {
      throw new IllegalStateException(session.engineName() + " cannot change weights");
    }
    weightsLock.writeLock().lock();
    try {
      guard.requireOpen();
      OverlaidTensors changed = new OverlaidTensors(weights, "an alignment");
      for (Param param : model.network().params()) {
        float[] value = values.get(param.name());
        if (value != null) {
          torch.load(param);
          torch.set(param.name(), value);
          changed.with(param.name(), param.shape().extents(), () -> value);
        }
      }
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

  /** Lets every call pass the guard. */
  private final class Guarded implements Perceiver {

    private final NetworkPerceiver network;

    Guarded(NetworkPerceiver network) {
      this.network = network;
    }

    private <T> T call(Function<NetworkPerceiver, T> work) {
      return guard.call(
          check -> {
            weightsLock.readLock().lock();
            try {
              return work.apply(network.withCheck(check));
            } finally {
              weightsLock.readLock().unlock();
            }
          });
    }

    @Override
    public Description describe(Image image) {
      return call(each -> each.describe(image));
    }

    @Override
    public Answer ask(Image image, String question) {
      return call(each -> each.ask(image, question));
    }

    @Override
    public List<Choice> choose(Image image, String question, List<String> options) {
      return call(each -> each.choose(image, question, options));
    }

    @Override
    public Fidelity fidelity(Image image) {
      return call(each -> each.fidelity(image));
    }

    @Override
    public Image redraw(Image image, RedrawOptions options) {
      return call(each -> each.redraw(image, options));
    }
  }
}
