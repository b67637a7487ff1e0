package io.deem.perception;

import io.deem.generation.TokenModel;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.model.AttentionMask;
import io.deem.model.LlamaCache;
import io.deem.model.LlamaDecoder;
import io.deem.model.TextHead;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A {@link LlamaDecoder} that answers token by token, with the keys and values of earlier tokens
 * kept. Rows of padding on the left are allowed; positions count real tokens only.
 *
 * <p>For one generation and one thread. Everything it keeps belongs to the scope that it was given.
 */
public final class LlamaTokenModel implements TokenModel {

  /** Caches of a fixed capacity have a multiple of so many places. */
  private static final int ROOM = 64;

  /** Answers that are scored in one pass. */
  private static final int ANSWERS_AT_ONCE = 16;

  private final Scope scope;
  private final LlamaDecoder decoder;
  private final TextHead head;
  private final Value prompts;
  private final LlamaDecoder.Images images;

  /** For each prompt, which of its tokens are no padding. */
  private final boolean[][] real;

  private final boolean padded;

  /** Owns the cache; the one before it is closed when a step has made a new cache. */
  private Scope owner;

  private LlamaCache cache;

  /** For each row of the cache, its prompt. */
  private int[] promptOf;

  private LlamaTokenModel(
      Scope scope,
      LlamaDecoder decoder,
      TextHead head,
      Value prompts,
      boolean[][] real,
      LlamaDecoder.Images images) {
    this.scope = scope;
    this.decoder = decoder;
    this.head = head;
    this.prompts = prompts;
    this.real = real;
    this.images = images;
    boolean anyPadding = false;
    for (boolean[] row : real) {
      if (row.length == 0 || !row[row.length - 1]) {
        throw new IllegalArgumentException("a prompt must end in a token that is no padding");
      }
      for (boolean token : row) {
        anyPadding |= !token;
      }
    }
    padded = anyPadding;
  }

  /**
   * A model that has been given token ids.
   *
   * @param prompts [prompts][length], padded on the left
   * @param real [prompts][length]: whether a token is no padding
   */
  public static LlamaTokenModel ofTokens(
      Scope scope, LlamaDecoder decoder, TextHead head, int[][] prompts, boolean[][] real) {
    long[] ids = Arrays.stream(prompts).flatMapToInt(Arrays::stream).asLongStream().toArray();
    Value embedded = decoder.embed(scope, scope.longs(ids, prompts.length, prompts[0].length));
    return new LlamaTokenModel(scope, decoder, head, embedded, real, null);
  }

  /**
   * A model that has been given embeddings, among which may be those of images.
   *
   * @param prompts [prompts, length, width], padded on the left
   * @param real [prompts][length]: whether a token is no padding
   * @param images what the prompts' tokens look at; null for nothing. Further tokens look at what
   *     the last token of their prompt sees
   */
  public static LlamaTokenModel ofEmbeddings(
      Scope scope,
      LlamaDecoder decoder,
      TextHead head,
      Value prompts,
      boolean[][] real,
      LlamaDecoder.Images images) {
    return new LlamaTokenModel(scope, decoder, head, prompts, real, images);
  }

  @Override
  public float[][] prefill() {
    int count = real.length;
    int length = real[0].length;
    promptOf = IntStream.range(0, count).toArray();
    owner = scope.child();
    Value positions = owner.longs(AttentionMask.positions(real), count, length);
    LlamaDecoder.Result result = prefill(positions, count, length);
    // Images stay the same for many steps, while the scopes of steps come and go.
    keepImages(owner, result.cache());
    cache = result.cache();
    return rows(head.lastLogits(owner, result.last()), count);
  }

  private LlamaDecoder.Result prefill(Value positions, int count, int length) {
    if (scope.holdsWeightsPerBlock()) {
      int room = ROOM - length % ROOM;
      float[] causal = AttentionMask.causal(real, length, length + room);
      Value mask = owner.floats(causal, count, 1, length, length + room);
      return decoder.prefillWithRoom(owner, prompts, positions, mask, images, room);
    }
    Value mask =
        padded ? owner.floats(AttentionMask.causal(real, length), count, 1, length, length) : null;
    return decoder.prefill(owner, prompts, positions, mask, images);
  }

  @Override
  public float[][] step(int[] parentRows, int[] tokens) {
    Scope next = scope.child();
    LlamaCache selected = withRoom(next, select(next, parentRows));
    int rows = tokens.length;
    Value ids = next.longs(Arrays.stream(tokens).asLongStream().toArray(), rows, 1);
    int length = Math.toIntExact(selected.length()) + 1;
    boolean[][] seen = seen(length);
    Value positions = next.longs(lastPositions(seen), rows, 1);
    Value mask = padded || selected.room() > 0 ? mask(next, seen, selected) : null;
    LlamaDecoder.Result result =
        decoder.step(next, decoder.embed(next, ids), positions, mask, selected);
    owner.close();
    owner = next;
    cache = result.cache();
    return rows(head.lastLogits(next, result.last()), rows);
  }

