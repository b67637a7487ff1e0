/** Perception over HTTP. */
package io.deem.server;
