package io.deem.torch;

import ai.djl.Device;
import java.util.Objects;

/**
 * Where and how an engine computes.
 *
 * @param precision the arithmetic of blocks
 * @param device {@code cpu}, or {@code cuda:N} for the N-th GPU, counted from 0
 * @param narrowWeights whether weights that only products and look-ups read are kept in bfloat16,
 *     unless they learn. Needs {@link Precision#BF16}
 * @param fusedAttention whether attention is one kernel. On processors that loses at the lengths of
 *     a few hundred tokens that images and questions have; on GPUs it wins
 * @param channelsLast whether convolutions work on images whose channels lie together, as tensor
 *     cores want them
 * @param fixedCaches whether decoding writes keys and values into caches of a fixed capacity
 * @param residentBytes the most bytes of weights that stay on the device. What does not fit any
 *     more when it is first needed stays in the processor's memory, page-locked, and visits the
 *     device for the time of a block; weights that learn stay on the device in any case
 */
public record TorchOptions(
    Precision precision,
    String device,
    boolean narrowWeights,
    boolean fusedAttention,
    boolean channelsLast,
    boolean fixedCaches,
    long residentBytes) {

  /** The name of the processor as a device. */
  public static final String CPU = "cpu";

  private static final String CUDA = "cuda:";

  private static final int LAYERS_PER_BLOCK = 8;

  /** Checks the device's name and that the options go together. */
  public TorchOptions {
    Objects.requireNonNull(precision, "precision");
    if (!device.equals(CPU) && !device.matches(CUDA + "[0-9]{1,3}")) {
      throw new IllegalArgumentException(
          "a device is " + CPU + " or " + CUDA + "N, not '" + device + "'");
    }
    if (narrowWeights && precision != Precision.BF16) {
      throw new IllegalArgumentException("bfloat16 weights need bfloat16 arithmetic");
    }
    if (residentBytes < 0) {
      throw new IllegalArgumentException(
          "weights on the device take at least 0 bytes, not " + residentBytes);
    }
  }

  /** What suits processors, in 32 bits. */
  public static TorchOptions onProcessor() {
    return onProcessor(Precision.FP32);
  }

  /** What suits processors. */
  public static TorchOptions onProcessor(Precision precision) {
    return new TorchOptions(precision, CPU, false, false, false, false, Long.MAX_VALUE);
  }

  /**
   * What suits GPUs: bfloat16 weights and products, fused attention, channels last, fixed caches.
   * The device may be {@code cpu}, to run without a GPU exactly what a GPU would.
   */
  public static TorchOptions accelerated(String device) {
    return new TorchOptions(Precision.BF16, device, true, true, true, true, Long.MAX_VALUE);
  }

  /**
   * These with other arithmetic; weights are kept in bfloat16 only under {@link Precision#BF16}.
   */
  public TorchOptions withPrecision(Precision other) {
    boolean narrow = narrowWeights && other == Precision.BF16;
    return new TorchOptions(
        other, device, narrow, fusedAttention, channelsLast, fixedCaches, residentBytes);
  }

  /** These with another limit for the weights that stay on the device. */
  public TorchOptions withResidentBytes(long bytes) {
    return new TorchOptions(
        precision, device, narrowWeights, fusedAttention, channelsLast, fixedCaches, bytes);
  }

  /**
   * How many layers of a language model are one block. Where each call waits for a processor to
   * launch it, what layers share is worth computing once; weights that visit the device, though,
   * are all there at once for the time of a block.
   */
  int layersPerBlock() {
    return fixedCaches && residentBytes == Long.MAX_VALUE ? LAYERS_PER_BLOCK : 1;
  }

  /** Whether the device is a GPU. */
  public boolean onGpu() {
    return !device.equals(CPU);
  }

  Device djlDevice() {
    return onGpu() ? Device.gpu(Integer.parseInt(device.substring(CUDA.length()))) : Device.cpu();
  }
}
