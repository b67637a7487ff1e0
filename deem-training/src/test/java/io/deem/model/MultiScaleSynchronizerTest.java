package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.torch.TorchEngine;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MultiScaleSynchronizerTest {

  private static final int QUERY = 6;
  private static final int VALUE = 5;
  private static final int INNER = 8;
  private static final int HEADS = 2;
  private static final int POINTS = 3;
  private static final int QUERIES = 4;
  private static final int IMAGES = 3;

  /** Maps that are neither square nor of the sides that the offsets are scaled by. */
  private static final List<int[]> SIZES = List.of(new int[] {3, 5}, new int[] {2, 1});

  private static final int PIXELS = 15 + 2;
  private static final MultiScaleSynchronizer LAYER =
      new MultiScaleSynchronizer(
          new MultiScaleSynchronizer.Config(
              QUERY, VALUE, QUERY, INNER, 1, HEADS, POINTS, 4, 4, List.of(4, 2)),
          "x.");

  private final RandomWeights weights = new RandomWeights(LAYER.params(), 23);
  private final Random random = new Random(9);

  @Test
  void mapsOfAnyShapeAreSampledWhereTheDefinitionSays() {
    float[] query = noise(QUERIES * QUERY, 1);
    float[] points = noise(QUERIES * 2, 0.5f);
    float[] values = noise(IMAGES * PIXELS * VALUE, 1);
    float[] mask = {1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0};
    try (Session session = new TorchEngine().open(weights);
        Scope scope = session.scope()) {
      float[] result =
          scope
              .run1(
                  block(SIZES),
                  scope.floats(query, 1, QUERIES, QUERY),
                  scope.floats(points, 1, QUERIES, 1, 2),
                  scope.floats(values, 1, IMAGES, PIXELS, VALUE),
                  scope.floats(mask, 1, QUERIES, IMAGES))
              .floats();
      assertArrayEquals(expected(query, points, values, mask), result, 1e-4f);
    }
  }

  @Test
  void mapsThatDoNotFillTheValuesAreRefused() {
    for (List<int[]> sizes : List.of(SIZES.subList(0, 1), List.of(SIZES.get(0), SIZES.get(0)))) {
      IllegalArgumentException failure =
          assertThrows(IllegalArgumentException.class, () -> block(sizes));
      assertTrue(failure.getMessage().contains("17 pixels"), failure.getMessage());
    }
  }

  @Test
  void headsMustShareTheWidthEvenly() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new MultiScaleSynchronizer.Config(6, 5, 6, 8, 1, 3, 3, 4, 4, List.of(4)));
  }

  private static Block block(List<int[]> sizes) {
    Dim batch = Dim.symbol("batch");
    Dim queries = Dim.symbol("queries");
    Dim images = Dim.symbol("images");
    return Graph.block(
        "synchronizer",
        g -> {
          Tensor query = g.input("query", Shape.of(batch, queries, QUERY));
          Tensor points = g.input("points", Shape.of(batch, queries, 1, 2));
          Tensor values = g.input("values", Shape.of(batch, images, PIXELS, VALUE));
          Tensor mask = g.input("mask", Shape.of(batch, queries, images));
          return List.of(LAYER.apply(query, points, values, sizes, mask));
        });
  }

  /** The definition, query by query, with every slot for ignoring an image written out. */
  private float[] expected(float[] query, float[] points, float[] values, float[] mask) {
    float[] result = new float[QUERIES * QUERY];
    float[] table = weights.floats("x.query_relpos.weight");
    float[] token = weights.floats("x.ignore_token");
    int levels = SIZES.size();
    for (int q = 0; q < QUERIES; q++) {
      double[] inner = new double[INNER];
      for (int head = 0; head < HEADS; head++) {
        double[][][] logits = new double[IMAGES][levels][POINTS + 1];
        double[][] offsets = new double[IMAGES][];
        double total = 0;
        for (int image = 0; image < IMAGES; image++) {
          boolean seen = mask[q * IMAGES + image] == 1;
          int later = 0;
          for (int i = image; i < IMAGES; i++) {
            later += (int) mask[q * IMAGES + i];
          }
          double[] shifted = linear("x.dynamic_offset_mask", row(query, q, QUERY));
          for (int i = 0; i < QUERY; i++) {
            shifted[i] += table[(seen ? later : 0) * QUERY + i];
          }
          offsets[image] = linear("x.sampling_offsets", shifted);
          double[] scores = linear("x.attention_weights", shifted);
          for (int level = 0; level < levels; level++) {
            for (int p = 0; p <= POINTS; p++) {
              double score = scores[(head * levels + level) * (POINTS + 1) + p];
              score = p == POINTS ? -Math.log(IMAGES * levels) : seen ? score : score - 10_000;
              logits[image][level][p] = Math.exp(score);
              total += logits[image][level][p];
            }
          }
        }
        int depth = INNER / HEADS;
        for (int image = 0; image < IMAGES; image++) {
          int start = 0;
          for (int level = 0; level < levels; level++) {
            int height = SIZES.get(level)[0];
            int width = SIZES.get(level)[1];
            double scale = LAYER.config().spatialShapes().get(level) / 4.0;
            for (int p = 0; p < POINTS; p++) {
              int at = (head * POINTS + p) * 2;
              double x = points[q * 2] * width + offsets[image][at] * scale - 0.5;
              double y = points[q * 2 + 1] * height + offsets[image][at + 1] * scale - 0.5;
              for (int corner = 0; corner < 4; corner++) {
                int column = (int) Math.floor(x) + corner % 2;
                int line = (int) Math.floor(y) + corner / 2;
                double share = (1 - Math.abs(x - column)) * (1 - Math.abs(y - line));
                if (column >= 0 && column < width && line >= 0 && line < height) {
                  int pixel = image * PIXELS + start + line * width + column;
                  double[] value = linear("x.value_proj", row(values, pixel, VALUE));
                  for (int d = 0; d < depth; d++) {
                    inner[head * depth + d] +=
                        share * logits[image][level][p] / total * value[head * depth + d];
                  }
                }
              }
            }
            for (int d = 0; d < depth; d++) {
              inner[head * depth + d] +=
                  logits[image][level][POINTS] / total * token[head * depth + d];
            }
            start += height * width;
          }
        }
      }
      double[] out = linear("x.output_proj", inner);
      for (int i = 0; i < QUERY; i++) {
        result[q * QUERY + i] = (float) out[i];
      }
    }
    return result;
  }

  private double[] linear(String name, double[] x) {
    float[] weight = weights.floats(name + ".weight");
    float[] bias = weights.floats(name + ".bias");
    double[] result = new double[bias.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = bias[i];
      for (int k = 0; k < x.length; k++) {
        result[i] += weight[i * x.length + k] * x[k];
      }
    }
    return result;
  }

  private static double[] row(float[] values, int row, int width) {
    double[] result = new double[width];
    for (int i = 0; i < width; i++) {
      result[i] = values[row * width + i];
    }
    return result;
  }

  /** Numbers around a mean of half their spread, so that points lie inside and outside of maps. */
  private float[] noise(int count, float spread) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian() * spread + spread / 2;
    }
    return values;
  }
}
