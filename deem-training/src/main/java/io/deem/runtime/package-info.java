/**
 * What the runtimes share: a model on an engine, behind a cache of encoded images and a guard that
 * bounds how many calls run at once, how long each may take and what happens to them on closing;
 * and the fall-back from one runtime to another.
 */
package io.deem.runtime;
