/**
 * Turns next-token scores into texts: greedy search, beam search and nucleus sampling over a small
 * interface which a language model implements. The rules are those of Hugging Face transformers
 * 4.31, so that texts agree with the reference token for token.
 */
package io.deem.generation;
