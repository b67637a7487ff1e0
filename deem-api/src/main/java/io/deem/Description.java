package io.deem;

import java.time.Duration;

/**
 * A sentence about an image.
 *
 * @param text the sentence
 * @param probability the geometric mean of its tokens' probabilities, from 0 to 1
 * @param tokens how many tokens were generated
 * @param time from call to return
 */
public record Description(String text, double probability, int tokens, Duration time) {}
