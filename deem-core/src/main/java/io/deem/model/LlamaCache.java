package io.deem.model;

import io.deem.graph.Value;
import java.util.List;

/**
 * What {@link LlamaDecoder} keeps of earlier tokens. Its values belong to the scope of the call
 * that made them.
 *
 * @param entries one for each layer
 * @param visible [batch, images]: the images that the prompt's last token sees; null without images
 */
public record LlamaCache(List<Entry> entries, Value visible) {

  /**
   * One layer's part.
   *
   * @param keys [batch, key heads, tokens, head width], with positions applied
   * @param values [batch, key heads, tokens, head width]
   * @param images [batch * images * heads, head width, pixels]: projected image features; null if
   *     the layer looks at none
   */
  public record Entry(Value keys, Value values, Value images) {}

  /** The number of tokens held. */
  public long length() {
    return entries.get(0).keys().shape()[2];
  }
}
