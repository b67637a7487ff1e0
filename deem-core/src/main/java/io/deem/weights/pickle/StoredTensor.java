package io.deem.weights.pickle;

/**
 * A tensor as a pickle describes it: a view on a storage. Not checked against the storage's size.
 *
 * @param storageType the class of the storage, for example {@code FloatStorage}
 * @param key the name of the storage's entry below {@code data/}
 * @param storageElements how many elements the storage says it has
 * @param offset of the first element, in elements
 * @param shape the dimensions, outermost first
 * @param stride steps between neighbours along each dimension, in elements
 */
@SuppressWarnings("ArrayRecordComponent") // made and read within the reader alone
public record StoredTensor(
    String storageType,
    String key,
    long storageElements,
    long offset,
    long[] shape,
    long[] stride) {
  /** Copies the arrays, so that the record stays immutable. */
  public StoredTensor {
    shape = shape.clone();
    stride = stride.clone();
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  @Override
  public long[] stride() {
    return stride.clone();
  }
}
