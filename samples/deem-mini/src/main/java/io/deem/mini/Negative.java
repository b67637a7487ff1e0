package io.deem.mini;

/** How an absent concept is chosen for a presence question, after POPE (Li et al., 2023). */
public enum Negative {
  /** Any absent concept. */
  RANDOM,
  /** One of the most frequent concepts of the training scenes. */
  POPULAR,
  /** One of the same subcategory as an object that is there. */
  ADVERSARIAL
}
