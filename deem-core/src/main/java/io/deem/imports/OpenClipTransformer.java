package io.deem.imports;

import io.deem.portable.Buffers;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The weights of a vision transformer in open_clip's layout, where one matrix projects to queries,
 * keys and values, with that matrix and its bias taken apart: {@code in_proj_weight} is three
 * tensors, {@code in_proj_weight[query]} and so on. Everything else is as it is.
 */
final class OpenClipTransformer implements TensorSource {

  /** What the parts are called, in the order of their rows. */
  static final List<String> PARTS = List.of("[query]", "[key]", "[value]");

  private record Part(String fused, int number, TensorInfo info) {}

  private final TensorSource stored;
  private final Map<String, Part> parts = new LinkedHashMap<>();

  private OpenClipTransformer(TensorSource stored) {
    this.stored = stored;
    for (String name : stored.names()) {
      TensorInfo info = stored.info(name);
      long[] shape = info.shape();
      if (isFused(name) && shape.length > 0 && shape[0] % PARTS.size() == 0) {
        shape[0] /= PARTS.size();
        long length = info.length() / PARTS.size();
        for (int i = 0; i < PARTS.size(); i++) {
          String part = name + PARTS.get(i);
          long offset = info.offset() + i * length;
          parts.put(
              part, new Part(name, i, new TensorInfo(part, info.type(), shape, offset, length)));
        }
      } else {
        parts.put(name, new Part(name, -1, info));
      }
    }
  }

  /** The same weights, taken apart if there is anything to take apart. */
  static TensorSource apart(TensorSource stored) {
    boolean fused = stored.names().stream().anyMatch(OpenClipTransformer::isFused);
    return fused ? new OpenClipTransformer(stored) : stored;
  }

  private static boolean isFused(String name) {
    return name.contains("visual.transformer.resblocks.") && name.contains(".attn.in_proj_");
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(parts.keySet());
  }

  @Override
  public TensorInfo info(String name) {
    return part(name).info;
  }

  @Override
  public ByteBuffer bytes(String name) {
    Part part = part(name);
    ByteBuffer whole = stored.bytes(part.fused);
    if (part.number < 0) {
      return whole;
    }
    int length = Math.toIntExact(part.info.length());
    return Buffers.slice(whole, part.number * length, length).order(whole.order());
  }

  @Override
  public float[] floats(String name) {
    Part part = part(name);
    float[] whole = stored.floats(part.fused);
    if (part.number < 0) {
      return whole;
    }
    int length = Math.toIntExact(part.info.elements());
    return Arrays.copyOfRange(whole, part.number * length, (part.number + 1) * length);
  }

  @Override
  public long[] longs(String name) {
    Part part = part(name);
    if (part.number >= 0) {
      throw new IllegalArgumentException(origin(name) + ": " + name + " holds no integers");
    }
    return stored.longs(part.fused);
  }

  @Override
  public String origin() {
    return stored.origin();
  }

  @Override
  public String origin(String name) {
    Part part = parts.get(name);
    return stored.origin(part == null ? name : part.fused);
  }

  @Override
  public void close() {
    stored.close();
  }

  private Part part(String name) {
    Part part = parts.get(name);
    if (part == null) {
      throw new IllegalArgumentException(origin() + ": no tensor " + name);
    }
    return part;
  }
}
