package io.deem.generation;

import com.google.gson.JsonObject;
import io.deem.weights.TensorSource;
import java.util.HashMap;
import java.util.Map;

/**
 * LLaMA in plain double-precision Java, without cache or batch: slow, short and independent of
 * engines.
 */
final class PlainLlama extends RowsOfTokens {

  private final Map<String, float[]> weights = new HashMap<>();
  private final int hidden;
  private final int layers;
  private final int heads;
  private final int keyValueHeads;
  private final int vocabulary;
  private final double epsilon;

  /** Prompts are given without their padding, which no real token sees. */
  PlainLlama(JsonObject config, TensorSource source, int[]... prompts) {
    super(prompts);
    hidden = config.get("hidden_size").getAsInt();
    layers = config.get("num_hidden_layers").getAsInt();
    heads = config.get("num_attention_heads").getAsInt();
    keyValueHeads = config.get("num_key_value_heads").getAsInt();
    vocabulary = config.get("vocab_size").getAsInt();
    epsilon = config.get("rms_norm_eps").getAsDouble();
    for (String name : source.names()) {
      weights.put(name, source.floats(name));
    }
  }

  @Override
  float[] next(int[] tokens) {
    double[][] x = new double[tokens.length][hidden];
    float[] embedding = weights.get("model.embed_tokens.weight");
    for (int t = 0; t < tokens.length; t++) {
      for (int c = 0; c < hidden; c++) {
        x[t][c] = embedding[tokens[t] * hidden + c];
      }
    }
    for (int layer = 0; layer < layers; layer++) {
      String prefix = "model.layers." + layer + ".";
      attend(prefix, x);
      for (int t = 0; t < x.length; t++) {
        double[] h = norm(prefix + "post_attention_layernorm.weight", x[t]);
        double[] gate = linear(prefix + "mlp.gate_proj.weight", h);
        double[] up = linear(prefix + "mlp.up_proj.weight", h);
        for (int c = 0; c < up.length; c++) {
          up[c] *= gate[c] / (1 + Math.exp(-gate[c]));
        }
        add(x[t], linear(prefix + "mlp.down_proj.weight", up));
      }
    }
    double[] last = norm("model.norm.weight", x[x.length - 1]);
    double[] logits = linear("lm_head.weight", last);
    float[] result = new float[vocabulary];
    for (int token = 0; token < vocabulary; token++) {
      result[token] = (float) logits[token];
    }
    return result;
  }

  private void attend(String prefix, double[][] x) {
    int size = hidden / heads;
    double[][] queries = new double[x.length][];
    double[][] keys = new double[x.length][];
    double[][] values = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      double[] h = norm(prefix + "input_layernorm.weight", x[t]);
      queries[t] = rotated(linear(prefix + "self_attn.q_proj.weight", h), t, size);
      keys[t] = rotated(linear(prefix + "self_attn.k_proj.weight", h), t, size);
      values[t] = linear(prefix + "self_attn.v_proj.weight", h);
    }
    for (int t = 0; t < x.length; t++) {
      double[] mixed = new double[hidden];
      for (int head = 0; head < heads; head++) {
        int from = head / (heads / keyValueHeads) * size;
        double[] weight = new double[t + 1];
        double sum = 0;
        for (int s = 0; s <= t; s++) {
          double score = 0;
          for (int c = 0; c < size; c++) {
            score += queries[t][head * size + c] * keys[s][from + c];
          }
          weight[s] = Math.exp(score / Math.sqrt(size));
          sum += weight[s];
        }
        for (int s = 0; s <= t; s++) {
          for (int c = 0; c < size; c++) {
            mixed[head * size + c] += weight[s] / sum * values[s][from + c];
          }
        }
      }
      add(x[t], linear(prefix + "self_attn.o_proj.weight", mixed));
    }
  }

  private static double[] rotated(double[] vector, int position, int size) {
    double[] result = new double[vector.length];
    for (int first = 0; first < vector.length; first += size) {
      for (int k = 0; k < size / 2; k++) {
        double angle = position * Math.pow(10000, -2.0 * k / size);
        double a = vector[first + k];
        double b = vector[first + k + size / 2];
        result[first + k] = a * Math.cos(angle) - b * Math.sin(angle);
        result[first + k + size / 2] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
    return result;
  }

  private double[] norm(String name, double[] x) {
    double square = 0;
    for (double value : x) {
      square += value * value / x.length;
    }
    float[] weight = weights.get(name);
    double[] result = new double[x.length];
    for (int c = 0; c < x.length; c++) {
      result[c] = x[c] / Math.sqrt(square + epsilon) * weight[c];
    }
    return result;
  }

  private double[] linear(String name, double[] x) {
    float[] weight = weights.get(name);
    double[] result = new double[weight.length / x.length];
    for (int row = 0; row < result.length; row++) {
      for (int c = 0; c < x.length; c++) {
        result[row] += weight[row * x.length + c] * x[c];
      }
    }
    return result;
  }

  private static void add(double[] x, double[] change) {
    for (int c = 0; c < x.length; c++) {
      x[c] += change[c];
    }
  }
}
