package io.deem.runtime.cpu;

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
import io.deem.Trainer;
import io.deem.graph.Session;
import io.deem.model.ModelFolder;
import io.deem.model.ModelPart;
import io.deem.perception.NetworkPerceiver;
import io.deem.training.StageTraining;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A model on libtorch. */
final class CpuDeem implements Deem {

  /** Parts by how the names of their parameters start; the first that fits counts. */
  private final CallGuard guard;

  private final ModelInfo info;
  private final Trainer trainer;
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
    trainer = new Trainer(new StageTraining(model.folder()));
    perceiver = new Guarded(new NetworkPerceiver(session, model, images));
  }

  @Override
  public Perceiver perceiver() {
    return perceiver;
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
      return guard.call(check -> work.apply(network.withCheck(check)));
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
