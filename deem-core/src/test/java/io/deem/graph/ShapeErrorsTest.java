package io.deem.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Operands that do not fit are refused when the graph is built, with what was given. */
class ShapeErrorsTest {

  private static final Dim BATCH = Dim.symbol("batch");

  /**
   * A misuse.
   *
   * @param name for the report
   * @param body applies the operation to operands that do not fit
   * @param parts what the message must say
   */
  private record Misuse(String name, Function<Graph, Tensor> body, List<String> parts) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Misuse misuse(String name, Function<Graph, Tensor> body, String... parts) {
    return new Misuse(name, body, List.of(parts));
  }

  static Stream<Misuse> misuses() {
    return Stream.of(elements(), products(), layouts(), lookUps(), maps()).flatMap(List::stream);
  }

  private static List<Misuse> elements() {
    return List.of(
        misuse("plus", g -> x(g, 2, 3).plus(x(g, 2, 4)), "ADD", "[2,3] and [2,4]"),
        misuse("unknown and known", g -> x(g, BATCH).times(x(g, 4)), "MUL", "[batch] and [4]"),
        misuse("types", g -> x(g, 2).plus(ids(g, 2)), "ADD", "FLOAT", "INT64"),
        misuse("and", g -> x(g, 2).and(x(g, 2)), "and", "BOOL", "FLOAT"),
        misuse("not", g -> ids(g, 2).not(), "not", "BOOL", "INT64"),
        misuse("condition", g -> x(g, 2).where(x(g, 2), x(g, 2)), "where", "BOOL", "FLOAT"),
        misuse("where", g -> truth(g, 2).where(x(g, 2), x(g, 3)), "where", "[2] and [3]"),
        misuse("choices", g -> truth(g, 2).where(x(g, 2), ids(g, 2)), "where", "FLOAT", "INT64"),
        misuse("exp of integers", g -> ids(g, 2).exp(), "EXP", "FLOAT", "INT64"),
        misuse("clamp of integers", g -> ids(g, 2).clamp(0, 1), "CLAMP", "FLOAT", "INT64"),
        misuse("quotient of integers", g -> ids(g, 2).dividedBy(ids(g, 2)), "DIV", "INT64"),
        misuse("sum of truths", g -> truth(g, 2).sum(false, 0), "SUM", "BOOL"),
        misuse("truth plus truth", g -> truth(g, 2).plus(truth(g, 2)), "ADD", "BOOL"),
        misuse("truth plus a number", g -> truth(g, 2).plus(1.0), "ADD_SCALAR", "BOOL"),
        misuse("mean of integers", g -> ids(g, 2).mean(false, 0), "MEAN", "FLOAT", "INT64"),
        misuse("softmax of integers", g -> ids(g, 2).softmax(0), "SOFTMAX", "FLOAT", "INT64"));
  }

  private static List<Misuse> products() {
    return List.of(
        misuse("matmul", g -> x(g, 2, 3).matmul(x(g, 4, 2)), "matmul", "[2,3] and [4,2]"),
        misuse("vectors", g -> x(g, 3).matmul(x(g, 3, 2)), "matmul", "[3] and [3,2]"),
        misuse("batches", g -> x(g, 2, 1, 3).matmul(x(g, 4, 3, 1)), "matmul", "[2] and [4]"),
        misuse("product of integers", g -> ids(g, 2, 3).matmul(x(g, 3, 2)), "MATMUL", "INT64"),
        misuse("linear", g -> x(g, 2, 3).linear(x(g, 5, 4), null), "linear", "[2,3] and [5,4]"),
        misuse("bias", g -> x(g, 2, 3).linear(x(g, 5, 3), x(g, 4)), "bias of linear", "[5]", "[4]"),
        misuse(
            "conv2d rank",
            g -> x(g, 3, 8, 8).conv2d(x(g, 4, 3, 3, 3), null, 1, 1, 1),
            "conv2d",
            "4 axes",
            "[3,8,8]"),
        misuse(
            "conv2d channels",
            g -> x(g, 1, 3, 8, 8).conv2d(x(g, 4, 2, 3, 3), null, 1, 1, 1),
            "conv2d",
            "[1,3,8,8] and [4,2,3,3]"),
        misuse(
            "conv2d kernel",
            g -> x(g, 1, 3, 2, 2).conv2d(x(g, 4, 3, 3, 3), null, 1, 0, 1),
            "conv2d",
            "kernel",
            "[1,3,2,2]"),
        misuse(
            "conv2d kernel, strided",
            g -> x(g, 1, 3, 2, 2).conv2d(x(g, 4, 3, 3, 3), null, 2, 0, 1),
            "conv2d",
            "kernel",
            "[1,3,2,2]"),
        misuse(
            "convTranspose2d",
            g -> x(g, 1, 3, 2, 2).convTranspose2d(x(g, 3, 4, 3, 3), null, 2),
            "convTranspose2d",
            "[3,4,2,2]",
            "[3,4,3,3]"),
        misuse(
            "attention depth",
            g -> x(g, 1, 2, 3, 4).attention(x(g, 1, 2, 5, 8), x(g, 1, 2, 5, 4), null, false, 1),
            "attention",
            "[1,2,3,4], [1,2,5,8] and [1,2,5,4]"),
        misuse(
            "attention heads",
            g -> x(g, 1, 3, 3, 4).attention(x(g, 1, 2, 5, 4), x(g, 1, 2, 5, 4), null, false, 1),
            "attention",
            "[1,3,3,4], [1,2,5,4] and [1,2,5,4]"),
        misuse(
            "attention mask",
            g ->
                x(g, 1, 2, 3, 4)
                    .attention(x(g, 1, 2, 5, 4), x(g, 1, 2, 5, 4), x(g, 3, 3), false, 1),
            "attention",
            "[3,3]",
            "[1,2,3,5]"));
  }

