/**
 * Measures what a model sees: scores as the official scripts compute them, benchmarks that ask a
 * {@link io.deem.Perceiver}, and reports with intervals. Answers are taken both ways: the text that
 * the model writes, and the option that it finds likeliest.
 */
package io.deem.training.evaluation;
