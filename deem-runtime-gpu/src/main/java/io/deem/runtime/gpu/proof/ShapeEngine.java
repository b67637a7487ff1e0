package io.deem.runtime.gpu.proof;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Engine;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.TrainingSession;
import io.deem.graph.Value;
import io.deem.torch.TorchEngine;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Computes nothing but shapes, and writes down the steps with them: so a model too large for this
 * machine can be timed on another, with random numbers that are made there.
 */
final class ShapeEngine implements Engine {

  private static final double BYTES_OF_BFLOAT16 = 2;

  /** As the runtime has it. */
  private static final int LAYERS_PER_BLOCK = 8;

  /** Numbers up to so many are written down as they are: some count or choose. */
  private static final int FEW = 1 << 16;

  private final ProofStore store;
  private final JsonArray steps = new JsonArray();
  private final Set<String> known = new LinkedHashSet<>();
  private int values;
  private double forward;
  private double backward;
  private double weightBytes;

  ShapeEngine(ProofStore store) {
    this.store = store;
  }

  /** All steps so far. */
  JsonArray steps() {
    return steps;
  }

  /** Operations of the products so far, forward. */
  double forwardOperations() {
    return forward;
  }

  /** Operations of the products that a backward pass adds, without any computed twice. */
  double backwardOperations() {
    return backward;
  }

  /** What the weights weigh that were read so far, each once. */
  double weightBytes() {
    return weightBytes;
  }

  @Override
  public String name() {
    return "shapes";
  }

  @Override
  public ShapeSession open(TensorSource weights) {
    return new ShapeSession();
  }

  /** A value without numbers. */
  private record ShapeValue(int id, long[] shape, DataType type, boolean learns) implements Value {

    @Override
    public long[] shape() {
      return shape.clone();
    }

    @Override
    public float[] floats() {
      throw new IllegalStateException("only the shape is known");
    }

    @Override
    public long[] longs() {
      throw new IllegalStateException("only the shape is known");
    }
  }

  final class ShapeSession implements TrainingSession {
    private Predicate<String> trainable = name -> false;

    @Override
    public ShapeScope scope() {
      return new ShapeScope(this, false);
    }

    @Override
    public ShapeScope trainingScope() {
      return new ShapeScope(this, true);
    }

    @Override
    public void trainable(Predicate<String> names) {
      trainable = names;
    }

    @Override
    public List<String> trainableParams() {
      return known.stream().filter(trainable).sorted().toList();
    }

    @Override
    public void clearGradients() {}

    @Override
    public String engineName() {
      return name();
    }

    @Override
    public void close() {}
  }

  final class ShapeScope implements TrainingScope {
    private final ShapeSession session;
    private final boolean gradients;

    private ShapeScope(ShapeSession session, boolean gradients) {
      this.session = session;
      this.gradients = gradients;
    }

    /** Random numbers of a shape. */
    Value random(long... shape) {
      return make(shape, DataType.FLOAT, "random", false);
    }

    /** Random numbers that are kept as a cache is, in bfloat16 where products are. */
    Value cache(long... shape) {
      Value value = random(shape);
      steps.get(steps.size() - 1).getAsJsonObject().addProperty("cache", true);
      return value;
    }

    @Override
    public Value floats(float[] numbers, long... shape) {
      boolean constant = true;
      for (float number : numbers) {
        constant &= number == numbers[0];
      }
      if (constant && numbers.length > 0) {
        return make(shape, DataType.FLOAT, Float.toString(numbers[0]), false);
      }
      if (numbers.length > FEW) {
        return make(shape, DataType.FLOAT, "random", false);
      }
      return given(store.floats(numbers, shape), DataType.FLOAT, shape);
    }

    @Override
    public Value longs(long[] numbers, long... shape) {
      return given(store.longs(numbers, shape), DataType.INT64, shape);
    }

    @Override
    public Value bools(boolean[] numbers, long... shape) {
      return given(store.bools(numbers, shape), DataType.BOOL, shape);
    }

    private Value given(String data, DataType type, long... shape) {
      ShapeValue value = new ShapeValue(values++, shape.clone(), type, false);
      JsonObject step = step("make");
      step.addProperty("id", value.id);
      step.addProperty("data", data);
      step.addProperty("leaf", false);
      return value;
    }

