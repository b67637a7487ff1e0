/**
 * What an application calls: {@link io.deem.Deem} opens a model, {@link io.deem.Perceiver} answers
 * about images.
 */
package io.deem;
