package io.deem.bench;

import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.model.LlamaDecoder;
import io.deem.model.TextHead;
import io.deem.onnx.OnnxEngine;
import io.deem.ort.OnnxSession;
import io.deem.perception.LlamaTokenModel;
import io.deem.weights.quantized.Quantization;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A language model with random weights reads a prompt, or writes on, one text at a time. */
final class TextWorkload implements Workload {

  /** Tokens after which a text is begun anew. */
  private static final int LONGEST = 192;

  private final RandomModel model;
  private final OnnxSession session;
  private final LlamaDecoder decoder;
  private final TextHead head;
  private final int prompt;
  private final boolean decode;
  private final double cost;

  private Scope scope;
  private LlamaTokenModel text;
  private int length;

  /**
   * Opens the model.
   *
   * @param prompt tokens of the prompt
   * @param decode whether writing is measured, not reading
   */
  TextWorkload(
      String shape,
      LlamaDecoder.Config config,
      String precision,
      int threads,
      int prompt,
      boolean decode)
      throws IOException {
    this.prompt = prompt;
    this.decode = decode;
    decoder = new LlamaDecoder(config, "model.");
    Param last = Param.of("lm_head.weight", config.vocabulary(), config.width());
    head = TextHead.plain(last);
    Quantization how = quantization(precision, config.width());
    List<Param> matrices = new ArrayList<>(decoder.matrices());
    matrices.add(last);
    long numbers = 0;
    for (Param matrix : decoder.matrices()) {
      numbers += (long) matrix.shape().dim(0).value() * matrix.shape().dim(1).value();
    }
    cost =
        decode
            ? (RandomModel.readBytes(matrices, matrices, how) + cacheBytes(config, prompt)) / 1e9
            : 2 * (numbers + (double) config.vocabulary() * config.width() / prompt) / 1e9;
    List<Param> params = new ArrayList<>(decoder.params());
    params.add(last);
    List<Param> few = new ArrayList<>(matrices);
    if (how != null && config.width() % how.blockSize() == 0) {
      few.add(decoder.embeddings());
    }
    model =
        RandomModel.open(
            RandomModel.cache().resolve(shape + "-" + precision + ".safetensors"),
            params,
            few,
            how);
    session = new OnnxEngine(threads).open(model.weights(), model.linear(precision));
    begin();
  }

  /** What a token reads of the keys and values of those before it, half-way through a text. */
  private static double cacheBytes(LlamaDecoder.Config config, int prompt) {
    double tokens = (prompt + Math.max(prompt, LONGEST)) / 2.0;
    return 2.0 * tokens * config.layers() * config.keyHeads() * config.headWidth() * Float.BYTES;
  }

  /** How matrices are stored; null for 32 bits. */
  static Quantization quantization(String precision, int width) {
    return precision.equals("fp32")
        ? null
        : Quantization.forWidth(precision.equals("int8") ? 8 : 4, width);
  }

  private void begin() {
    if (scope != null) {
      scope.close();
    }
    scope = session.scope();
    int[] ids = new int[prompt];
    for (int i = 0; i < prompt; i++) {
      ids[i] = (int) (i * 7919L % decoder.config().vocabulary());
    }
    boolean[] real = new boolean[prompt];
    Arrays.fill(real, true);
    text =
        LlamaTokenModel.ofTokens(scope, decoder, head, new int[][] {ids}, new boolean[][] {real});
    text.prefill();
    length = prompt;
  }

  @Override
  public void run() {
    if (!decode || length == LONGEST) {
      begin();
    }
    if (decode) {
      text.step(new int[] {0}, new int[] {(int) (length * 104_729L % head.vocabulary())});
      length++;
    }
  }

  @Override
  public long nativeNanos() {
    return session.nativeNanos();
  }

  @Override
  public double units() {
    return decode ? 1 : prompt;
  }

  @Override
  public double cost() {
    return cost;
  }

  @Override
  public void close() {
    scope.close();
    session.close();
    model.close();
  }
}
