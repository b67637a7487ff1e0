package io.deem.cases;

import static io.deem.cases.OpCase.In.floats;
import static io.deem.cases.OpCase.In.longs;
import static io.deem.cases.OpCase.In.random;

import io.deem.cases.OpCase.In;
import io.deem.graph.Dim;
import io.deem.graph.Op;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Operations on shapes, and look-ups. */
final class ShapeCases {

  private ShapeCases() {}

  static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    layouts(cases);
    pieces(cases);
    lookUps(cases);
    return cases;
  }

  private static void layouts(List<OpCase> cases) {
    Dim batch = OpCase.symbol("batch");
    Dim length = OpCase.symbol("length");
    cases.add(
        OpCase.of(Op.RESHAPE, "", random(1, 2, 6), x -> x.reshape(3, 4), x -> x.reshape(3, 4)));
    cases.add(
        OpCase.of(
            Op.RESHAPE,
            "of unknown extents",
            random(2, 2, 3, 4).declared(batch, length, 4),
            x -> x.reshape(batch.times(length), 2, 2).flatten(1, 2).unsqueeze(0).squeeze(0),
            x -> x.reshape(6, 4)));
    cases.add(
        OpCase.of(
            Op.TRANSPOSE,
            "",
            random(3, 2, 3, 4),
            x -> x.permute(2, 0, 1),
            x -> Nd.of(new int[] {4, 2, 3}, i -> x.at(i[1], i[2], i[0]))));
    cases.add(
        OpCase.of(
            Op.TRANSPOSE,
            "two axes",
            random(4, 2, 3, 4),
            x -> x.transpose(-1, 1),
            x -> Nd.of(new int[] {2, 4, 3}, i -> x.at(i[0], i[2], i[1]))));
    cases.add(
        OpCase.of(
            Op.EXPAND,
            "to an unknown extent",
            random(5, 1, 3),
            random(6, 2, 2).declared(batch, 2),
            (x, y) -> x.expand(batch, 3),
            (x, y) -> Nd.of(new int[] {2, 3}, x::at)));
    cases.add(
        OpCase.of(
            Op.EXPAND,
            "with a new axis",
            random(7, 2, 1),
            x -> x.expand(4, 2, 3),
            x -> Nd.of(new int[] {4, 2, 3}, x::at)));
    cases.add(
        OpCase.of(
            Op.FLIP,
            "",
            random(8, 2, 3),
            x -> x.flip(1),
            x -> Nd.of(x.shape(), i -> x.at(i[0], 2 - i[1]))));
    cases.add(
        OpCase.of(
            Op.PAD,
            "left, right, top, bottom",
            random(9, 1, 1, 2, 3),
            x -> x.pad(1, 2, 3, 4),
            x -> Nd.of(new int[] {1, 1, 9, 6}, i -> x.padded(0, 0, i[2] - 3, i[3] - 1))));
  }

  private static void pieces(List<OpCase> cases) {
    Dim batch = OpCase.symbol("batch");
    cases.add(
        OpCase.of(
            Op.CONCAT,
            "first axis",
            random(10, 2, 3),
            random(11, 1, 3),
            (a, b) -> Tensor.concat(0, a, b),
            (a, b) -> Nd.of(new int[] {3, 3}, i -> i[0] < 2 ? a.at(i) : b.at(0, i[1]))));
    cases.add(
        OpCase.of(
            Op.CONCAT,
            "last axis, an unknown extent beside it",
            random(12, 2, 3).declared(batch, 3),
            random(13, 2, 1).declared(batch, 1),
            (a, b) -> Tensor.concat(-1, a, b),
            (a, b) -> Nd.of(new int[] {2, 4}, i -> i[1] < 3 ? a.at(i) : b.at(i[0], 0))));
    cases.add(
        OpCase.of(
            Op.SLICE,
            "",
            random(14, 2, 5),
            x -> x.slice(1, 1, 4),
            x -> Nd.of(new int[] {2, 3}, i -> x.at(i[0], i[1] + 1))));
    cases.add(
        OpCase.of(
            Op.SLICE,
            "to an unknown end",
            random(15, 4, 2).declared(batch.times(2), 2),
            random(16, 2, 2).declared(batch, 2),
            (x, y) -> x.slice(0, batch, batch.times(2)).plus(y),
            (x, y) -> Nd.of(new int[] {2, 2}, i -> x.at(i[0] + 2, i[1]) + y.at(i))));
    cases.add(
        OpCase.of(
            Op.SLICE,
            "in equal parts",
            random(17, 2, 6),
            x -> x.chunk(1, 3).get(2).minus(x.chunk(1, 3).get(0)),
            x -> Nd.of(new int[] {2, 2}, i -> x.at(i[0], i[1] + 4) - x.at(i))));
  }

  private static void lookUps(List<OpCase> cases) {
    In table = random(20, 5, 3);
    // One row twice: its gradient is the sum of two.
    Nd ids = new Nd(new double[] {4, 0, 2, 4}, 2, 2);
    cases.add(
        OpCase.of(
            Op.EMBEDDING,
            "of a parameter",
            table.asParam(),
            longs(ids),
            Tensor::embedding,
            ShapeCases::rows));
    cases.add(
        OpCase.of(
            Op.EMBEDDING, "of an input", table, longs(ids), Tensor::embedding, ShapeCases::rows));
    cases.add(
        OpCase.of(
            Op.INDEX_SELECT,
            "",
            table,
            longs(Nd.list(2, 2, 0)),
            (x, index) -> x.indexSelect(1, index),
            (x, index) -> Nd.of(new int[] {5, 3}, i -> x.at(i[0], (int) index.at(i[1])))));
    cases.add(
        OpCase.of(
            Op.GATHER,
            "",
            table,
            longs(new Nd(new double[] {1, 0, 1, 2, 2, 1, 0, 0, 1, 1}, 5, 2)),
            (x, index) -> x.gather(1, index),
            (x, index) -> Nd.of(new int[] {5, 2}, i -> x.at(i[0], (int) index.at(i)))));
    cases.add(
        OpCase.of(
            Op.INDEX_COPY,
            "",
            List.of(table, longs(Nd.list(3, 1)), random(21, 2, 3)),
            x -> x.get(0).indexCopy(x.get(1), x.get(2)),
            x ->
                Nd.of(
                    new int[] {5, 3},
                    i ->
                        switch (i[0]) {
                          case 3 -> x.get(2).at(0, i[1]);
                          case 1 -> x.get(2).at(1, i[1]);
                          default -> x.get(0).at(i);
                        })));
    cases.add(
        OpCase.of(
            Op.INDEX_SELECT,
            "of integers",
            longs(Nd.list(7, 8, 9)),
            longs(Nd.list(2, 0)),
            (x, index) -> x.indexSelect(0, index),
            (x, index) -> Nd.list(9, 7)));
    cases.add(
        OpCase.of(
            Op.CONCAT, "of one part", floats(Nd.list(1, 2)), x -> Tensor.concat(0, x), x -> x));
  }

  private static Nd rows(Nd table, Nd ids) {
    return Nd.of(new int[] {2, 2, 3}, i -> table.at((int) ids.at(i[0], i[1]), i[2]));
  }
}
