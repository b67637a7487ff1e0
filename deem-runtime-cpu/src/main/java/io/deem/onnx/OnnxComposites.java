package io.deem.onnx;

import static io.deem.onnx.OnnxGraph.MICROSOFT;
import static io.deem.onnx.OnnxGraph.with;

import ai.onnx.proto.OnnxMl.AttributeProto;
import io.deem.graph.Attributes;
import io.deem.graph.Dim;
import io.deem.graph.Resampling;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

/** The operations of a graph that are more than one of ONNX's, or need their attributes mapped. */
final class OnnxComposites {

  private final OnnxGraph graph;
  private final OnnxDims dims;
  private final Function<Tensor, String> names;

  /**
   * A writer.
   *
   * @param names the value of each tensor; null for null
   */
  OnnxComposites(OnnxGraph graph, OnnxDims dims, Function<Tensor, String> names) {
    this.graph = graph;
    this.dims = dims;
    this.names = names;
  }

  private String operand(Tensor t, int index) {
    return names.apply(t.operands().get(index));
  }

  /** The operands without those that are missing at the end. */
  private List<String> present(Tensor t) {
    List<String> present = new ArrayList<>();
    for (Tensor operand : t.operands()) {
      if (operand != null) {
        present.add(names.apply(operand));
      }
    }
    return present;
  }

  // ---------------------------------------------------------------- products

  /**
   * A product with quantised matrices, [rows, columns] when they lie below one another.
   *
   * @param forms the matrices, which are {@link OnnxWeights#isOne one}
   * @param bias null for none
   */
  String quantizedLinear(
      OnnxWeights initializers,
      List<LinearWeights.Quantized> forms,
      String x,
      String name,
      String bias,
      long rows,
      long columns) {
    LinearWeights.Quantized form = forms.get(0);
    TensorSource source = form.source();
    List<String> values = forms.stream().map(LinearWeights.Quantized::values).toList();
    List<String> scales = forms.stream().map(LinearWeights.Quantized::scales).toList();
    List<String> inputs = new ArrayList<>();
    inputs.add(x);
    inputs.add(initializers.asStored(source, values, name + "values"));
    inputs.add(initializers.asStored(source, scales, name + "scales"));
    if (form.zeroPoints() != null) {
      List<String> zeros = forms.stream().map(LinearWeights.Quantized::zeroPoints).toList();
      inputs.add(initializers.asStored(source, zeros, name + "zeros"));
    }
    if (bias != null) {
      // Between them: the order of the groups, which is the blocks' own.
      while (inputs.size() < 5) {
        inputs.add("");
      }
      inputs.add(bias);
    }
    return graph.node(
        MICROSOFT,
        "MatMulNBits",
        inputs,
        with("K", columns),
        with("N", rows),
        with("bits", form.bits()),
        with("block_size", form.blockSize()),
        with("accuracy_level", form.accuracyLevel()));
  }

  String quantizedEmbedding(
      OnnxWeights initializers,
      LinearWeights.Quantized form,
      String ids,
      String name,
      Shape table) {
    long rows = table.dim(0).value();
    long width = table.dim(1).value();
    if (width % form.blockSize() != 0) {
      throw new IllegalArgumentException(
          form.values() + ": blocks of " + form.blockSize() + " do not divide rows of " + width);
    }
    List<String> inputs = new ArrayList<>();
    inputs.add(
        initializers.asStored(
            form.source(), form.values(), name + "values", rows, width * form.bits() / 8));
    inputs.add(ids);
    inputs.add(initializers.asStored(form.source(), form.scales(), name + "scales"));
    if (form.zeroPoints() != null) {
      inputs.add(initializers.asStored(form.source(), form.zeroPoints(), name + "zeros"));
    }
    return graph.node(
        MICROSOFT,
        "GatherBlockQuantized",
        inputs,
        with("bits", form.bits()),
        with("block_size", form.blockSize()),
        with("gather_axis", 0),
        with("quantize_axis", 1));
  }

  String convolution(Tensor t) {
    Attributes attributes = t.attributes();
    return graph.node(
        "Conv",
        present(t),
        with("strides", Collections.nCopies(2, attributes.integer("stride"))),
        with("pads", Collections.nCopies(4, attributes.integer("padding"))),
        with("group", attributes.integer("groups")));
  }

