package io.deem;

import java.time.Duration;

/**
 * An answer about an image.
 *
 * @param text the answer
 * @param probability that the model gave this answer as a whole, from 0 to 1
 * @param tokens how many tokens were generated
 * @param time from call to return
 */
public record Answer(String text, double probability, int tokens, Duration time) {}