  /**
   * Log-probabilities of texts that may follow the only prompt, which is read once. In place of
   * {@link #prefill} and {@link #step}.
   *
   * @param answers token ids of each, at least one
   * @param check run before each pass
   * @return for each answer the sum of its tokens' log-probabilities
   */
  public double[] score(List<int[]> answers, Runnable check) {
    if (real.length != 1) {
      throw new IllegalStateException("answers follow one prompt, and there are " + real.length);
    }
    check.run();
    float[] next = prefill()[0];
    double[] scores = new double[answers.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = logProbability(next, answers.get(i)[0]);
    }
    for (int first = 0; first < scores.length; first += ANSWERS_AT_ONCE) {
      try (Scope some = scope.child()) {
        int end = Math.min(first + ANSWERS_AT_ONCE, scores.length);
        branch(some).addScores(answers.subList(first, end), first, scores, check);
      }
    }
    return scores;
  }

  /** This model as it is now, to be gone on with in another scope while this one stays. */
  private LlamaTokenModel branch(Scope other) {
    LlamaTokenModel branch = new LlamaTokenModel(other, decoder, head, prompts, real, images);
    branch.owner = other.child();
    branch.cache = cache;
    branch.promptOf = promptOf;
    return branch;
  }

  /** Reads answers side by side, token by token, until only the last of each is left. */
  private void addScores(List<int[]> answers, int at, double[] scores, Runnable check) {
    List<Integer> rows = null;
    for (int token = 1; ; token++) {
      List<Integer> left = new ArrayList<>();
      for (int i = 0; i < answers.size(); i++) {
        if (answers.get(i).length > token) {
          left.add(i);
        }
      }
      if (left.isEmpty()) {
        return;
      }
      check.run();
      int[] parents = new int[left.size()];
      int[] read = new int[left.size()];
      for (int row = 0; row < read.length; row++) {
        parents[row] = rows == null ? 0 : rows.indexOf(left.get(row));
        read[row] = answers.get(left.get(row))[token - 1];
      }
      float[][] next = step(parents, read);
      for (int row = 0; row < read.length; row++) {
        scores[at + left.get(row)] += logProbability(next[row], answers.get(left.get(row))[token]);
      }
      rows = left;
    }
  }

  private static double logProbability(float[] logits, int token) {
    double most = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - most);
    }
    return logits[token] - most - Math.log(sum);
  }

  /** Shapes stay the same for as many steps as there is room. */
  private LlamaCache withRoom(Scope next, LlamaCache selected) {
    if (selected.room() > 0 || !scope.prefersFixedCaches()) {
      return selected;
    }
    int more = ROOM - Math.toIntExact(selected.capacity() % ROOM);
    return decoder.withRoom(next, selected, more);
  }

  /** What is left of the room is hidden like padding. */
  private static Value mask(Scope next, boolean[][] seen, LlamaCache selected) {
    int keys = seen[0].length;
    if (selected.room() > 0) {
      keys = Math.toIntExact(selected.capacity());
      for (int row = 0; row < seen.length; row++) {
        seen[row] = Arrays.copyOf(seen[row], keys);
      }
    }
    return next.floats(AttentionMask.causal(seen, 1), seen.length, 1, 1, keys);
  }

  private LlamaCache select(Scope next, int[] parentRows) {
    int[] prompt = Arrays.stream(parentRows).map(row -> promptOf[row]).toArray();
    boolean sameImages = Arrays.equals(prompt, promptOf);
    boolean sameRows =
        parentRows.length == promptOf.length
            && IntStream.range(0, parentRows.length).allMatch(row -> parentRows[row] == row);
    promptOf = prompt;
    if (sameRows) {
      return cache;
    }
    LlamaCache selected = decoder.select(next, cache, sameImages, parentRows);
    if (!sameImages) {
      keepImages(next, selected);
    }
    return selected;
  }

  private static void keepImages(Scope from, LlamaCache cache) {
    if (cache.visible() != null) {
      from.keep(cache.visible());
      cache.entries().stream()
          .map(LlamaCache.Entry::images)
          .filter(projected -> projected != null)
          .forEach(from::keep);
    }
  }

  /** For each row the tokens of its prompt that are no padding, and all tokens after the prompt. */
  private boolean[][] seen(int length) {
    boolean[][] seen = new boolean[promptOf.length][];
    for (int row = 0; row < seen.length; row++) {
      boolean[] prompt = real[promptOf[row]];
      seen[row] = Arrays.copyOf(prompt, length);
      Arrays.fill(seen[row], prompt.length, length, true);
    }
    return seen;
  }

  private static long[] lastPositions(boolean[][] seen) {
    long[] positions = new long[seen.length];
    for (int row = 0; row < seen.length; row++) {
      for (boolean token : seen[row]) {
        positions[row] += token ? 1 : 0;
      }
      positions[row]--;
    }
    return positions;
  }

  private float[][] rows(Value logits, int count) {
    float[] all = logits.floats();
    int width = head.vocabulary();
    float[][] rows = new float[count][];
    for (int row = 0; row < count; row++) {
      rows[row] = Arrays.copyOfRange(all, row * width, (row + 1) * width);
    }
    return rows;
  }
}
