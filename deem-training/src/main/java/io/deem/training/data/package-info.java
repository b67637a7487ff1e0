/**
 * Data sets to learn from and to be measured on. Readers of the published layouts, and of a plain
 * folder, all give {@link io.deem.training.data.Sample}s that can be asked for by number; {@link
 * io.deem.training.data.BatchSource} makes batches of them, each a function of the seed and its
 * number alone; {@link io.deem.training.data.BatchLoader} makes them ahead, on background threads.
 *
 * <p>Every file is read as untrusted: sizes are checked before memory is asked for, names cannot
 * leave their folder, and JSON that is nested too deeply is refused.
 */
package io.deem.training.data;
