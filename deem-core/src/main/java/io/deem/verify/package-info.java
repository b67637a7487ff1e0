/**
 * Checks this implementation against reference numbers. A {@link io.deem.verify.Fixture} is a
 * folder of stored inputs, weights and results; a {@link io.deem.verify.FixtureCheck} computes the
 * results again and adds a {@link io.deem.verify.Comparison} for each to a {@link
 * io.deem.verify.Report}.
 */
package io.deem.verify;
