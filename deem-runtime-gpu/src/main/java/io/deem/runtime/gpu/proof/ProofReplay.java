package io.deem.runtime.gpu.proof;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.TensorInfo;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Plays the tapes of a proof in this process' libtorch, as {@code gpu_proof.py} does in PyTorch:
 * from the files of the folder alone.
 *
 * <p>A result fits if the Euclidean norm of its difference from what was written down is within a
 * part of its own norm: {@value #FP32} in 32 bits. In bfloat16, whose numbers have 8 bits, every
 * product rounds, and a network of some dozen layers adds up to a few per cent: {@value #BF16}.
 * Gradients pass through it twice, and those of sampling offsets jump where a sample crosses from
 * one pixel to the next: {@value #BF16_GRADIENT}. Some gradients are zero but for rounding, such as
 * those of the biases of keys; none counts as smaller than a hundredth of its tape's largest.
 */
public final class ProofReplay implements AutoCloseable {

  static final double FP32 = 1e-3;
  static final double BF16 = 0.05;
  static final double BF16_GRADIENT = 0.6;

  /** A norm below this counts as this. */
  private static final double SMALLEST = 1e-3;

  private static final double SMALLEST_OF_LARGEST = 0.01;

  private final Path folder;
  private final boolean low;
  private final Consumer<String> lines;
  private final JsonObject index;
  private final SafetensorsFile tensors;
  private final ZipFile archives;
  private final PtNDManager manager;
  private final Map<Integer, PtSymbolBlock> scripts = new HashMap<>();
  private int passed;
  private int failed;

  private ProofReplay(Path folder, boolean low, PtNDManager manager, Consumer<String> lines)
      throws IOException {
    this.folder = folder;
    this.low = low;
    this.lines = lines;
    this.manager = manager;
    try (Reader reader =
        new InputStreamReader(
            new GZIPInputStream(Files.newInputStream(folder.resolve(GpuProof.INDEX))),
            StandardCharsets.UTF_8)) {
      this.index = JsonParser.parseReader(reader).getAsJsonObject();
    }
    this.tensors = SafetensorsFile.open(folder.resolve(ProofStore.TENSORS));
    this.archives = new ZipFile(folder.resolve(ProofStore.SCRIPTS).toFile());
  }

  /**
   * Plays all tapes.
   *
   * @param low in bfloat16, else in 32 bits
   * @param lines takes a line for each result: {@code tape/step relative ok|FAIL}, then how many
   * @return whether all fit
   */
  public static boolean run(Path folder, boolean low, Consumer<String> lines) throws IOException {
    try (PtNDManager manager =
            (PtNDManager) ai.djl.ndarray.NDManager.newBaseManager(ai.djl.Device.cpu(), "PyTorch");
        ProofReplay replay = new ProofReplay(folder, low, manager, lines)) {
      for (JsonElement tape : replay.index.getAsJsonArray("tapes")) {
        replay.play(tape.getAsJsonObject());
      }
      lines.accept(replay.passed + " passed, " + replay.failed + " failed");
      return replay.failed == 0 && replay.passed > 0;
    }
  }

  @Override
  public void close() throws IOException {
    tensors.close();
    archives.close();
  }

  private void play(JsonObject tape) throws IOException {
    try (PtNDManager own = (PtNDManager) manager.newSubManager()) {
      double largest = 0;
      for (JsonElement step : tape.getAsJsonArray("steps")) {
        if (step.getAsJsonObject().get("do").getAsString().equals("gradient")) {
          String key = step.getAsJsonObject().get("data").getAsString();
          largest = Math.max(largest, rootMeanSquare(tensors.floats(key)));
        }
      }
      double floor = Math.max(SMALLEST * SMALLEST, SMALLEST_OF_LARGEST * largest);
      Player player = new Player(own, tape.get("name").getAsString(), floor);
      int number = 0;
      for (JsonElement step : tape.getAsJsonArray("steps")) {
        player.step(number++, step.getAsJsonObject());
      }
    }
  }

  private static double rootMeanSquare(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum / Math.max(1, values.length));
  }

  private final class Player {
    final PtNDManager own;
    final String tape;
    final double smallestGradient;
    final Map<Integer, PtNDArray> values = new HashMap<>();
    final Map<String, PtNDArray> params = new HashMap<>();
    final List<ByteBuffer> memory = new ArrayList<>();

    Player(PtNDManager own, String tape, double smallestGradient) {
      this.own = own;
      this.tape = tape;
      this.smallestGradient = smallestGradient;
    }

    void step(int number, JsonObject step) throws IOException {
      switch (step.get("do").getAsString()) {
        case "make" -> {
          PtNDArray value = stored(step.get("data").getAsString());
          JniUtils.attachGradient(value, step.get("leaf").getAsBoolean());
          values.put(step.get("id").getAsInt(), value);
        }
        case "param" -> {
          PtNDArray value = stored(step.get("data").getAsString());
          JniUtils.attachGradient(value, step.get("learns").getAsBoolean());
          params.put(key(step, "name"), value);
        }
        case "run" -> run(step);
        case "back" -> back(step);
        case "clear" -> clear(step);
        case "gradient" -> {
          PtNDArray leaf =
              step.has("of")
                  ? values.get(step.get("of").getAsInt())
                  : params.get(key(step, "param"));
          PtNDArray gradient = JniUtils.getGradient(leaf);
          gradient.attach(own);
          values.put(step.get("id").getAsInt(), gradient);
          compare(number, step, gradient, smallestGradient, low ? BF16_GRADIENT : FP32);
        }
        case "read" ->
            compare(
                number, step, values.get(step.get("id").getAsInt()), SMALLEST, low ? BF16 : FP32);
        default -> throw new IOException(folder + ": unknown step " + step);
      }
    }

    private static String key(JsonObject step, String name) {
      return step.get("session").getAsInt() + " " + step.get(name).getAsString();
    }

    private void run(JsonObject step) throws IOException {
      NDList arguments = new NDList();
      PtNDArray first = (PtNDArray) own.create(0L);
      first.setName("module_method:forward");
      arguments.add(first);
      step.getAsJsonArray("in").forEach(id -> arguments.add(values.get(id.getAsInt())));
      for (JsonElement name : step.getAsJsonArray("params")) {
        arguments.add(params.get(step.get("session").getAsInt() + " " + name.getAsString()));
      }
      for (JsonElement constant : step.getAsJsonArray("constants")) {
        arguments.add(stored(constant.getAsString()));
      }
      JniUtils.setGraphExecutorOptimize(false);
      JniUtils.setGradMode(step.get("gradients").getAsBoolean());
      NDList results = IValueUtils.forward(script(step.get("script").getAsInt()), arguments, true);
      JsonArray out = step.getAsJsonArray("out");
      for (int i = 0; i < out.size(); i++) {
        values.put(out.get(i).getAsInt(), (PtNDArray) results.get(i));
      }
    }

    private void back(JsonObject step) {
      PtNDArray value = values.get(step.get("id").getAsInt());
      int cotangent = step.get("cotangent").getAsInt();
      NDArray with =
          cotangent < 0 ? own.ones(value.getShape(), value.getDataType()) : values.get(cotangent);
      JniUtils.backward(value, (PtNDArray) with, true, false);
    }

    private void clear(JsonObject step) {
      String session = step.get("session").getAsInt() + " ";
      params.forEach(
          (name, value) -> {
            PtNDArray gradient = name.startsWith(session) ? JniUtils.getGradient(value) : null;
            if (gradient != null) {
              gradient.close();
              JniUtils.zeroGrad(value);
            }
          });
    }

    private void compare(
        int number, JsonObject step, PtNDArray value, double smallest, double tolerance) {
      float[] expected = tensors.floats(step.get("data").getAsString());
      int stride = step.get("stride").getAsInt();
      float[] all = value.toFloatArray();
      float[] difference = new float[expected.length];
      for (int i = 0; i < expected.length; i++) {
        difference[i] = all[i * stride] - expected[i];
      }
      double relative = rootMeanSquare(difference) / Math.max(smallest, rootMeanSquare(expected));
      boolean ok = relative <= tolerance;
      passed += ok ? 1 : 0;
      failed += ok ? 0 : 1;
      String what =
          step.has("param") ? step.get("param").getAsString() : step.get("do").getAsString();
      lines.accept(
          String.format(
              Locale.ROOT,
              "%s/%d/%s %s %.3g %s",
              tape,
              number,
              what,
              low ? "bf16" : "fp32",
              relative,
              ok ? "ok" : "FAIL"));
    }

    /** A copy: a tape may overwrite it. */
    private PtNDArray stored(String key) {
      TensorInfo info = tensors.info(key);
      DataType type =
          switch (info.type()) {
            case F32 -> DataType.FLOAT32;
            case I64 -> DataType.INT64;
            case BOOL -> DataType.BOOLEAN;
            default -> throw new IllegalStateException(info.toString());
          };
      ByteBuffer bytes = tensors.bytes(key);
      ByteBuffer copy = ByteBuffer.allocateDirect(bytes.remaining()).order(ByteOrder.nativeOrder());
      copy.put(bytes).flip();
      memory.add(copy);
      return own.create(copy, new Shape(info.shape()), type);
    }
  }

  private PtSymbolBlock script(int number) throws IOException {
    PtSymbolBlock known = scripts.get(number);
    if (known == null) {
      JsonObject script = index.getAsJsonArray("scripts").get(number).getAsJsonObject();
      String name = script.get(low ? "bf16" : "fp32").getAsString();
      ZipEntry entry = archives.getEntry(name);
      if (entry == null) {
        throw new IOException(folder.resolve(ProofStore.SCRIPTS) + ": has no " + name);
      }
      try (InputStream in = archives.getInputStream(entry)) {
        known =
            JniUtils.loadModule(manager, new ByteArrayInputStream(in.readAllBytes()), false, false);
      }
      scripts.put(number, known);
    }
    return known;
  }
}
