package io.deem.cases;

import static io.deem.cases.OpCase.In.floats;
import static io.deem.cases.OpCase.In.random;

import io.deem.cases.OpCase.In;
import io.deem.graph.Op;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Products: matrices, convolutions, attention. */
final class ProductCases {

  private ProductCases() {}

  static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    matrices(cases);
    convolutions(cases);
    attention(cases);
    return cases;
  }

  private static void matrices(List<OpCase> cases) {
    cases.add(
        OpCase.of(
            Op.MATMUL,
            "",
            random(1, 2, 3),
            random(2, 3, 4),
            Tensor::matmul,
            (a, b) -> product(a, b, 2, 4)));
    cases.add(
        OpCase.of(
            Op.MATMUL,
            "stretched over a batch of unknown extent",
            random(3, 2, 1, 2, 3).declared(OpCase.symbol("batch"), 1, 2, 3),
            random(4, 5, 3, 2),
            Tensor::matmul,
            (a, b) -> product(a, b, 2, 5, 2, 2)));
    In weight = random(5, 4, 3);
    cases.add(
        OpCase.of(
            Op.LINEAR,
            "without a bias",
            random(6, 2, 2, 3),
            weight,
            (x, w) -> x.linear(w, null),
            (x, w) -> linear(x, w, Nd.scalar(0), 2, 2, 4)));
    cases.add(
        OpCase.of(
            Op.LINEAR,
            "with a bias",
            List.of(random(7, 2, 3), weight.asParam(), random(8, 4).asParam()),
            x -> x.get(0).linear(x.get(1), x.get(2)),
            x -> linear(x.get(0), x.get(1), x.get(2), 2, 4)));
  }

  private static Nd product(Nd a, Nd b, int... shape) {
    int inner = a.shape()[a.shape().length - 1];
    return Nd.of(
        shape,
        i ->
            Nd.sum(
                inner,
                k -> {
                  int[] left = i.clone();
                  int[] right = i.clone();
                  left[i.length - 1] = k;
                  right[i.length - 2] = k;
                  return a.at(left) * b.at(right);
                }));
  }

  private static Nd linear(Nd x, Nd weight, Nd bias, int... shape) {
    return Nd.of(
        shape,
        i -> {
          int out = i[i.length - 1];
          return bias.at(i)
              + Nd.sum(
                  weight.shape()[1],
                  k -> {
                    int[] at = i.clone();
                    at[i.length - 1] = k;
                    return x.at(at) * weight.at(out, k);
                  });
        });
  }

  private static void convolutions(List<OpCase> cases) {
    convolution(cases, "3x3, padded", random(10, 2, 2, 4, 5), random(11, 3, 2, 3, 3), 1, 1, 1);
    convolution(cases, "patches", random(12, 1, 3, 5, 4), random(13, 2, 3, 2, 2), 2, 0, 1);
    convolution(cases, "depthwise", random(14, 1, 3, 4, 4), random(15, 3, 1, 3, 3), 1, 1, 3);
    convolution(cases, "groups", random(16, 1, 4, 3, 3), random(17, 2, 2, 1, 1), 1, 0, 2);
    convolution(cases, "oblong kernel", random(18, 1, 1, 4, 5), random(19, 1, 1, 1, 3), 2, 1, 1);
    cases.add(
        OpCase.of(
            Op.CONV2D,
            "without a bias, of a batch of unknown extent",
            random(20, 2, 1, 3, 3).declared(OpCase.symbol("batch"), 1, 3, 3),
            random(21, 2, 1, 2, 2),
            (x, w) -> x.conv2d(w, null, 1, 0, 1),
            (x, w) -> convolve(x, w, new Nd(new double[2], 2), 1, 0, 1)));
    cases.add(
        OpCase.of(
            Op.CONV_TRANSPOSE2D,
            "",
            List.of(random(22, 2, 2, 2, 3), random(23, 2, 3, 2, 2), random(24, 3)),
            x -> x.get(0).convTranspose2d(x.get(1), x.get(2), 2),
            x ->
                Nd.of(
                    new int[] {2, 3, 4, 6},
                    i ->
                        x.get(2).at(i[1])
                            + Nd.sum(
                                2,
                                c ->
                                    x.get(0).at(i[0], c, i[2] / 2, i[3] / 2)
                                        * x.get(1).at(c, i[1], i[2] % 2, i[3] % 2)))));
  }

  private static void convolution(
      List<OpCase> cases, String what, In x, In weight, int stride, int padding, int groups) {
    In bias = random(30, weight.values().shape()[0]);
    cases.add(
        OpCase.of(
            Op.CONV2D,
            what,
            List.of(x, weight, bias),
            in -> in.get(0).conv2d(in.get(1), in.get(2), stride, padding, groups),
            in -> convolve(in.get(0), in.get(1), in.get(2), stride, padding, groups)));
  }

  private static Nd convolve(Nd x, Nd w, Nd bias, int stride, int padding, int groups) {
    int[] kernel = w.shape();
    int outPerGroup = kernel[0] / groups;
    int height = (x.shape()[2] + 2 * padding - kernel[2]) / stride + 1;
    int width = (x.shape()[3] + 2 * padding - kernel[3]) / stride + 1;
    return Nd.of(
        new int[] {x.shape()[0], kernel[0], height, width},
        i -> {
          double sum = bias.at(i[1]);
          for (int c = 0; c < kernel[1]; c++) {
            int channel = i[1] / outPerGroup * kernel[1] + c;
            for (int dy = 0; dy < kernel[2]; dy++) {
              for (int dx = 0; dx < kernel[3]; dx++) {
                int row = i[2] * stride + dy - padding;
                int column = i[3] * stride + dx - padding;
                sum += w.at(i[1], c, dy, dx) * x.padded(i[0], channel, row, column);
              }
            }
          }
          return sum;
        });
  }

  private static void attention(List<OpCase> cases) {
    In query = random(40, 2, 4, 3, 2);
    In key = random(41, 2, 4, 5, 2);
    In value = random(42, 2, 4, 5, 3);
    In grouped = random(43, 2, 2, 5, 2);
    attention(cases, "plain", List.of(query, key, value), false);
    attention(cases, "key heads shared", List.of(query, grouped, random(44, 2, 2, 5, 3)), false);
    Nd hidden = Nd.random(45, 2, 1, 1, 5);
    hidden.values()[1] = -1e30;
    attention(cases, "masked", List.of(query, key, value, floats(hidden)), false);
    attention(
        cases, "causal", List.of(query, random(46, 2, 2, 3, 2), random(47, 2, 2, 3, 2)), true);
    In unknown = query.declared(OpCase.symbol("batch"), 4, OpCase.symbol("length"), 2);
    attention(
        cases,
        "causal and masked, of unknown length",
        List.of(
            unknown,
            unknown,
            unknown,
            random(48, 2, 1, 3, 3)
                .declared(
                    OpCase.symbol("batch"), 1, OpCase.symbol("length"), OpCase.symbol("length"))),
        true);
  }

  private static void attention(List<OpCase> cases, String what, List<In> inputs, boolean causal) {
    double scale = 0.75;
    cases.add(
        OpCase.of(
            Op.ATTENTION,
            what,
            inputs,
            x ->
                x.get(0)
                    .attention(x.get(1), x.get(2), x.size() > 3 ? x.get(3) : null, causal, scale),
            x -> attend(x, causal, scale)));
  }

  private static Nd attend(List<Nd> x, boolean causal, double scale) {
    Nd query = x.get(0);
    Nd key = x.get(1);
    Nd value = x.get(2);
    int share = query.shape()[1] / key.shape()[1];
    int keys = key.shape()[2];
    int[] shape = query.shape().clone();
    shape[3] = value.shape()[3];
    return Nd.of(
        shape,
        i -> {
          double[] weights = new double[keys];
          double total = 0;
          for (int k = 0; k < keys; k++) {
            int at = k;
            double score =
                scale
                    * Nd.sum(
                        query.shape()[3],
                        d -> query.at(i[0], i[1], i[2], d) * key.at(i[0], i[1] / share, at, d));
            score += x.size() > 3 ? x.get(3).at(i[0], i[1], i[2], k) : 0;
            weights[k] = causal && k > i[2] ? 0 : Math.exp(score);
            total += weights[k];
          }
          double sum = 0;
          for (int k = 0; k < keys; k++) {
            sum += weights[k] / total * value.at(i[0], i[1] / share, k, i[3]);
          }
          return sum;
        });
  }
}
