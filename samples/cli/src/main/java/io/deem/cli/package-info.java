/** The {@code deem} command: one class for each subcommand. */
package io.deem.cli;
