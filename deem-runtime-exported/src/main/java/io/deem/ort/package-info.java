/**
 * ONNX Runtime: sessions of compiled blocks and the values that they compute. Where the blocks come
 * from is another package's matter, or a folder's.
 */
package io.deem.ort;
