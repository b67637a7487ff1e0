/**
 * Measurements with JMH: how fast this machine reads memory and multiplies matrices, and how near
 * to these limits a DEEM gets. A {@link io.deem.bench.Subject} is one thing that can be measured.
 */
package io.deem.bench;