    @Override
    public Value leaf(float[] numbers, long... shape) {
      return make(shape, DataType.FLOAT, "random", true);
    }

    private Value make(long[] shape, DataType type, String fill, boolean leaf) {
      ShapeValue value = new ShapeValue(values++, shape.clone(), type, leaf);
      JsonObject step = step("make");
      step.addProperty("id", value.id);
      step.add("shape", extents(shape));
      step.addProperty("fill", fill);
      step.addProperty("leaf", leaf);
      return value;
    }

    @Override
    public boolean prefersFixedCaches() {
      return true;
    }

    @Override
    public int layersPerBlock() {
      return LAYERS_PER_BLOCK;
    }

    @Override
    public List<Value> run(Block block, List<Value> inputs) {
      Map<String, Long> symbols = block.bind(inputs.stream().map(Value::shape).toList());
      boolean learns = inputs.stream().anyMatch(value -> ((ShapeValue) value).learns);
      boolean weightsLearn = false;
      Set<String> narrow = TorchEngine.narrowParams(block);
      JsonArray params = new JsonArray();
      for (Param param : block.params()) {
        boolean own = gradients && session.trainable.test(param.name());
        weightsLearn |= own;
        declare(param, own, narrow.contains(param.name()) && !own);
        params.add(param.name());
      }
      double operations = BlockCost.operations(block, symbols);
      forward += operations;
      backward += gradients && weightsLearn ? 2 * operations : gradients && learns ? operations : 0;
      List<Value> outputs = new ArrayList<>();
      for (Tensor output : block.outputs()) {
        long[] shape = output.shape().dims().stream().mapToLong(d -> d.evaluate(symbols)).toArray();
        boolean flows = gradients && (learns || weightsLearn) && output.type() == DataType.FLOAT;
        outputs.add(new ShapeValue(values++, shape, output.type(), flows));
      }
      JsonObject step = step("run");
      step.addProperty("script", store.script(block));
      step.addProperty("session", 0);
      step.add("in", ids(inputs));
      step.add("params", params);
      JsonArray constants = new JsonArray();
      for (Tensor constant : block.constants()) {
        float[] numbers = constant.attributes().get("values", float[].class);
        constants.add(store.floats(numbers, constant.shape().extents()));
      }
      step.add("constants", constants);
      step.add("out", ids(outputs));
      step.addProperty("gradients", gradients);
      return outputs;
    }

    private void declare(Param param, boolean learns, boolean narrow) {
      if (known.add(param.name())) {
        long[] shape = param.shape().extents();
        double elements = 1;
        for (long extent : shape) {
          elements *= extent;
        }
        weightBytes += elements * (narrow ? BYTES_OF_BFLOAT16 : Float.BYTES);
        JsonObject step = step("param");
        step.addProperty("session", 0);
        step.addProperty("name", param.name());
        step.add("shape", extents(shape));
        step.addProperty("fill", "random");
        step.addProperty("learns", learns);
      }
    }

    @Override
    public void backward(Value loss) {
      JsonObject step = step("back");
      step.addProperty("id", ((ShapeValue) loss).id);
      step.addProperty("cotangent", -1);
    }

    @Override
    public void backward(Value value, Value cotangent, boolean keepGraph) {
      JsonObject step = step("back");
      step.addProperty("id", ((ShapeValue) value).id);
      step.addProperty("cotangent", ((ShapeValue) cotangent).id);
    }

    @Override
    public Value gradient(Value leaf) {
      throw new IllegalStateException("only the shape is known");
    }

    @Override
    public Value gradient(String param) {
      throw new IllegalStateException("only the shape is known");
    }

    @Override
    public ShapeScope child() {
      return new ShapeScope(session, gradients);
    }

    @Override
    public Value keep(Value value) {
      return value;
    }

    @Override
    public void close() {}
  }

  private JsonObject step(String what) {
    JsonObject step = new JsonObject();
    step.addProperty("do", what);
    steps.add(step);
    return step;
  }

  private static JsonArray extents(long[] shape) {
    JsonArray extents = new JsonArray();
    for (long extent : shape) {
      extents.add(extent);
    }
    return extents;
  }

  private static JsonArray ids(List<Value> of) {
    JsonArray ids = new JsonArray();
    of.forEach(value -> ids.add(((ShapeValue) value).id));
    return ids;
  }
}
