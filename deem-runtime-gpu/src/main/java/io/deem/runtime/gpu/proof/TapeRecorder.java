package io.deem.runtime.gpu.proof;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.torch.TorchListener;
import io.deem.torch.TorchSession;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes down what an engine computes, step by step, so that it can be computed again elsewhere:
 * what was made from Java's numbers, which script ran on which values, what went back, and what was
 * read of it.
 */
final class TapeRecorder implements TorchListener {

  /** Of a large result so many numbers are compared, evenly spread. */
  private static final int COMPARED = 1024;

  private final ProofStore store;
  private final JsonArray steps = new JsonArray();
  private final IdentityHashMap<Value, Integer> numbers = new IdentityHashMap<>();
  private final IdentityHashMap<TorchSession, Integer> sessions = new IdentityHashMap<>();
  private final Map<String, String> params = new HashMap<>();

  TapeRecorder(ProofStore store) {
    this.store = store;
  }

  /** All steps so far. */
  JsonArray steps() {
    return steps;
  }

  @Override
  public void made(Value value, Object numbersGiven, boolean leaf) {
    JsonObject step = step("make");
    step.addProperty("id", number(value));
    step.addProperty("data", keep(numbersGiven, value.shape()));
    step.addProperty("leaf", leaf);
  }

  @Override
  public void ran(
      TorchSession session,
      Block block,
      List<Value> inputs,
      List<Value> outputs,
      boolean gradients) {
    inputs.forEach(this::known);
    JsonArray names = new JsonArray();
    for (Param param : block.params()) {
      current(session, param);
      names.add(param.name());
    }
    JsonArray constants = new JsonArray();
    for (Tensor constant : block.constants()) {
      constants.add(
          store.floats(
              constant.attributes().get("values", float[].class), constant.shape().extents()));
    }
    JsonObject step = step("run");
    step.addProperty("script", store.script(block));
    step.addProperty("session", number(session));
    step.add("in", ids(inputs));
    step.add("params", names);
    step.add("constants", constants);
    step.add("out", ids(outputs));
    step.addProperty("gradients", gradients);
  }

  @Override
  public void wentBack(Value value, Value cotangent) {
    if (cotangent != null) {
      known(cotangent);
    }
    JsonObject step = step("back");
    step.addProperty("id", number(value));
    step.addProperty("cotangent", cotangent == null ? -1 : number(cotangent));
  }

  @Override
  public void gradient(Value leaf, Value gradient) {
    JsonObject step = step("gradient");
    step.addProperty("of", number(leaf));
    expect(step, gradient);
  }

  @Override
  public void gradient(TorchSession session, String param, Value gradient) {
    JsonObject step = step("gradient");
    step.addProperty("session", number(session));
    step.addProperty("param", param);
    expect(step, gradient);
  }

  private void expect(JsonObject step, Value gradient) {
    step.addProperty("id", number(gradient));
    expect(step, gradient.floats());
  }

  @Override
  public void cleared(TorchSession session) {
    step("clear").addProperty("session", number(session));
  }

  @Override
  public void read(Value value, float[] numbersRead) {
    if (numbers.containsKey(value)) {
      JsonObject step = step("read");
      step.addProperty("id", number(value));
      expect(step, numbersRead);
    }
  }

  private void expect(JsonObject step, float[] all) {
    int stride = Math.max(1, (all.length + COMPARED - 1) / COMPARED);
    float[] some = new float[(all.length + stride - 1) / stride];
    for (int i = 0; i < some.length; i++) {
      some[i] = all[i * stride];
    }
    step.addProperty("stride", stride);
    step.addProperty("data", store.floats(some, some.length));
  }

  /** A value that came from elsewhere, such as a parameter's: made from what it holds now. */
  private void known(Value value) {
    if (!numbers.containsKey(value)) {
      // Read before it has a number, so that the reading is no step.
      made(value, value.type() == DataType.INT64 ? value.longs() : value.floats(), false);
    }
  }

  /** What a parameter holds, where that is not what it held before. */
  private void current(TorchSession session, Param param) {
    boolean learns = session.trainableNames().test(param.name());
    String data = store.floats(session.param(param.name()).floats(), param.shape().extents());
    String known = number(session) + " " + param.name();
    if (!(data + learns).equals(params.put(known, data + learns))) {
      JsonObject step = step("param");
      step.addProperty("session", number(session));
      step.addProperty("name", param.name());
      step.addProperty("data", data);
      step.addProperty("learns", learns);
    }
  }

  private String keep(Object given, long[] shape) {
    if (given instanceof long[] longs) {
      return store.longs(longs, shape);
    }
    return given instanceof boolean[] flags
        ? store.bools(flags, shape)
        : store.floats((float[]) given, shape);
  }

  private JsonObject step(String what) {
    JsonObject step = new JsonObject();
    step.addProperty("do", what);
    steps.add(step);
    return step;
  }

  private JsonArray ids(List<Value> values) {
    JsonArray ids = new JsonArray();
    values.forEach(value -> ids.add(number(value)));
    return ids;
  }

  private int number(Value value) {
    return numbers.computeIfAbsent(value, key -> numbers.size());
  }

  private int number(TorchSession session) {
    return sessions.computeIfAbsent(session, key -> sessions.size());
  }
}
