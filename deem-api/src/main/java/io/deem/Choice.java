package io.deem;

/**
 * A possible answer and its score.
 *
 * @param text the option
 * @param logProbability natural logarithm of the probability of its tokens, summed
 * @param share of this option among all options given, from 0 to 1; the shares sum to 1
 */
public record Choice(String text, double logProbability, double share) {}