  String transposedConvolution(Tensor t) {
    return graph.node(
        "ConvTranspose",
        present(t),
        with("strides", Collections.nCopies(2, t.attributes().integer("stride"))));
  }

  String attention(Tensor t) {
    Attributes attributes = t.attributes();
    List<String> inputs = new ArrayList<>(List.of(operand(t, 0), operand(t, 1), operand(t, 2)));
    if (t.operands().get(3) != null) {
      inputs.add(mask(t));
    }
    return graph.node(
        "Attention",
        inputs,
        with("scale", attributes.number("scale")),
        with("is_causal", attributes.flag("causal") ? 1 : 0));
  }

  /** ONNX Runtime stretches a mask over sequences and heads, but not over queries and keys. */
  private String mask(Tensor t) {
    Tensor mask = t.operands().get(3);
    String value = names.apply(mask);
    List<Dim> extents = new ArrayList<>(mask.shape().dims());
    while (extents.size() < 4) {
      extents.add(0, Dim.of(1));
    }
    Shape whole = new Shape(extents);
    if (!whole.equals(mask.shape())) {
      value = dims.reshape(value, mask.shape(), whole);
    }
    Shape wanted = whole.with(2, t.dim(2)).with(3, t.operands().get(1).dim(2));
    return wanted.equals(whole) ? value : dims.expand(value, whole, wanted);
  }

  // ---------------------------------------------------------------- shape and look-ups

  String pad(Tensor t) {
    List<Integer> widths = t.attributes().integers("widths");
    int rank = t.shape().rank();
    long[] pads = new long[2 * rank];
    pads[rank - 1] = widths.get(0);
    pads[2 * rank - 1] = widths.get(1);
    pads[rank - 2] = widths.get(2);
    pads[2 * rank - 2] = widths.get(3);
    return graph.node("Pad", List.of(operand(t, 0), graph.longs(pads)));
  }

  String flip(Tensor t) {
    return graph.node(
        "Slice",
        List.of(
            operand(t, 0),
            graph.longs(-1),
            graph.longs(Long.MIN_VALUE),
            graph.longs(t.attributes().integer("axis")),
            graph.longs(-1)));
  }

  /** ONNX writes rows of the first axis. */
  String indexCopy(Tensor t) {
    int axis = t.attributes().integer("axis");
    String rows = graph.node("Unsqueeze", List.of(operand(t, 1), graph.longs(1)));
    if (axis == 0) {
      return graph.node("ScatterND", List.of(operand(t, 0), rows, operand(t, 2)));
    }
    List<Integer> swapped = new ArrayList<>();
    for (int i = 0; i < t.shape().rank(); i++) {
      swapped.add(i);
    }
    Collections.swap(swapped, 0, axis);
    String written =
        graph.node(
            "ScatterND",
            List.of(
                graph.node("Transpose", List.of(operand(t, 0)), with("perm", swapped)),
                rows,
                graph.node("Transpose", List.of(operand(t, 2)), with("perm", swapped))));
    return graph.node("Transpose", List.of(written), with("perm", swapped));
  }

  // ---------------------------------------------------------------- norms and the rest

  String layerNorm(Tensor t) {
    List<String> inputs = new ArrayList<>();
    inputs.add(operand(t, 0));
    inputs.add(t.operands().get(1) == null ? ones(t.dim(-1)) : operand(t, 1));
    if (t.operands().get(2) != null) {
      inputs.add(operand(t, 2));
    }
    return graph.node(
        "LayerNormalization",
        inputs,
        with("axis", -1),
        with("epsilon", t.attributes().number("epsilon")));
  }

  private String ones(Dim count) {
    if (count.isConstant()) {
      float[] ones = new float[count.value()];
      Arrays.fill(ones, 1);
      return graph.floats(ones, ones.length);
    }
    return dims.expand(graph.floats(new float[] {1}, 1), Shape.of(1), Shape.of(count));
  }

  String groupNorm(Tensor t) {
    return graph.node(
        "GroupNormalization",
        present(t),
        with("num_groups", t.attributes().integer("groups")),
        with("epsilon", t.attributes().number("epsilon")));
  }

