package io.deem.runtime.gpu.proof;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.graph.Value;
import io.deem.model.AttentionMask;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.Freezing;
import io.deem.model.InterleavedBatch;
import io.deem.model.LatentDiffusion;
import io.deem.model.LlamaCache;
import io.deem.model.LlamaDecoder;
import io.deem.random.RandomSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/** What is timed, at a model's own size, with random weights. */
final class FullSizeWorkloads {

  private static final int CAPACITY = 1024;
  private static final int PROMPT = 512;
  private static final int HEADS_OF_IMAGES = 16;
  private static final int TRAINED_ROWS = 4;

  private final ProofStore store;
  private final DeemConfig config;
  private final DeemNetwork network;

  FullSizeWorkloads(ProofStore store, DeemConfig config) {
    this.store = store;
    this.config = config;
    this.network = new DeemNetwork(config);
  }

  /** All of them. */
  JsonArray all() {
    JsonArray all = new JsonArray();
    all.add(workload("decode", this::decode, cacheBytes()));
    all.add(workload("prefill", this::prefill, 0));
    all.add(workload("encode", this::encode, 0));
    all.add(workload("unet", this::denoise, 0));
    all.add(workload("train", this::train, 0));
    return all;
  }

  private JsonObject workload(String name, Consumer<ShapeEngine> work, double cacheBytes) {
    ShapeEngine engine = new ShapeEngine(store);
    work.accept(engine);
    JsonObject json = new JsonObject();
    json.addProperty("name", name);
    json.addProperty("operations", engine.forwardOperations() + engine.backwardOperations());
    json.addProperty("bytes", engine.weightBytes() + cacheBytes);
    json.add("steps", engine.steps());
    return json;
  }

  /** One token for one row, after as many as the cache has room for but one. */
  private void decode(ShapeEngine engine) {
    LlamaDecoder decoder = network.language().decoder();
    LlamaDecoder.Config sizes = decoder.config();
    ShapeEngine.ShapeScope scope = engine.open(null).scope();
    Value images = null;
    List<LlamaCache.Entry> entries = new ArrayList<>();
    for (int layer = 0; layer < sizes.layers(); layer++) {
      Value keys = scope.cache(1, sizes.keyHeads(), CAPACITY, sizes.headWidth());
      Value values = scope.cache(1, sizes.keyHeads(), CAPACITY, sizes.headWidth());
      boolean sees =
          sizes.crossAttentionFrequency() > 0 && layer % sizes.crossAttentionFrequency() == 0;
      if (sees) {
        images =
            scope.random(HEADS_OF_IMAGES, sizes.imageWidth() / HEADS_OF_IMAGES, sizes.pixels());
      }
      entries.add(new LlamaCache.Entry(keys, values, sees ? images : null));
    }
    Value visible = images == null ? null : scope.floats(new float[] {1}, 1, 1);
    LlamaCache cache = new LlamaCache(entries, visible, 1);
    boolean[][] seen = new boolean[1][CAPACITY];
    Arrays.fill(seen[0], true);
    Value embedded = decoder.embed(scope, scope.longs(words(1), 1, 1));
    Value positions = scope.longs(new long[] {CAPACITY - 1}, 1, 1);
    Value mask = scope.floats(AttentionMask.causal(seen, 1), 1, 1, 1, CAPACITY);
    LlamaDecoder.Result result = decoder.step(scope, embedded, positions, mask, cache);
    network.language().head().lastLogits(scope, result.last());
  }

  /** Keys and values of one row, in bfloat16. */
  private double cacheBytes() {
    LlamaDecoder.Config sizes = config.languageModel();
    return 2.0 * 2 * sizes.layers() * sizes.keyHeads() * CAPACITY * sizes.headWidth();
  }

  private void prefill(ShapeEngine engine) {
    LlamaDecoder decoder = network.language().decoder();
    ShapeEngine.ShapeScope scope = engine.open(null).scope();
    Value embedded = decoder.embed(scope, scope.longs(words(PROMPT), 1, PROMPT));
    long[] positions = new long[PROMPT];
    Arrays.setAll(positions, i -> i);
    Value at = scope.longs(positions, 1, PROMPT);
    LlamaDecoder.Result result = decoder.prefill(scope, embedded, at, null, null);
    network.language().head().lastLogits(scope, result.last());
  }

  private void encode(ShapeEngine engine) {
    ShapeEngine.ShapeScope scope = engine.open(null).scope();
    int side = config.imageSize();
    network.eyes().forward(scope, scope.random(1, 3, side, side), null);
  }

  /** One step for one image with classifier-free guidance, which is a batch of two. */
  private void denoise(ShapeEngine engine) {
    LatentDiffusion diffusion = network.diffusion();
    ShapeEngine.ShapeScope scope = engine.open(null).scope();
    long[] latents =
        diffusion.latentShape(new long[] {2, 3, config.drawnSize(), config.drawnSize()});
    int queries = config.contextResampler().queries();
    Value told = scope.random(2, queries, config.denoiser().crossAttentionDim());
    Value timesteps = scope.longs(new long[] {500, 500}, 2);
    LatentDiffusion.Condition condition = LatentDiffusion.Condition.of(told);
    diffusion.predict(scope, scope.random(latents), timesteps, condition);
  }

  /** The whole first stage's step: four rows of an image and 256 words, three losses. */
  private void train(ShapeEngine engine) {
    ShapeEngine.ShapeSession session = engine.open(null);
    session.trainable(Freezing.PRETRAINING);
    ShapeEngine.ShapeScope scope = session.trainingScope();
    InterleavedBatch.Special special = config.special();
    int[] row = new int[1 + 64 + 1 + special.tokensPerImage() + 192 + 1];
    Arrays.fill(row, word());
    row[0] = special.beginning();
    int start = 1 + 64;
    row[start] = special.imageStart();
    Arrays.fill(row, start + 1, start + 1 + special.tokensPerImage(), special.image());
    row[row.length - 1] = special.end();
    InterleavedBatch batch =
        new InterleavedBatch(
            special, Collections.nCopies(TRAINED_ROWS, row), InterleavedBatch.Padding.RIGHT);
    DeemNetwork.Example example =
        new DeemNetwork.Example(
            batch,
            scope.random(TRAINED_ROWS, 3, config.imageSize(), config.imageSize()),
            scope.random(TRAINED_ROWS, 3, config.drawnSize(), config.drawnSize()),
            batch.textTargets(null, false),
            null);
    DeemNetwork.Losses losses =
        network.losses(scope, example, DeemNetwork.LossWeights.PAPER, RandomSource.seeded(1));
    scope.backward(losses.total());
  }

  private long[] words(int count) {
    long[] words = new long[count];
    Arrays.fill(words, word());
    return words;
  }

  /** A word of the vocabulary that has no meaning of its own. */
  private int word() {
    return config.originalVocabulary() / 2;
  }
}
