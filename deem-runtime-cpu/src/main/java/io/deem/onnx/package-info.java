/**
 * The ONNX Runtime engine: compiles blocks to ONNX models, with the weights mapped from where they
 * are stored, and runs them forward.
 */
package io.deem.onnx;
