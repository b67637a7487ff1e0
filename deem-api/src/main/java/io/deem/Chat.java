package io.deem;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A conversation of several turns over images and text.
 *
 * <pre>{@code
 * Chat chat = eyes.chat();
 * chat.say(Prompt.of(photo).text("What animal is it?"));
 * chat.say("What color is it?", System.out::print);
 * }</pre>
 *
 * <p>The model reads the whole conversation again at every turn; images are encoded once while they
 * are in the cache. Nothing is held between turns but the {@link #history}, so that there is
 * nothing to close.
 *
 * <p>Safe for use from many threads, whose turns follow one another. A turn that fails or is
 * cancelled leaves the conversation as it was.
 */
public final class Chat {

  private final Perceiver perceiver;
  private final GenerationOptions options;
  private final ReentrantLock turn = new ReentrantLock();

  /** Replaced while {@link #turn} is held, and read without it. */
  private volatile List<Turn> history;

  /** See {@link Perceiver#chat()}. */
  Chat(Perceiver perceiver, GenerationOptions options, List<Turn> history) {
    this.perceiver = perceiver;
    this.options = Objects.requireNonNull(options, "options");
    this.history = List.copyOf(history);
  }

  /** Says a sentence. */
  public Answer say(String text) {
    return say(Prompt.of(text), TextListener.NONE);
  }

  /** Says a sentence, and passes the reply on while it is generated. */
  public Answer say(String text, TextListener listener) {
    return say(Prompt.of(text), listener);
  }

  /** Shows and says something. */
  public Answer say(Prompt message) {
    return say(message, TextListener.NONE);
  }

  /**
   * Shows and says something, and passes the reply on while it is generated.
   *
   * @return the reply
   * @throws IllegalArgumentException if the conversation gets longer than the model can read, or
   *     the message contains one of its special tokens
   */
  public Answer say(Prompt message, TextListener listener) {
    turn.lock();
    try {
      Answer answer = perceiver.reply(history, message, options, listener);
      List<Turn> longer = new ArrayList<>(history);
      longer.add(new Turn(message, answer.text()));
      history = List.copyOf(longer);
      return answer;
    } finally {
      turn.unlock();
    }
  }

  /** What was said so far. */
  public List<Turn> history() {
    return history;
  }

  /** Forgets what was said so far. */
  public void clear() {
    turn.lock();
    try {
      history = List.of();
    } finally {
      turn.unlock();
    }
  }
}
