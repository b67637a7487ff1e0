package io.deem.cases;

import static io.deem.cases.OpCase.In.floats;
import static io.deem.cases.OpCase.In.longs;
import static io.deem.cases.OpCase.In.random;

import io.deem.graph.Op;
import io.deem.graph.Resampling;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Norms, rotary embedding, sampling of maps, and the loss. */
final class NormCases {

  private static final double EPSILON = 1e-3;

  private NormCases() {}

  static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    norms(cases);
    rope(cases);
    cases.add(
        OpCase.of(
            Op.GRID_SAMPLE,
            "inside and outside",
            random(20, 2, 2, 3, 5),
            floats(Nd.random(21, 2, 2, 3, 2).map(v -> v * 0.75)),
            Tensor::gridSample,
            NormCases::gridSample));
    resizes(cases);
    crossEntropy(cases);
    return cases;
  }

  private static void norms(List<OpCase> cases) {
    cases.add(
        OpCase.of(
            Op.LAYER_NORM,
            "",
            List.of(random(1, 2, 3, 4), random(2, 4), random(3, 4)),
            x -> x.get(0).layerNorm(x.get(1), x.get(2), EPSILON),
            x ->
                Nd.of(
                    new int[] {2, 3, 4},
                    i -> layerNorm(x.get(0), i) * x.get(1).at(i) + x.get(2).at(i))));
    cases.add(
        OpCase.of(
            Op.LAYER_NORM,
            "without weights",
            random(4, 2, 3, 4),
            x -> x.layerNorm(null, null, EPSILON),
            x -> Nd.of(new int[] {2, 3, 4}, i -> layerNorm(x, i))));
    cases.add(
        OpCase.of(
            Op.RMS_NORM,
            "",
            random(5, 2, 4),
            random(6, 4),
            (x, w) -> x.rmsNorm(w, EPSILON),
            (x, w) ->
                Nd.of(
                    new int[] {2, 4},
                    i -> {
                      double mean = Nd.sum(4, k -> x.at(i[0], k) * x.at(i[0], k)) / 4;
                      return x.at(i) / Math.sqrt(mean + EPSILON) * w.at(i[1]);
                    })));
    cases.add(
        OpCase.of(
            Op.GROUP_NORM,
            "",
            List.of(random(7, 2, 4, 2, 3), random(8, 4), random(9, 4)),
            x -> x.get(0).groupNorm(2, x.get(1), x.get(2), EPSILON),
            x ->
                Nd.of(
                    new int[] {2, 4, 2, 3},
                    i -> groupNorm(x.get(0), i) * x.get(1).at(i[1]) + x.get(2).at(i[1]))));
  }

  private static double layerNorm(Nd x, int[] i) {
    double mean = Nd.sum(4, k -> x.at(i[0], i[1], k)) / 4;
    double variance = Nd.sum(4, k -> square(x.at(i[0], i[1], k) - mean)) / 4;
    return (x.at(i) - mean) / Math.sqrt(variance + EPSILON);
  }

  /** Two groups of two channels, of maps of two by three. */
  private static double groupNorm(Nd x, int[] i) {
    int first = i[1] / 2 * 2;
    double mean = Nd.sum(12, k -> x.at(i[0], first + k / 6, k / 3 % 2, k % 3)) / 12;
    double variance =
        Nd.sum(12, k -> square(x.at(i[0], first + k / 6, k / 3 % 2, k % 3) - mean)) / 12;
    return (x.at(i) - mean) / Math.sqrt(variance + EPSILON);
  }

  private static double square(double x) {
    return x * x;
  }

  private static void rope(List<OpCase> cases) {
    for (int rows : new int[] {1, 2}) {
      cases.add(
          OpCase.of(
              Op.ROPE,
              rows == 1 ? "one table" : "a table for each sequence",
              List.of(random(10, 2, 2, 3, 4), random(11, rows, 3, 2), random(12, rows, 3, 2)),
              x -> x.get(0).rope(x.get(1), x.get(2)),
              x -> rotate(x.get(0), x.get(1), x.get(2))));
    }
  }

  private static Nd rotate(Nd x, Nd cos, Nd sin) {
    return Nd.of(
        new int[] {2, 2, 3, 4},
        i -> {
          int pair = i[3] % 2;
          double a = x.at(i[0], i[1], i[2], pair);
          double b = x.at(i[0], i[1], i[2], pair + 2);
          double c = cos.at(i[0], i[2], pair);
          double s = sin.at(i[0], i[2], pair);
          return i[3] < 2 ? a * c - b * s : b * c + a * s;
        });
  }

  private static Nd gridSample(Nd map, Nd grid) {
    return Nd.of(
        new int[] {2, 2, 2, 3},
        i -> {
          double x = ((grid.at(i[0], i[2], i[3], 0) + 1) * 5 - 1) / 2;
          double y = ((grid.at(i[0], i[2], i[3], 1) + 1) * 3 - 1) / 2;
          int left = (int) Math.floor(x);
          int top = (int) Math.floor(y);
          double sum = 0;
          for (int dy = 0; dy < 2; dy++) {
            for (int dx = 0; dx < 2; dx++) {
              double weight = (1 - Math.abs(x - left - dx)) * (1 - Math.abs(y - top - dy));
              sum += weight * map.padded(i[0], i[1], top + dy, left + dx);
            }
          }
          return sum;
        });
  }

  private static void resizes(List<OpCase> cases) {
    for (Resampling method : Resampling.values()) {
      for (boolean align : new boolean[] {false, true}) {
        for (int[] size : new int[][] {{5, 7}, {2, 3}, {6, 8}}) {
          if (method == Resampling.NEAREST && align) {
            continue; // There is nothing to align.
          }
          cases.add(
              OpCase.of(
                  Op.RESIZE,
                  method + (align ? " by corners" : "") + " to " + size[0] + "x" + size[1],
                  random(30, 1, 2, 3, 4),
                  x -> x.resize(method, align, size[0], size[1]),
                  x -> resize(x, method, align, size[0], size[1])));
        }
      }
    }
  }

  private static Nd resize(Nd x, Resampling method, boolean align, int height, int width) {
    double[][] rows = taps(method, align, 3, height);
    double[][] columns = taps(method, align, 4, width);
    return Nd.of(
        new int[] {1, 2, height, width},
        i ->
            Nd.sum(3, y -> Nd.sum(4, c -> rows[i[2]][y] * columns[i[3]][c] * x.at(0, i[1], y, c))));
  }

  /** For each place of the result, the weight of each place of the source. */
  private static double[][] taps(Resampling method, boolean align, int in, int out) {
    double[][] weights = new double[out][in];
    for (int i = 0; i < out; i++) {
      double at = align ? i * (in - 1.0) / (out - 1) : (i + 0.5) * in / out - 0.5;
      int base = (int) Math.floor(at);
      switch (method) {
        case NEAREST -> weights[i][i * in / out] = 1;
        case BILINEAR -> {
          for (int k = base; k <= base + 1; k++) {
            weights[i][Math.max(0, Math.min(in - 1, k))] += 1 - Math.abs(at - k);
          }
        }
        default -> {
          for (int k = base - 1; k <= base + 2; k++) {
            weights[i][Math.max(0, Math.min(in - 1, k))] += cubic(Math.abs(at - k));
          }
        }
      }
    }
    return weights;
  }

  private static double cubic(double d) {
    double a = -0.75;
    return d <= 1
        ? ((a + 2) * d - (a + 3)) * d * d + 1
        : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
  }

  private static void crossEntropy(List<OpCase> cases) {
    cases.add(
        OpCase.of(
            Op.CROSS_ENTROPY,
            "some rows ignored",
            random(40, 4, 3),
            longs(Nd.list(2, -100, 0, 1)),
            (x, target) -> x.crossEntropy(target, -100),
            (x, target) -> {
              double sum = 0;
              for (int row : new int[] {0, 2, 3}) {
                int at = row;
                double total = Nd.sum(3, k -> Math.exp(x.at(at, k)));
                sum += Math.log(total) - x.at(row, (int) target.at(row));
              }
              return Nd.scalar(sum / 3);
            }));
  }
}
