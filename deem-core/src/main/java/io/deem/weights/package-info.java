/**
 * Model weights on disk: the safetensors format read through memory maps and written atomically,
 * single files and indexed sets of shards. Files are treated as untrusted: every header is checked
 * in full before anything of its size is allocated.
 */
package io.deem.weights;
