package io.deem.perception;

import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.model.VisualTokenizer;
import java.util.List;

/**
 * What the encoder saw in one image, in plain memory, so that it outlives the scope that computed
 * it and can be given to any engine.
 *
 * @param tokens for the language model, [1, queries, language width]
 * @param condition for the diffusion model, [1, queries, condition width]
 * @param maps with positions added, [1, width, h, w] at strides 4 to 32
 */
public record EncodedImage(Part tokens, Part condition, List<Part> maps) {

  /**
   * A tensor.
   *
   * @param values in row-major order
   * @param shape whose first extent is 1
   */
  public record Part(float[] values, long[] shape) {

    static Part of(Value value) {
      return new Part(value.floats(), value.shape());
    }

    /** The tensor several times along its first axis. */
    Value upload(Scope scope, int times) {
      float[] repeated = new float[Math.multiplyExact(values.length, times)];
      for (int i = 0; i < times; i++) {
        System.arraycopy(values, 0, repeated, i * values.length, values.length);
      }
      long[] extents = shape.clone();
      extents[0] = times;
      return scope.floats(repeated, extents);
    }
  }

  public EncodedImage {
    maps = List.copyOf(maps);
  }

  static EncodedImage of(VisualTokenizer.Tokens seen) {
    return new EncodedImage(
        Part.of(seen.tokens()),
        Part.of(seen.condition()),
        seen.maps().stream().map(Part::of).toList());
  }

  /** What the language model takes, several times along the first axes. */
  InterleavedText.Sight upload(Scope scope, int times) {
    return new InterleavedText.Sight(tokens.upload(scope, times), uploadMaps(scope, times));
  }

  /** The maps, each several times along its first axis. */
  List<Value> uploadMaps(Scope scope, int times) {
    return maps.stream().map(map -> map.upload(scope, times)).toList();
  }

  /** The memory that the numbers take. */
  public long bytes() {
    long numbers = (long) tokens.values.length + condition.values.length;
    for (Part map : maps) {
      numbers += map.values.length;
    }
    return numbers * Float.BYTES;
  }
}
