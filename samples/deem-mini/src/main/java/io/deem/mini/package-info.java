/**
 * deem-mini: the scenes it is trained and tested on, with captions and questions whose answers are
 * known exactly, and the recipe that trains it.
 *
 * <p>{@link io.deem.mini.EmojiCorpus} and {@link io.deem.mini.Concepts} read the pictures and what
 * they show; {@link io.deem.mini.SceneGenerator} composes scenes; {@link io.deem.mini.Captions} and
 * {@link io.deem.mini.Questions} put them into words.
 */
package io.deem.mini;
