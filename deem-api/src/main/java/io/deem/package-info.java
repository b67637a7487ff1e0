/**
 * What an application calls: {@link io.deem.Deem} opens a model, {@link io.deem.Perceiver} answers
 * about images and draws them, {@link io.deem.Chat} goes on over several turns.
 */
package io.deem;
