/**
 * Text to token ids and back. {@link io.deem.text.LlamaTokenizer} does it in plain Java,
 * everywhere; a tokenizer of another kind than LLaMA's goes to the native library that DJL
 * packages, which phones lack.
 */
package io.deem.text;
