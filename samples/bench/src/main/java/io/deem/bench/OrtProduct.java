package io.deem.bench;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.google.protobuf.ByteString;
import io.deem.onnx.OnnxEngine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Set;

/** The bare product in ONNX Runtime, into a matrix that is there already. */
final class OrtProduct implements MatrixProduct.Product {
  private static final int IR_VERSION = 10;
  private static final int OPERATORS = 21;

  private final OrtSession session;
  private final OnnxTensor input;
  private final OnnxTensor output;

  OrtProduct(float[] left, float[] right, int side, int threads) throws OrtException {
    OrtEnvironment environment = new OnnxEngine(threads).environment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      session = environment.createSession(model(right, side), options);
    }
    input = OnnxTensor.createTensor(environment, direct(left), new long[] {side, side});
    output =
        OnnxTensor.createTensor(
            environment, direct(new float[side * side]), new long[] {side, side});
  }

  private static FloatBuffer direct(float[] values) {
    FloatBuffer buffer =
        ByteBuffer.allocateDirect(values.length * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    return buffer.put(values).flip();
  }

  private static byte[] model(float[] right, int side) {
    ByteBuffer bytes =
        ByteBuffer.allocate(right.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(right);
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("product")
            .addNode(
                NodeProto.newBuilder()
                    .setOpType("MatMul")
                    .addInput("x")
                    .addInput("weight")
                    .addOutput("y"))
            .addInitializer(
                TensorProto.newBuilder()
                    .setName("weight")
                    .setDataType(TensorProto.DataType.FLOAT.getNumber())
                    .addDims(side)
                    .addDims(side)
                    .setRawData(ByteString.copyFrom(bytes)))
            .addInput(square("x", side))
            .addOutput(square("y", side));
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPERATORS))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private static ValueInfoProto square(String name, int side) {
    TensorShapeProto.Dimension extent =
        TensorShapeProto.Dimension.newBuilder().setDimValue(side).build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT.getNumber())
                        .setShape(TensorShapeProto.newBuilder().addDim(extent).addDim(extent))))
        .build();
  }

  @Override
  public void run() throws OrtException {
    session.run(Map.of("x", input), Set.of(), Map.of("y", output)).close();
  }

  @Override
  public void close() {
    input.close();
    output.close();
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }
}
