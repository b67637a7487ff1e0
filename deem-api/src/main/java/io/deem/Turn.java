package io.deem;

import java.util.Objects;

/**
 * A message of a conversation and what the model replied.
 *
 * @param message what was said to the model
 * @param reply its answer; may be empty
 */
public record Turn(Prompt message, String reply) {
  public Turn {
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(reply, "reply");
  }
}
