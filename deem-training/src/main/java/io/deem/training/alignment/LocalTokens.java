package io.deem.training.alignment;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.VisualTokenizer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The encoder's tokens as the resampler reads them: the class token, then the local ones. Tokens
 * that describe a region, which some models put before them, are left out.
 */
final class LocalTokens {

  private record Key(int skipped, int length) {}

  private final int width;
  private final Map<Key, Block> all = new ConcurrentHashMap<>();
  private final Map<Key, Block> first = new ConcurrentHashMap<>();

  LocalTokens(DeemNetwork network) {
    this.width = network.config().visualResampler().encoderWidth();
  }

  /** The width of a token. */
  int width() {
    return width;
  }

  /** [batch, 1 + locals, width]. */
  Value all(Scope scope, VisualTokenizer.Tokens seen) {
    Key key = key(seen);
    return key.skipped == 0
        ? seen.encoded()
        : scope.run1(all.computeIfAbsent(key, k -> cut(k, false)), seen.encoded());
  }

  /** The class token, [batch, width]. */
  Value first(Scope scope, VisualTokenizer.Tokens seen) {
    return scope.run1(first.computeIfAbsent(key(seen), k -> cut(k, true)), seen.encoded());
  }

  private static Key key(VisualTokenizer.Tokens seen) {
    int skipped = seen.region() == null ? 0 : Math.toIntExact(seen.region().tokens().shape()[1]);
    return new Key(skipped, Math.toIntExact(seen.encoded().shape()[1]));
  }

  private Block cut(Key key, boolean one) {
    return Graph.block(
        "class and local tokens",
        g -> {
          Tensor x = g.input("tokens", Shape.of(Dim.symbol("batch"), key.length, width));
          return List.of(
              one
                  ? x.slice(1, key.skipped, key.skipped + 1).squeeze(1)
                  : x.slice(1, key.skipped, key.length));
        });
  }
}
