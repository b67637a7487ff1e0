package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.deem.ProgressListener;
import io.deem.weights.ElementType;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import io.deem.weights.quantized.Quantization;
import io.deem.weights.quantized.QuantizationCache;
import io.deem.weights.quantized.QuantizedMatrix;
import io.deem.weights.quantized.QuantizedWeights;
import io.deem.weights.quantized.StackedMatrix;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** ONNX Runtime reads the quantised weights, straight from their file, as we do. */
class QuantizedProductTest {
  private static final int ROWS = 48;
  private static final int COLUMNS = 512;

  @TempDir Path folder;

  static List<Quantization> all() {
    List<Quantization> all = new ArrayList<>();
    for (int bits : new int[] {4, 8}) {
      for (int size : new int[] {16, 32, 64, 128, 256}) {
        all.add(new Quantization(bits, size, true));
        all.add(new Quantization(bits, size, false));
      }
    }
    return all;
  }

  private QuantizedWeights quantize(Quantization how, int columns) throws IOException {
    Random random = new Random(how.hashCode());
    SafetensorsWriter writer = new SafetensorsWriter();
    for (String part : List.of("upper", "lower")) {
      float[] x = new float[ROWS / 2 * columns];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) random.nextGaussian() * 0.05f;
      }
      writer.floats(part, ElementType.F32, new long[] {ROWS / 2, columns}, () -> x);
    }
    writer.write(folder.resolve(ModelWeights.SINGLE_FILE));
    try (ModelWeights source = ModelWeights.open(folder)) {
      return QuantizationCache.of(folder)
          .open(
              source,
              how,
              List.of(new StackedMatrix("w", List.of("upper", "lower"))),
              2,
              ProgressListener.NONE);
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void productsAreThoseOfTheNumbersMeant(Quantization how) throws Exception {
    // 500 columns leave the last block of a row unfinished.
    for (int columns : new int[] {COLUMNS, 500}) {
      try (QuantizedWeights weights = quantize(how, columns)) {
        float[] w = weights.dequantize("w", 0, ROWS);
        for (int count : new int[] {1, 5}) {
          float[] x = new float[count * columns];
          Random random = new Random(5);
          for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
          }
          float[] expected = product(x, w, count, columns);
          // Level 0 multiplies single precision; level 4 rounds the input to eight bits as well.
          assertClose(expected, matMulNBits(weights, x, count, 0), 1e-5);
          assertClose(expected, matMulNBits(weights, x, count, 4), 0.02);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void embeddingsAreTheNumbersMeant(Quantization how) throws Exception {
    try (QuantizedWeights weights = quantize(how, COLUMNS)) {
      float[] w = weights.dequantize("w", 0, ROWS);
      long[] ids = {3, 0, ROWS - 1, 3};
      float[] expected = new float[ids.length * COLUMNS];
      for (int i = 0; i < ids.length; i++) {
        System.arraycopy(w, (int) ids[i] * COLUMNS, expected, i * COLUMNS, COLUMNS);
      }
      assertArrayEquals(expected, gather(weights, ids), 1e-7f);
    }
  }

  private static float[] product(float[] x, float[] w, int count, int columns) {
    float[] y = new float[count * ROWS];
    for (int i = 0; i < count; i++) {
      for (int row = 0; row < ROWS; row++) {
        double sum = 0;
        for (int c = 0; c < columns; c++) {
          sum += (double) x[i * columns + c] * w[row * columns + c];
        }
        y[i * ROWS + row] = (float) sum;
      }
    }
    return y;
  }

  /** Relative to the size of the whole: single outputs may be near zero. */
  private static void assertClose(float[] expected, float[] actual, double tolerance) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(expected[i] - actual[i], 2);
      size += Math.pow(expected[i], 2);
    }
    double relative = Math.sqrt(difference / size);
    assertTrue(relative <= tolerance, "off by " + relative + ", more than " + tolerance);
  }

  private static float[] matMulNBits(QuantizedWeights weights, float[] x, int count, int level)
      throws OrtException {
    QuantizedMatrix w = weights.matrix("w");
    Quantization how = w.quantization();
    NodeProto.Builder node =
        node("MatMulNBits", "x", "codes", "scales")
            .addAttribute(attribute("K", w.columns()))
            .addAttribute(attribute("N", w.rows()))
            .addAttribute(attribute("bits", how.bits()))
            .addAttribute(attribute("block_size", how.blockSize()))
            .addAttribute(attribute("accuracy_level", level));
    GraphProto.Builder graph = GraphProto.newBuilder().setName("product");
    addInitializers(graph, weights, node, w.codes().shape());
    graph.addInput(value("x", TensorProto.DataType.FLOAT)).addNode(node);
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    long[] shape = {count, w.columns()};
    try (OnnxTensor input = OnnxTensor.createTensor(environment, FloatBuffer.wrap(x), shape)) {
      return run(weights, graph, Map.of("x", input));
    }
  }

  private static float[] gather(QuantizedWeights weights, long[] ids) throws OrtException {
    QuantizedMatrix w = weights.matrix("w");
    Quantization how = w.quantization();
    NodeProto.Builder node =
        node("GatherBlockQuantized", "codes", "ids", "scales")
            .addAttribute(attribute("bits", how.bits()))
            .addAttribute(attribute("block_size", how.blockSize()))
            .addAttribute(attribute("gather_axis", 0))
            .addAttribute(attribute("quantize_axis", 1));
    GraphProto.Builder graph = GraphProto.newBuilder().setName("gather");
    addInitializers(graph, weights, node, w.rows(), w.columns() * how.bits() / 8);
    graph.addInput(value("ids", TensorProto.DataType.INT64)).addNode(node);
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    long[] shape = {ids.length};
    try (OnnxTensor input = OnnxTensor.createTensor(environment, LongBuffer.wrap(ids), shape)) {
      return run(weights, graph, Map.of("ids", input));
    }
  }

  private static NodeProto.Builder node(String operation, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operation)
        .setDomain("com.microsoft")
        .addAllInput(Arrays.asList(inputs))
        .addOutput("y");
  }

  private static void addInitializers(
      GraphProto.Builder graph, QuantizedWeights weights, NodeProto.Builder node, long... shape) {
    QuantizedMatrix w = weights.matrix("w");
    graph.addInitializer(external(weights, "codes", TensorProto.DataType.UINT8, w.codes(), shape));
    graph.addInitializer(
        external(weights, "scales", TensorProto.DataType.FLOAT, w.scales(), w.scales().shape()));
    if (w.zeroPoints().isPresent()) {
      TensorInfo zeros = w.zeroPoints().get();
      graph.addInitializer(
          external(weights, "zeros", TensorProto.DataType.UINT8, zeros, zeros.shape()));
      node.addInput("zeros");
    }
  }

  private static TensorProto external(
      QuantizedWeights weights,
      String name,
      TensorProto.DataType type,
      TensorInfo info,
      long[] shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(type.getNumber())
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(entry("location", weights.file().getFileName().toString()))
            .addExternalData(entry("offset", String.valueOf(info.offset())))
            .addExternalData(entry("length", String.valueOf(info.length())));
    for (long dimension : shape) {
      tensor.addDims(dimension);
    }
    return tensor.build();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private static ValueInfoProto value(String name, TensorProto.DataType type) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    if (type == TensorProto.DataType.FLOAT) {
      shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam(name + " rows"));
    }
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam(name + " columns"));
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }

  private static float[] run(
      QuantizedWeights weights, GraphProto.Builder graph, Map<String, OnnxTensor> inputs)
      throws OrtException {
    graph.addOutput(value("y", TensorProto.DataType.FLOAT));
    byte[] model =
        ModelProto.newBuilder()
            .setIrVersion(10)
            .setGraph(graph)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(21))
            .addOpsetImport(
                OperatorSetIdProto.newBuilder().setDomain("com.microsoft").setVersion(1))
            .build()
            .toByteArray();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.addConfigEntry(
          "session.model_external_initializers_file_folder_path",
          weights.file().getParent().toString());
      try (OrtSession session = OrtEnvironment.getEnvironment().createSession(model, options);
          OrtSession.Result result = session.run(inputs)) {
        FloatBuffer y = ((OnnxTensor) result.get(0)).getFloatBuffer();
        float[] values = new float[y.remaining()];
        y.get(values);
        return values;
      }
    }
  }
}
