/**
 * The CPU runtime: models run on libtorch in 32 bits, behind a cache of encoded images and a guard
 * that bounds how many calls run at once, how long each may take, and what happens to them on
 * closing.
 */
package io.deem.runtime.cpu;
