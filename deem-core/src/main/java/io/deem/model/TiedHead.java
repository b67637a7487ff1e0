package io.deem.model;

import io.deem.graph.Param;
import io.deem.weights.ElementType;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Weights with a text head that is not stored but follows from the embeddings: the row of each of
 * the language model's own tokens is its embedding, with bias 0; that of an added token is zero,
 * with bias -100, so that what {@code head_new} has learnt alone decides it.
 */
final class TiedHead implements TensorSource {

  static final String WEIGHT = "text_decoder.head.weight";
  static final String BIAS = "text_decoder.head.bias";

  private static final float ADDED_BIAS = -100;

  private final TensorSource stored;
  private final Param embeddings;
  private final int own;

  /**
   * The view.
   *
   * @param embeddings the embedding table, [vocabulary, width]
   * @param own tokens of the language model before any were added
   */
  TiedHead(TensorSource stored, Param embeddings, int own) {
    this.stored = stored;
    this.embeddings = embeddings;
    this.own = own;
  }

  /** Whether the weights hold no head, or the very one that this view would derive. */
  static boolean fits(TensorSource weights, Param embeddings, int own) {
    TiedHead derived = new TiedHead(weights, embeddings, own);
    return List.of(WEIGHT, BIAS).stream()
        .filter(weights::contains)
        .allMatch(name -> same(weights.floats(name), derived.floats(name)));
  }

  /** Whether numbers are equal; unlike for {@link Arrays#equals}, zero has no sign. */
  private static boolean same(float[] a, float[] b) {
    return a.length == b.length && IntStream.range(0, a.length).allMatch(i -> a[i] == b[i]);
  }

  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>(stored.names());
    names.add(WEIGHT);
    names.add(BIAS);
    return names;
  }

  @Override
  public boolean contains(String name) {
    return isDerived(name) || stored.contains(name);
  }

  @Override
  public TensorInfo info(String name) {
    if (!isDerived(name)) {
      return stored.info(name);
    }
    long[] table = embeddings.shape().extents();
    long[] shape = name.equals(WEIGHT) ? table : new long[] {table[0]};
    long elements = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    return new TensorInfo(name, ElementType.F32, shape, 0, elements * Float.BYTES);
  }

  @Override
  public ByteBuffer bytes(String name) {
    if (!isDerived(name)) {
      return stored.bytes(name);
    }
    float[] values = floats(name);
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.multiplyExact(values.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public float[] floats(String name) {
    if (name.equals(WEIGHT)) {
      float[] rows = stored.floats(embeddings.name(), embeddings.shape().extents());
      int width = embeddings.shape().dim(1).value();
      Arrays.fill(rows, own * width, rows.length, 0);
      return rows;
    }
    if (name.equals(BIAS)) {
      float[] bias = new float[embeddings.shape().dim(0).value()];
      Arrays.fill(bias, own, bias.length, ADDED_BIAS);
      return bias;
    }
    return stored.floats(name);
  }

  @Override
  public void floats(String name, long from, float[] to, int count) {
    if (!isDerived(name)) {
      stored.floats(name, from, to, count);
      return;
    }
    if (name.equals(BIAS)) {
      TensorSource.super.floats(name, from, to, count);
      return;
    }
    stored.floats(embeddings.name(), from, to, count);
    long kept = (long) own * embeddings.shape().dim(1).value();
    if (from + count > kept) {
      Arrays.fill(to, (int) Math.max(0, kept - from), count, 0);
    }
  }

  @Override
  public long[] longs(String name) {
    return stored.longs(name);
  }

  @Override
  public Optional<Path> file(String name) {
    return isDerived(name) ? Optional.empty() : stored.file(name);
  }

  @Override
  public String origin() {
    return stored.origin();
  }

  @Override
  public String origin(String name) {
    return stored.origin(isDerived(name) ? embeddings.name() : name);
  }

  @Override
  public void close() {
    stored.close();
  }

  static boolean isDerived(String name) {
    return name.equals(WEIGHT) || name.equals(BIAS);
  }
}
