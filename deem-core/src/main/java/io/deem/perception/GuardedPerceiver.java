package io.deem.perception;

import io.deem.Answer;
import io.deem.Cancellation;
import io.deem.Choice;
import io.deem.Description;
import io.deem.Fidelity;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Perceiver;
import io.deem.ProgressListener;
import io.deem.Prompt;
import io.deem.RedrawOptions;
import io.deem.TextListener;
import io.deem.Turn;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Lets every call of a perceiver pass a runtime's guard. A listener's failure is the caller's: the
 * guard sees it as a call that was cancelled, the caller as it was thrown.
 */
public final class GuardedPerceiver implements Perceiver {

  private final NetworkPerceiver network;
  private final Guard guard;

  /** Stands before calls. */
  @FunctionalInterface
  public interface Guard {

    /**
     * Runs a call, or refuses it by throwing.
     *
     * @param work is given what it has to run between its steps, and which ends it by throwing
     */
    <T> T call(Function<Runnable, T> work);
  }

  /** A perceiver behind a guard. */
  public GuardedPerceiver(NetworkPerceiver network, Guard guard) {
    this.network = network;
    this.guard = guard;
  }

  /** What a listener threw, on its way through the guard. */
  private static final class ListenerFailure extends CancellationException {
    private static final long serialVersionUID = 1L;
    private final RuntimeException failure;

    ListenerFailure(RuntimeException failure) {
      super("a listener failed");
      this.failure = failure;
    }
  }

  private <T> T call(Function<NetworkPerceiver, T> work) {
    try {
      return guard.call(check -> work.apply(network.withCheck(check)));
    } catch (ListenerFailure e) {
      throw e.failure;
    }
  }

  private static <T> void tell(Consumer<T> listener, T news) {
    try {
      listener.accept(news);
    } catch (RuntimeException e) {
      throw new ListenerFailure(e);
    }
  }

  private static TextListener marked(TextListener listener) {
    Objects.requireNonNull(listener, "listener");
    return piece -> tell(listener::onText, piece);
  }

  @Override
  public Description describe(Image image, GenerationOptions options, TextListener listener) {
    TextListener marked = marked(listener);
    return call(each -> each.describe(image, options, marked));
  }

  @Override
  public List<Description> describe(List<Image> images, GenerationOptions options) {
    return call(each -> each.describe(images, options));
  }

  @Override
  public Answer ask(
      Image image, String question, GenerationOptions options, TextListener listener) {
    TextListener marked = marked(listener);
    return call(each -> each.ask(image, question, options, marked));
  }

  @Override
  public List<Answer> ask(List<Image> images, List<String> questions, GenerationOptions options) {
    return call(each -> each.ask(images, questions, options));
  }

  @Override
  public List<Choice> choose(Image image, String question, List<String> options) {
    return call(each -> each.choose(image, question, options));
  }

  @Override
  public Answer reply(
      List<Turn> history, Prompt message, GenerationOptions options, TextListener listener) {
    TextListener marked = marked(listener);
    return call(each -> each.reply(history, message, options, marked));
  }

  @Override
  public Fidelity fidelity(Image image) {
    return call(each -> each.fidelity(image));
  }

  @Override
  public Image redraw(Image image, RedrawOptions options) {
    return call(each -> each.redraw(image, options));
  }

  @Override
  public Image imagine(Prompt prompt, ImagineOptions options) {
    return call(each -> each.imagine(prompt, options));
  }

  @Override
  public Perceiver withCancellation(Cancellation cancellation) {
    return new GuardedPerceiver(network.withCancellation(cancellation), guard);
  }

  @Override
  public Perceiver withProgress(ProgressListener listener) {
    Objects.requireNonNull(listener, "listener");
    ProgressListener marked = progress -> tell(listener::onProgress, progress);
    return new GuardedPerceiver(network.withProgress(marked), guard);
  }
}
