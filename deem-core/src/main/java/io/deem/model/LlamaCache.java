package io.deem.model;

import io.deem.graph.Value;
import java.util.List;

/**
 * What {@link LlamaDecoder} keeps of earlier tokens. Its values belong to the scope of the call
 * that made them.
 *
 * @param entries one for each layer
 * @param visible [batch, images]: the images that the prompt's last token sees; null without images
 * @param room places for tokens to come, after those held; 0 for a cache that grows with each step
 */
public record LlamaCache(List<Entry> entries, Value visible, int room) {

  /** A cache that grows with each step. */
  public LlamaCache(List<Entry> entries, Value visible) {
    this(entries, visible, 0);
  }

  /**
   * One layer's part.
   *
   * @param keys [batch, key heads, tokens and room, head width], with positions applied
   * @param values [batch, key heads, tokens and room, head width]
   * @param images [batch * images * heads, head width, pixels]: projected image features; null if
   *     the layer looks at none
   */
  public record Entry(Value keys, Value values, Value images) {}

  /** The number of tokens held. */
  public long length() {
    return capacity() - room;
  }

  /** The number of tokens held and of those there is room for. */
  public long capacity() {
    return entries.get(0).keys().shape()[2];
  }
}
