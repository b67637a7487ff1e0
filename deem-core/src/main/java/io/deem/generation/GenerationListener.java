package io.deem.generation;

/** Follows a generation token by token, and can end it. */
@FunctionalInterface
public interface GenerationListener {

  /** Does nothing and lets the generation go on. */
  GenerationListener NONE = (step, tokens) -> true;

  /**
   * Called after each token, on the thread that generates.
   *
   * @param step how many tokens have been generated, from 1
   * @param tokens the new token of each text; the pad id for a text that was finished before. In
   *     beam search it is the token of the text that leads at the moment, which may not be what is
   *     returned.
   * @return false to end here, with what there is
   */
  boolean onStep(int step, int[] tokens);

  /**
   * Asked after {@link #onStep} about each text that is not finished: whether it ends here, with
   * the tokens that it has. Not asked in beam search.
   *
   * @param text its index among the texts of {@link #onStep}
   */
  default boolean ends(int text) {
    return false;
  }
}