  String rope(Tensor t) {
    return graph.node("RotaryEmbedding", List.of(operand(t, 0), table(t, 1), table(t, 2)));
  }

  /** {@link #rope} of heads side by side, [batch, length, heads * depth]. */
  String ropeSideBySide(Tensor t, String x) {
    return graph.node(
        "RotaryEmbedding",
        List.of(x, table(t, 1), table(t, 2)),
        with("num_heads", t.dim(1).value()));
  }

  /** ONNX wants a table for each sequence. */
  private String table(Tensor t, int index) {
    Tensor table = t.operands().get(index);
    return table.dim(0).equals(t.dim(0))
        ? names.apply(table)
        : dims.expand(names.apply(table), table.shape(), table.shape().with(0, t.dim(0)));
  }

  String resize(Tensor t) {
    Tensor x = t.operands().get(0);
    Resampling method = t.attributes().get("method", Resampling.class);
    int height = t.dim(2).value();
    int width = t.dim(3).value();
    if (method == Resampling.NEAREST) {
      return nearest(x, height, width);
    }
    List<AttributeProto> attributes = new ArrayList<>();
    attributes.add(with("axes", List.of(2, 3)));
    attributes.add(with("antialias", 0));
    attributes.add(
        with(
            "coordinate_transformation_mode",
            t.attributes().flag("alignCorners") ? "align_corners" : "half_pixel"));
    if (method == Resampling.BILINEAR) {
      attributes.add(with("mode", "linear"));
    } else {
      attributes.add(with("mode", "cubic"));
      attributes.add(with("cubic_coeff_a", -0.75));
    }
    return graph.node(
        "Resize",
        List.of(names.apply(x), "", "", graph.longs(height, width)),
        attributes.toArray(AttributeProto[]::new));
  }

  /**
   * The pixel at floor(index * in / out). ONNX Runtime divides by the rounded scale out / in, which
   * may name another pixel unless the scale is whole; other scales look pixels up.
   */
  private String nearest(Tensor x, int height, int width) {
    int fromHeight = x.dim(2).value();
    int fromWidth = x.dim(3).value();
    if (height % fromHeight == 0 && width % fromWidth == 0) {
      return graph.node(
          "Resize",
          List.of(names.apply(x), "", "", graph.longs(height, width)),
          with("axes", List.of(2, 3)),
          with("mode", "nearest"),
          with("coordinate_transformation_mode", "asymmetric"),
          with("nearest_mode", "floor"));
    }
    String rows =
        graph.node(
            "Gather",
            List.of(names.apply(x), graph.longs(pixels(fromHeight, height))),
            with("axis", 2));
    return graph.node(
        "Gather", List.of(rows, graph.longs(pixels(fromWidth, width))), with("axis", 3));
  }

  /** In 32 bits, as the reference computes it. */
  private static long[] pixels(int in, int out) {
    float scale = (float) in / out;
    long[] pixels = new long[out];
    for (int i = 0; i < out; i++) {
      pixels[i] = Math.min((long) Math.floor(i * scale), in - 1);
    }
    return pixels;
  }

  /** {@code -sum(log softmax at the target) / count} over the rows that are not ignored. */
  String crossEntropy(Tensor t) {
    String targets = operand(t, 1);
    String ignored =
        graph.node(
            "Equal", List.of(targets, graph.scalar((long) t.attributes().integer("ignored"))));
    String safe = graph.node("Where", List.of(ignored, graph.scalar(0L), targets));
    String logs = graph.node("LogSoftmax", List.of(operand(t, 0)), with("axis", -1));
    String column = graph.node("Unsqueeze", List.of(safe, graph.longs(1)));
    String chosen = graph.node("GatherElements", List.of(logs, column), with("axis", 1));
    String losses =
        graph.node("Neg", List.of(graph.node("Squeeze", List.of(chosen, graph.longs(1)))));
    String counted = graph.node("Where", List.of(ignored, graph.scalar(0f), graph.scalar(1f)));
    String zeroed = graph.node("Where", List.of(ignored, graph.scalar(0f), losses));
    String total = graph.node("ReduceSum", List.of(zeroed), with("keepdims", 0));
    String count = graph.node("ReduceSum", List.of(counted), with("keepdims", 0));
    return graph.node("Div", List.of(total, count));
  }
}
