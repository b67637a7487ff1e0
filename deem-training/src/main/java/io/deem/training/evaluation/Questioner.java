package io.deem.training.evaluation;

import io.deem.Cancellation;
import io.deem.Choice;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.Progress;
import io.deem.ProgressListener;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Asks a model the questions of a benchmark, in both ways. */
public final class Questioner {

  private static final int REPORTED_EVERY = 20;

  private final Perceiver perceiver;
  private final Scorer scorer;
  private final boolean writes;

  /**
   * A questioner.
   *
   * @param scorer of written answers
   * @param writes whether the model has to write answers too where there are options, which takes
   *     about as long again
   */
  public Questioner(Perceiver perceiver, Scorer scorer, boolean writes) {
    this.perceiver = perceiver;
    this.scorer = scorer;
    this.writes = writes;
  }

  /**
   * Asks.
   *
   * @param listener told after every few questions
   * @return the answers, in the order of the questions
   * @throws IOException if a picture cannot be read
   * @throws java.util.concurrent.CancellationException if cancelled
   */
  public List<Answered> ask(List<Item> items, ProgressListener listener, Cancellation cancellation)
      throws IOException {
    long start = System.nanoTime();
    List<Answered> answers = new ArrayList<>();
    for (Item item : items) {
      cancellation.check();
      answers.add(ask(item));
      int done = answers.size();
      if (done % REPORTED_EVERY == 0 || done == items.size()) {
        double seconds = (System.nanoTime() - start) / 1e9;
        double rate = done / seconds;
        Duration left = Duration.ofMillis((long) (1000 * (items.size() - done) / rate));
        listener.onProgress(new Progress("evaluation", done, items.size(), Map.of(), rate, left));
      }
    }
    return answers;
  }

  private Answered ask(Item item) throws IOException {
    Image image = item.picture().read();
    Optional<String> written = Optional.empty();
    double writtenScore = 0;
    if (writes || item.options().size() < 2) {
      written = Optional.of(perceiver.ask(image, item.text()).text());
      writtenScore = scorer.score(written.get(), item);
    }
    if (item.options().size() < 2) {
      return new Answered(item, written, Optional.empty(), 0, writtenScore, 0);
    }
    Choice best = perceiver.choose(image, item.text(), item.options()).get(0);
    double right =
        scorer == Scorer.VQA || scorer == Scorer.VIZWIZ
            ? scorer.score(best.text(), item)
            : item.answers().contains(best.text()) ? 1 : 0;
    return new Answered(item, written, Optional.of(best.text()), best.share(), writtenScore, right);
  }
}
