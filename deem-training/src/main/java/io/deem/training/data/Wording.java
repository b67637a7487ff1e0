package io.deem.training.data;

/** Which words samples are put into. */
public enum Wording {
  /** Those of the model's {@code deem.json}, which {@link io.deem.Perceiver} uses. */
  MODEL,
  /** Those of DEEM's reference, with which its checkpoints were trained. */
  REFERENCE
}
