package io.deem.onnx;

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
import com.google.protobuf.ByteString;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An ONNX graph under construction. Values are known by name; small constants that are asked for
 * twice are stored once.
 */
final class OnnxGraph {

  /** ONNX Runtime's own operations. */
  static final String MICROSOFT = "com.microsoft";

  private static final int IR_VERSION = 10;
  private static final int OPSET = 23;

  private final GraphProto.Builder graph;
  private final Map<String, String> constants = new HashMap<>();

  /** What nodes are called, so that the engine's errors tell the operation. */
  private String label = "";

  private int count;

  OnnxGraph(String name) {
    graph = GraphProto.newBuilder().setName(name);
  }

  /** Names the operation that the nodes added from now on belong to. */
  void label(String operation) {
    label = operation;
  }

  /** Adds an operation of the ONNX standard and returns the name of its result. */
  String node(String type, List<String> inputs, AttributeProto... attributes) {
    return node("", type, inputs, attributes);
  }

  /** A name for a value. */
  String fresh() {
    return "v" + count++;
  }

  /**
   * Adds an operation.
   *
   * @param inputs names of values; one left out in the middle is the empty string
   */
  String node(String domain, String type, List<String> inputs, AttributeProto... attributes) {
    String result = "v" + count++;
    node(domain, type, inputs, result, attributes);
    return result;
  }

  /** Adds an operation whose result has a given name. */
  void node(
      String domain,
      String type,
      List<String> inputs,
      String result,
      AttributeProto... attributes) {
    node(domain, type, inputs, List.of(result), attributes);
  }

  /** Adds an operation whose results have given names. */
  void node(
      String domain,
      String type,
      List<String> inputs,
      List<String> results,
      AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setDomain(domain)
            .setOpType(type)
            .setName(label + "/" + type + "/" + results.get(0))
            .addAllInput(inputs)
            .addAllOutput(results)
            .addAllAttribute(Arrays.asList(attributes)));
  }

  /** Declares an input; an extent that is not known is named by its expression. */
  void input(String name, Shape shape, DataType type) {
    graph.addInput(value(name, shape, type));
  }

  void output(String name, Shape shape, DataType type) {
    graph.addOutput(value(name, shape, type));
  }

  void initializer(TensorProto tensor) {
    graph.addInitializer(tensor);
  }

  // ---------------------------------------------------------------- constants

  /** A vector of integers. */
  String longs(long... values) {
    return constants.computeIfAbsent(
        "longs" + Arrays.toString(values), key -> add(longTensor(values).addDims(values.length)));
  }

  /** A single integer without axes. */
  String scalar(long value) {
    return constants.computeIfAbsent("long" + value, key -> add(longTensor(value)));
  }

  /** A single floating-point number without axes. */
  String scalar(float value) {
    return constants.computeIfAbsent("float" + value, key -> add(floatTensor(value)));
  }

  /** A number without axes in the type of the operand that it joins. */
  String scalar(double value, DataType type) {
    return type == DataType.INT64 ? scalar(Math.round(value)) : scalar((float) value);
  }

  /** Floating-point numbers, not shared with others. */
  String floats(float[] values, long... extents) {
    TensorProto.Builder tensor = floatTensor(values);
    for (long extent : extents) {
      tensor.addDims(extent);
    }
    return add(tensor);
  }

  private String add(TensorProto.Builder tensor) {
    String name = "k" + count++;
    graph.addInitializer(tensor.setName(name));
    return name;
  }

  private static TensorProto.Builder longTensor(long... values) {
    ByteBuffer bytes = littleEndian(values.length * Long.BYTES);
    bytes.asLongBuffer().put(values);
    return TensorProto.newBuilder()
        .setDataType(TensorProto.DataType.INT64_VALUE)
        .setRawData(ByteString.copyFrom(bytes));
  }

  private static TensorProto.Builder floatTensor(float... values) {
    ByteBuffer bytes = littleEndian(Math.multiplyExact(values.length, Float.BYTES));
    bytes.asFloatBuffer().put(values);
    return TensorProto.newBuilder()
        .setDataType(TensorProto.DataType.FLOAT_VALUE)
        .setRawData(ByteString.copyFrom(bytes));
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  // ---------------------------------------------------------------- attributes

  static AttributeProto with(String name, long value) {
    return attribute(name, AttributeProto.AttributeType.INT).setI(value).build();
  }

  static AttributeProto with(String name, double value) {
    return attribute(name, AttributeProto.AttributeType.FLOAT).setF((float) value).build();
  }

  static AttributeProto with(String name, String value) {
    return attribute(name, AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  static AttributeProto with(String name, List<Integer> values) {
    AttributeProto.Builder attribute = attribute(name, AttributeProto.AttributeType.INTS);
    values.forEach(attribute::addInts);
    return attribute.build();
  }

  private static AttributeProto.Builder attribute(String name, AttributeProto.AttributeType type) {
    return AttributeProto.newBuilder().setName(name).setType(type);
  }

  // ---------------------------------------------------------------- the model

  /**
   * The model's bytes.
   *
   * @param properties what the file says of itself
   */
  byte[] model(Map<String, String> properties) {
    ModelProto.Builder model =
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .setProducerName("deem")
            .setGraph(graph)
            .addOpsetImport(opset("", OPSET))
            .addOpsetImport(opset(MICROSOFT, 1));
    properties.forEach(
        (key, value) ->
            model.addMetadataProps(
                StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    return model.build().toByteArray();
  }

  private static OperatorSetIdProto opset(String domain, int version) {
    return OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version).build();
  }

  private static ValueInfoProto value(String name, Shape shape, DataType type) {
    TensorShapeProto.Builder extents = TensorShapeProto.newBuilder();
    for (Dim dim : shape.dims()) {
      extents.addDim(
          dim.isConstant()
              ? TensorShapeProto.Dimension.newBuilder().setDimValue(dim.value())
              : TensorShapeProto.Dimension.newBuilder().setDimParam(dim.toString()));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(elementType(type)).setShape(extents)))
        .build();
  }

  static int elementType(DataType type) {
    return switch (type) {
      case FLOAT -> TensorProto.DataType.FLOAT_VALUE;
      case INT64 -> TensorProto.DataType.INT64_VALUE;
      case BOOL -> TensorProto.DataType.BOOL_VALUE;
    };
  }
}
