package io.deem.mini;

/** What a question is about. */
public enum QuestionKind {
  /** "Is there a dog in the image?" */
  PRESENCE,
  /** "How many objects are in the image?" */
  COUNT_OBJECTS,
  /** "How many dogs are in the image?" */
  COUNT,
  /** "What color is the apple?" */
  COLOR,
  /** "Is the apple red?" */
  COLOR_CHECK,
  /** "What is to the left of the cat?" */
  RELATION,
  /** "Is the dog to the left of the cat?" */
  RELATION_CHECK,
  /** "What is in the image?", where there is one object. */
  WHAT,
  /** "Is the dog upside down?", where a scene was made to ask it; see {@link SceneBenchmark}. */
  ORIENTATION;

  /** Whether the answer is "yes" or "no". */
  public boolean yesNo() {
    return this == PRESENCE || this == COLOR_CHECK || this == RELATION_CHECK || this == ORIENTATION;
  }
}
