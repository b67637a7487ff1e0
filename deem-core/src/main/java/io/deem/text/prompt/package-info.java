/**
 * Prompts as DEEM's reference writes them, and the batches of token ids, images and region masks
 * made of them: questions, captions, grounding, dialogues, interleaved documents. A model answers
 * best in the words it was trained on, so the reference's wording is kept, misspellings included.
 *
 * <p>Images are handled by whatever stands for them (a path, a decoded picture, a number), the type
 * parameter {@code I}; batches say in which order they belong to the image tokens of the text.
 */
package io.deem.text.prompt;
