/** What a runtime or a platform implements; found by {@link java.util.ServiceLoader}. */
package io.deem.spi;
