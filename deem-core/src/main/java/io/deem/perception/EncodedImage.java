package io.deem.perception;

import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.model.VisualTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What the encoder saw in one image, or in a region of one, in plain memory, so that it outlives
 * the scope that computed it and can be given to any engine.
 *
 * @param tokens for the language model, [1, queries, language width]
 * @param condition for the diffusion model, [1, queries, condition width]
 * @param maps of the whole image with positions added, [1, width, h, w] at strides 4 to 32
 * @param seenMaps the same, zero outside the region; the same list if there is none
 */
public record EncodedImage(Part tokens, Part condition, List<Part> maps, List<Part> seenMaps) {

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

    /** The rows of a tensor. */
    static List<Part> rows(Value value) {
      long[] shape = value.shape().clone();
      int rows = Math.toIntExact(shape[0]);
      shape[0] = 1;
      float[] all = value.floats();
      int width = all.length / rows;
      List<Part> parts = new ArrayList<>();
      for (int row = 0; row < rows; row++) {
        float[] values = Arrays.copyOfRange(all, row * width, (row + 1) * width);
        parts.add(new Part(values, shape.clone()));
      }
      return parts;
    }

    /** The tensor several times along its first axis. */
    Value upload(Scope scope, int times) {
      return upload(scope, Collections.nCopies(times, this));
    }

    /** Tensors of one shape along their first axis. */
    static Value upload(Scope scope, List<Part> parts) {
      int width = parts.get(0).values.length;
      float[] joined = new float[Math.multiplyExact(width, parts.size())];
      for (int i = 0; i < parts.size(); i++) {
        System.arraycopy(parts.get(i).values, 0, joined, i * width, width);
      }
      long[] extents = parts.get(0).shape.clone();
      extents[0] = parts.size();
      return scope.floats(joined, extents);
    }
  }

  public EncodedImage {
    boolean whole = maps == seenMaps;
    maps = List.copyOf(maps);
    seenMaps = whole ? maps : List.copyOf(seenMaps);
  }

  /**
   * What was seen in several images.
   *
   * @param regions whether only regions of them were seen
   */
  static List<EncodedImage> of(VisualTokenizer.Tokens seen, boolean regions) {
    List<Part> tokens = Part.rows(seen.tokens());
    List<Part> conditions = Part.rows(seen.condition());
    List<List<Part>> maps = seen.maps().stream().map(Part::rows).collect(Collectors.toList());
    List<List<Part>> masked =
        regions ? seen.maskedMaps().stream().map(Part::rows).collect(Collectors.toList()) : maps;
    List<EncodedImage> images = new ArrayList<>();
    for (int i = 0; i < tokens.size(); i++) {
      int image = i;
      List<Part> whole = maps.stream().map(rows -> rows.get(image)).collect(Collectors.toList());
      List<Part> part =
          regions
              ? masked.stream().map(rows -> rows.get(image)).collect(Collectors.toList())
              : whole;
      images.add(new EncodedImage(tokens.get(i), conditions.get(i), whole, part));
    }
    return images;
  }

  /** What the language model takes of several images. */
  static InterleavedText.Sight upload(Scope scope, List<EncodedImage> images) {
    return new InterleavedText.Sight(
        upload(scope, images, EncodedImage::tokens), uploadMaps(scope, images));
  }

  /** The maps of several whole images. */
  static List<Value> uploadMaps(Scope scope, List<EncodedImage> images) {
    List<Value> maps = new ArrayList<>();
    for (int i = 0; i < images.get(0).maps.size(); i++) {
      int level = i;
      maps.add(upload(scope, images, image -> image.maps.get(level)));
    }
    return maps;
  }

  private static Value upload(
      Scope scope, List<EncodedImage> images, Function<EncodedImage, Part> part) {
    return Part.upload(scope, images.stream().map(part).collect(Collectors.toList()));
  }

  /** The memory that the numbers take. */
  public long bytes() {
    long numbers = (long) tokens.values.length + condition.values.length + numbers(maps);
    return (numbers + (seenMaps == maps ? 0 : numbers(seenMaps))) * Float.BYTES;
  }

  private static long numbers(List<Part> parts) {
    return parts.stream().mapToLong(part -> part.values.length).sum();
  }
}
