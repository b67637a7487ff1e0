/**
 * Makes a model folder of the checkpoints that a DEEM starts from, or of a DEEM that was trained in
 * Python: which tensor goes where, what is missing, and what is left over.
 */
package io.deem.imports;
