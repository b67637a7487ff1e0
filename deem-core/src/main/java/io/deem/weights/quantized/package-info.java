/**
 * Weights in four or eight bits: matrices cut into blocks of a row, each block with its own scale,
 * laid out as ONNX Runtime's MatMulNBits and GatherBlockQuantized read them, and a cache of them
 * beside the model, so that a model is quantised once.
 */
package io.deem.weights.quantized;
