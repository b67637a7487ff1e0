package io.deem;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How much memory a training will take at its peak, before it starts.
 *
 * @param parts bytes by what they are for, in a fixed order
 */
public record MemoryEstimate(Map<String, Long> parts) {

  public MemoryEstimate {
    parts = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(parts));
  }

  /** All parts together, in bytes. */
  public long total() {
    return parts.values().stream().mapToLong(Long::longValue).sum();
  }
}
