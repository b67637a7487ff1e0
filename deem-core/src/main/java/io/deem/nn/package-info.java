/**
 * The few layers that recur in every network. A layer names its weights and has one {@code apply}.
 */
package io.deem.nn;
