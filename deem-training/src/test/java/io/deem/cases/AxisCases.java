package io.deem.cases;

import static io.deem.cases.OpCase.In.floats;
import static io.deem.cases.OpCase.In.longs;
import static io.deem.cases.OpCase.In.random;

import io.deem.graph.Op;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Operations along axes. */
final class AxisCases {

  private AxisCases() {}

  static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    reductions(cases);
    distributions(cases);
    return cases;
  }

  private static void reductions(List<OpCase> cases) {
    cases.add(
        OpCase.of(
            Op.SUM,
            "one axis",
            random(1, 2, 3, 4),
            x -> x.sum(false, 1),
            x -> Nd.of(new int[] {2, 4}, i -> Nd.sum(3, k -> x.at(i[0], k, i[1])))));
    cases.add(
        OpCase.of(
            Op.SUM,
            "two axes, kept",
            random(2, 2, 3, 4),
            x -> x.sum(true, 0, -1),
            x ->
                Nd.of(new int[] {1, 3, 1}, i -> Nd.sum(2, a -> Nd.sum(4, b -> x.at(a, i[1], b))))));
    cases.add(
        OpCase.of(
            Op.SUM,
            "of integers",
            longs(Nd.list(1, 2, 3)),
            x -> x.sum(false, 0),
            x -> Nd.scalar(6)));
    cases.add(
        OpCase.of(
            Op.MEAN,
            "last axis",
            random(3, 2, 4).declared(OpCase.symbol("rows"), 4),
            x -> x.mean(true, -1),
            x -> Nd.of(new int[] {2, 1}, i -> Nd.sum(4, k -> x.at(i[0], k)) / 4)));
    cases.add(
        OpCase.of(
            Op.MEAN,
            "of everything",
            random(4, 2, 3),
            x -> x.mean(),
            x -> Nd.scalar(Nd.sum(6, k -> x.values()[k]) / 6)));
    cases.add(
        OpCase.of(
            Op.MAX,
            "",
            random(5, 3, 4),
            x -> x.max(false, 1),
            x -> Nd.of(new int[] {3}, i -> max(x, i[0]))));
    cases.add(
        OpCase.of(
            Op.ARG_MAX,
            "",
            random(6, 3, 4),
            x -> x.argMax(-1),
            x ->
                Nd.of(
                    new int[] {3},
                    i ->
                        IntStream.range(0, 4)
                            .filter(k -> x.at(i[0], k) == max(x, i[0]))
                            .findFirst()
                            .orElseThrow())));
    cases.add(
        OpCase.of(
            Op.CUMULATIVE_SUM,
            "",
            random(7, 2, 4),
            x -> x.cumulativeSum(1),
            x -> Nd.of(x.shape(), i -> Nd.sum(i[1] + 1, k -> x.at(i[0], k)))));
    cases.add(
        OpCase.of(
            Op.CUMULATIVE_SUM,
            "of integers",
            longs(Nd.list(1, 0, 1, 1)),
            x -> x.cumulativeSum(0),
            x -> Nd.list(1, 1, 2, 3)));
  }

  private static void distributions(List<OpCase> cases) {
    cases.add(
        OpCase.of(
            Op.SOFTMAX,
            "last axis",
            random(8, 3, 4),
            x -> x.softmax(-1),
            x -> Nd.of(x.shape(), i -> Math.exp(x.at(i) - logSumExp(x, i[0])))));
    cases.add(
        OpCase.of(
            Op.SOFTMAX,
            "first axis",
            random(9, 3, 1),
            x -> x.softmax(0),
            x -> {
              double total = Nd.sum(3, k -> Math.exp(x.at(k, 0)));
              return Nd.of(x.shape(), i -> Math.exp(x.at(i)) / total);
            }));
    cases.add(
        OpCase.of(
            Op.LOG_SOFTMAX,
            "",
            random(10, 3, 4),
            x -> x.logSoftmax(1),
            x -> Nd.of(x.shape(), i -> x.at(i) - logSumExp(x, i[0]))));
    cases.add(
        OpCase.of(
            Op.LOG_SUM_EXP,
            "",
            random(11, 3, 4),
            x -> x.logSumExp(false, 1),
            x -> Nd.of(new int[] {3}, i -> logSumExp(x, i[0]))));
    cases.add(
        OpCase.of(
            Op.LOG_SUM_EXP,
            "without overflow",
            floats(new Nd(new double[] {1000, 1000, -1000, -1000}, 2, 2)),
            x -> x.logSumExp(false, 1),
            x -> Nd.list(1000 + Math.log(2), -1000 + Math.log(2))));
    cases.add(
        OpCase.of(
                Op.DETACH,
                "after an operation",
                random(12, 3, 4),
                (Tensor x) -> x.exp().detach(),
                x -> x.map(Math::exp))
            .rough());
  }

  private static double max(Nd x, int row) {
    return IntStream.range(0, x.shape()[1]).mapToDouble(k -> x.at(row, k)).max().orElseThrow();
  }

  private static double logSumExp(Nd x, int row) {
    return Math.log(Nd.sum(x.shape()[1], k -> Math.exp(x.at(row, k))));
  }
}