  private static List<Misuse> layouts() {
    return List.of(
        misuse("reshape", g -> x(g, 2, 3).reshape(4, 2), "reshape", "6 elements of [2,3]", "[4,2]"),
        misuse("reshape of unknown", g -> x(g, BATCH, 3).reshape(BATCH, 2), "3*batch", "[batch,2]"),
        misuse("permute", g -> x(g, 2, 3).permute(0, 0), "permute", "[2,3]", "[0, 0]"),
        misuse("axis", g -> x(g, 2, 3).transpose(0, 2), "axis 2", "[2,3]"),
        misuse("expand", g -> x(g, 2, 3).expand(2, 4), "expand", "[2,3] and [2,4]"),
        misuse("concat", g -> Tensor.concat(0, x(g, 2, 3), x(g, 2, 4)), "concat", "[2,3]", "[2,4]"),
        misuse("slice beyond", g -> x(g, 2, 3).slice(1, 1, 4), "slice", "[2,3]", "1:4"),
        misuse("slice backwards", g -> x(g, 2, 3).slice(1, 2, 1), "slice", "[2,3]", "2:1"),
        misuse("chunk", g -> x(g, 2, 5).chunk(1, 2).get(0), "5", "2"));
  }

  private static List<Misuse> lookUps() {
    return List.of(
        misuse("ids", g -> x(g, 5, 3).embedding(x(g, 2)), "embedding", "INT64", "FLOAT"),
        misuse("table", g -> x(g, 5).embedding(ids(g, 2)), "embedding", "2 axes", "[5]"),
        misuse("index", g -> x(g, 5).indexSelect(0, ids(g, 2, 2)), "indexSelect", "[2,2]"),
        misuse("gather", g -> x(g, 5, 3).gather(1, ids(g, 5)), "gather", "2 axes", "[5]"),
        misuse(
            "indexCopy",
            g -> x(g, 5, 3).indexCopy(ids(g, 2), x(g, 3, 3)),
            "indexCopy",
            "[2,3]",
            "[3,3]"),
        misuse(
            "crossEntropy",
            g -> x(g, 4, 3).crossEntropy(ids(g, 5), -100),
            "crossEntropy",
            "[4]",
            "[5]"));
  }

  private static List<Misuse> maps() {
    return List.of(
        misuse(
            "layerNorm", g -> x(g, 2, 3).layerNorm(x(g, 2), null, 1e-5), "layerNorm", "[3]", "[2]"),
        misuse("rmsNorm", g -> x(g, 2, 3).rmsNorm(x(g, 2), 1e-5), "rmsNorm", "[3]", "[2]"),
        misuse(
            "groupNorm",
            g -> x(g, 1, 6, 2).groupNorm(4, x(g, 6), x(g, 6), 1e-5),
            "groupNorm",
            "divisible by 4",
            "[1,6,2]"),
        misuse(
            "rope",
            g -> x(g, 1, 2, 3, 4).rope(x(g, 1, 3, 4), x(g, 1, 3, 4)),
            "rope",
            "[1,3,2]",
            "[1,3,4]"),
        misuse(
            "gridSample",
            g -> x(g, 1, 2, 3, 4).gridSample(x(g, 2, 5, 5, 2)),
            "gridSample",
            "[1,5,5,2]",
            "[2,5,5,2]"),
        misuse(
            "resize",
            g -> x(g, 2, 3, 4).resize(Resampling.BILINEAR, false, 2, 2),
            "resize",
            "4 axes",
            "[2,3,4]"));
  }

  @ParameterizedTest
  @MethodSource("misuses")
  void theMessageNamesTheBlockAndWhatWasGiven(Misuse misuse) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> Graph.block("the block", g -> List.of(misuse.body.apply(g))));
    assertTrue(e.getMessage().startsWith("in the block the block: "), e.getMessage());
    for (String part : misuse.parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage() + " lacks " + part);
    }
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void inputsAreCheckedWhenABlockRuns() {
    Block block = Graph.block("pair", g -> List.of(x(g, BATCH, 3).plus(x(g, BATCH, 1))));
    assertEquals(2L, block.bind(List.of(new long[] {2, 3}, new long[] {2, 1})).get("batch"));
    assertMessage(block, "[5,1]", new long[] {2, 3}, new long[] {5, 1});
    assertMessage(block, "[2,4]", new long[] {2, 4}, new long[] {2, 1});
    assertMessage(block, "[3]", new long[] {3}, new long[] {2, 1});
    assertMessage(block, "2 inputs", new long[] {2, 3});
  }

  private static void assertMessage(Block block, String part, long[]... shapes) {
    ShapeException e = assertThrows(ShapeException.class, () -> block.bind(List.of(shapes)));
    assertTrue(e.getMessage().contains("pair") && e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void tensorsOfTwoBlocksDoNotMix() {
    List<Tensor> foreign = new ArrayList<>();
    Graph.block(
        "first",
        g -> {
          foreign.add(x(g, 2));
          return foreign;
        });
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> Graph.block("second", g -> List.of(x(g, 2).plus(foreign.get(0)))));
    assertTrue(e.getMessage().contains("second"), e.getMessage());
  }

  private static Tensor x(Graph g, Object... extents) {
    return g.input("x", Shape.of(extents));
  }

  private static Tensor ids(Graph g, Object... extents) {
    return g.input("ids", Shape.of(extents), DataType.INT64);
  }

  private static Tensor truth(Graph g, Object... extents) {
    return g.input("truth", Shape.of(extents), DataType.BOOL);
  }
}
