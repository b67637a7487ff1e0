/** Checks of fixtures that need an optimiser; found as services by {@code io.deem.verify}. */
package io.deem.training.verify;
