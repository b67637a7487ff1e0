/**
 * Randomness. Everything in the project that is drawn by chance comes out of one {@link
 * io.deem.random.RandomSource}, so that a seed repeats a run and a test can put stored draws in its
 * place.
 */
package io.deem.random;
