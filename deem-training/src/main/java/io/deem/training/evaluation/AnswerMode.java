package io.deem.training.evaluation;

/** How an answer is taken from a model. */
public enum AnswerMode {
  /** The option that the model gives the highest probability. */
  OPTION,
  /** What is left of the text that the model writes, as the reference extracts it. */
  WRITTEN
}
