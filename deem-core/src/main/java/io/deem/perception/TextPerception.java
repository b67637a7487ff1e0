package io.deem.perception;

import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.TextListener;
import io.deem.generation.Generation;
import io.deem.generation.GenerationConfig;
import io.deem.generation.GenerationListener;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.random.RandomSource;
import io.deem.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Texts that follow prompts. They end at an end token or where an image would start. Several
 * prompts go through the network together, padded on the left; each has draws and a listener of its
 * own, so that its text does not depend on its company.
 */
final class TextPerception {

  /** Rows of the language model in one pass, beams counted. */
  private static final int ROWS_AT_ONCE = 16;

  private final Session session;
  private final DeemNetwork network;
  private final ImageEncoder images;
  private final InterleavedText text;
  private final TokenText tokens;

  TextPerception(Session session, DeemNetwork network, Tokenizer tokenizer, ImageEncoder images) {
    this.session = session;
    this.network = network;
    this.images = images;
    this.text = new InterleavedText(network);
    this.tokens = new TokenText(tokenizer);
  }

  /**
   * A generated text.
   *
   * @param tokens how many were generated, without the end token
   * @param scored how many the probability is of: the end token too if there was one
   * @param logProbability of all of them
   */
  record Written(String text, int tokens, int scored, double logProbability) {}

  /** Continues prompts. */
  List<Written> write(List<EncodedPrompt> prompts, GenerationOptions options, Watch watch) {
    return write(prompts, options, TextListener.NONE, watch);
  }

  /** Continues one prompt and passes its text on while it is generated. */
  Written write(
      EncodedPrompt prompt, GenerationOptions options, TextListener listener, Watch watch) {
    return write(List.of(prompt), options, listener, watch).get(0);
  }

  private List<Written> write(
      List<EncodedPrompt> prompts, GenerationOptions options, TextListener listener, Watch watch) {
    int atOnce = Math.max(1, ROWS_AT_ONCE / options.beams());
    List<Written> written = new ArrayList<>();
    for (int first = 0; first < prompts.size(); first += atOnce) {
      List<EncodedPrompt> some = prompts.subList(first, Math.min(first + atOnce, prompts.size()));
      try (Scope scope = session.scope()) {
        written.addAll(write(scope, some, options, listener, watch));
      }
    }
    return written;
  }

  private List<Written> write(
      Scope scope,
      List<EncodedPrompt> prompts,
      GenerationOptions options,
      TextListener listener,
      Watch watch) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      rows.add(new Row(new TextStream(tokens, options.stop(), listener)));
    }
    InterleavedBatch batch =
        new InterleavedBatch(
            network.config().special(),
            prompts.stream().map(EncodedPrompt::ids).collect(Collectors.toList()),
            InterleavedBatch.Padding.LEFT);
    InterleavedText.Sight sight =
        sight(
            scope,
            prompts.stream().flatMap(each -> each.images().stream()).collect(Collectors.toList()),
            watch);
    RandomSource[] random = new RandomSource[rows.size()];
    for (int i = 0; i < random.length; i++) {
      random[i] = RandomSource.seeded(options.seed());
    }
    GenerationListener follower =
        options.beams() > 1
            ? (step, emitted) -> {
              watch.check();
              return true;
            }
            : new Follower(rows, watch);
    GenerationConfig config = config(options);
    Generation generated =
        text.generate(scope, batch, sight, config, follower, index -> random[index]);
    List<Written> written = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      written.add(written(generated, i, rows.get(i).stream, config));
    }
    return written;
  }

  private InterleavedText.Sight sight(Scope scope, List<Image> pictures, Watch watch) {
    if (pictures.isEmpty()) {
      watch.check();
      return null;
    }
    return EncodedImage.upload(scope, images.encode(scope, pictures, watch));
  }

  private static final class Row {
    final TextStream stream;
    boolean ends;

    Row(TextStream stream) {
      this.stream = stream;
    }
  }

  /** Passes the tokens of each row on, and ends the rows that have a text to stop at. */
  private final class Follower implements GenerationListener {
    private final List<Row> rows;
    private final Watch watch;

    Follower(List<Row> rows, Watch watch) {
      this.rows = rows;
      this.watch = watch;
    }

    @Override
    public boolean onStep(int step, int[] emitted) {
      watch.check();
      for (int i = 0; i < emitted.length; i++) {
        Row row = rows.get(i);
        if (!row.ends) {
          row.ends = isEnd(emitted[i]) || row.stream.add(emitted[i]);
        }
      }
      return true;
    }

    @Override
    public boolean ends(int text) {
      return rows.get(text).ends;
    }
  }

  private Written written(
      Generation generated, int row, TextStream stream, GenerationConfig config) {
    int[] fresh = generated.newTokens(row);
    double logProbability = generated.scores()[row];
    if (config.numBeams() > 1) {
      // Nothing was passed on while the leading text could still change.
      for (int token : fresh) {
        if (stream.add(token)) {
          break;
        }
      }
      // A beam's score is divided by a power of its length, that of the begin token included.
      logProbability *= Math.pow(generated.textLengths()[row], config.lengthPenalty());
    }
    int length = generated.textLengths()[row];
    int[] sequence = generated.sequences()[row];
    boolean ended = length < sequence.length && isEnd(sequence[length]);
    int scored = fresh.length + (ended ? 1 : 0);
    return new Written(stream.finish(), fresh.length, scored, logProbability);
  }

  private boolean isEnd(int token) {
    InterleavedBatch.Special special = network.config().special();
    return token == special.end() || token == special.imageStart();
  }

  private GenerationConfig config(GenerationOptions options) {
    InterleavedBatch.Special special = network.config().special();
    GenerationConfig.Builder builder =
        GenerationConfig.builder()
            .maxNewTokens(options.maxNewTokens())
            // The begin token counts.
            .minLength(options.minNewTokens() == 0 ? 0 : options.minNewTokens() + 1)
            .numBeams(options.beams())
            .lengthPenalty(options.lengthPenalty())
            .repetitionPenalty((float) options.repetitionPenalty())
            .eosIds(special.end(), special.imageStart())
            .padId(special.padding());
    if (options.temperature() > 0) {
      builder.sampling((float) options.temperature(), (float) options.topP(), options.seed());
    }
    return builder.build();
  }

  /** Log-probabilities of answers to one prompt, summed over the tokens of each. */
  double[] score(EncodedPrompt prompt, List<int[]> answers, Watch watch) {
    try (Scope scope = session.scope()) {
      return text.score(
          scope, prompt.ids(), answers, sight(scope, prompt.images(), watch), watch::check);
    }
  }
}
