package io.deem.perception;

import io.deem.Answer;
import io.deem.Choice;
import io.deem.Description;
import io.deem.Fidelity;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.RedrawOptions;
import io.deem.generation.Generation;
import io.deem.generation.GenerationConfig;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Value;
import io.deem.image.Framing;
import io.deem.image.PixelPlanes;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.model.ModelFolder;
import io.deem.model.Prompts;
import io.deem.text.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;

/**
 * Perceives with a network on any engine. Texts are generated greedily, at most {@value
 * #MAX_TOKENS} tokens, and end at an end token or where an image would start.
 *
 * <p>Safe for use from many threads. Between tokens and diffusion steps the thread's interruption
 * is looked at, and a {@linkplain #withCheck check} is run.
 */
public final class NetworkPerceiver implements Perceiver {

  private static final int MAX_TOKENS = 30;

  /** The reference scores as many options in one pass. */
  private static final int OPTIONS_AT_ONCE = 4;

  private final Session session;
  private final DeemNetwork network;
  private final Tokenizer tokenizer;
  private final Prompts prompts;
  private final EncodedImages encoded;
  private final PromptEncoder encoder;
  private final InterleavedText text;
  private final DiffusionPerception diffusion;
  private final Runnable check;

  /**
   * A perceiver of a model.
   *
   * @param session holds the model's weights; stays open as long as the perceiver is used
   * @param model whose tokenizer stays open as long
   * @param encoded where encoded images are looked up and kept
   */
  public NetworkPerceiver(Session session, ModelFolder model, EncodedImages encoded) {
    this(
        session,
        model.network(),
        model.tokenizer(),
        model.description().prompts(),
        encoded,
        () -> {});
  }

  private NetworkPerceiver(
      Session session,
      DeemNetwork network,
      Tokenizer tokenizer,
      Prompts prompts,
      EncodedImages encoded,
      Runnable check) {
    this.session = session;
    this.network = network;
    this.tokenizer = tokenizer;
    this.prompts = prompts;
    this.encoded = encoded;
    this.check = check;
    this.encoder = new PromptEncoder(tokenizer, network.config());
    this.text = new InterleavedText(network);
    this.diffusion = new DiffusionPerception(network);
  }

  /**
   * This perceiver with something to run between tokens and diffusion steps, which can end a call
   * by throwing.
   */
  public NetworkPerceiver withCheck(Runnable between) {
    return new NetworkPerceiver(session, network, tokenizer, prompts, encoded, between);
  }

  @Override
  public Description describe(Image image) {
    long start = System.nanoTime();
    Objects.requireNonNull(image, "image");
    Generation generated = generate(image, encoder.prompt(prompts.caption(), ""));
    int[] tokens = generated.newTokens(0);
    int scored = tokens.length + (ended(generated) ? 1 : 0);
    double mean = Math.exp(generated.scores()[0] / scored);
    return new Description(decode(tokens), mean, tokens.length, since(start));
  }

  @Override
  public Answer ask(Image image, String question) {
    long start = System.nanoTime();
    Objects.requireNonNull(image, "image");
    Generation generated = generate(image, prompt(question));
    int[] tokens = generated.newTokens(0);
    double probability = Math.exp(generated.scores()[0]);
    return new Answer(decode(tokens), probability, tokens.length, since(start));
  }

  @Override
  public List<Choice> choose(Image image, String question, List<String> options) {
    Objects.requireNonNull(image, "image");
    int[] prompt = prompt(question);
    List<int[]> answers = answers(options);
    double[] logProbabilities = new double[answers.size()];
    try (Scope scope = session.scope()) {
      EncodedImage seen = see(scope, image);
      for (int first = 0; first < answers.size(); first += OPTIONS_AT_ONCE) {
        int end = Math.min(first + OPTIONS_AT_ONCE, answers.size());
        check();
        try (Scope some = scope.child()) {
          double[] scores =
              text.score(some, prompt, answers.subList(first, end), seen.upload(some, end - first));
          System.arraycopy(scores, 0, logProbabilities, first, scores.length);
        }
      }
    }
    return ranked(options, logProbabilities);
  }

  @Override
  public Fidelity fidelity(Image image) {
    Objects.requireNonNull(image, "image");
    try (Scope scope = session.scope()) {
      return diffusion.fidelity(scope, image, see(scope, image), this::check);
    }
  }

  @Override
  public Image redraw(Image image, RedrawOptions options) {
    Objects.requireNonNull(image, "image");
    Objects.requireNonNull(options, "options");
    try (Scope scope = session.scope()) {
      return diffusion.redraw(scope, image, see(scope, image), options, this::check);
    }
  }

  // ---------------------------------------------------------------- text

  private int[] prompt(String question) {
    encoder.text("question", question);
    return encoder.prompt(prompts.question(), question.strip());
  }

  private Generation generate(Image image, int[] prompt) {
    InterleavedBatch.Special special = network.config().special();
    GenerationConfig config =
        GenerationConfig.builder()
            .maxNewTokens(MAX_TOKENS)
            .eosIds(special.end(), special.imageStart())
            .padId(special.padding())
            .build();
    try (Scope scope = session.scope()) {
      EncodedImage seen = see(scope, image);
      InterleavedBatch batch =
          new InterleavedBatch(special, List.of(prompt), InterleavedBatch.Padding.LEFT);
      check();
      return text.generate(
          scope,
          batch,
          seen.upload(scope, 1),
          config,
          (step, tokens) -> {
            check();
            return true;
          });
    }
  }

  private List<int[]> answers(List<String> options) {
    Objects.requireNonNull(options, "options");
    if (options.size() < 2) {
      throw new IllegalArgumentException(
          "options must be at least two, and there are " + options.size());
    }
    int[] end = {network.config().special().end()};
    List<int[]> answers = new ArrayList<>();
    for (String option : options) {
      String answer = option == null ? null : option.strip();
      answers.add(PromptEncoder.join(encoder.text("option", answer), end));
    }
    if (new HashSet<>(options).size() < options.size()) {
      throw new IllegalArgumentException("options must differ, and are " + options);
    }
    return answers;
  }

  private static List<Choice> ranked(List<String> options, double[] logProbabilities) {
    double most = Arrays.stream(logProbabilities).max().orElseThrow();
    double sum = Arrays.stream(logProbabilities).map(each -> Math.exp(each - most)).sum();
    List<Choice> choices = new ArrayList<>();
    for (int i = 0; i < logProbabilities.length; i++) {
      double share = Math.exp(logProbabilities[i] - most) / sum;
      choices.add(new Choice(options.get(i), logProbabilities[i], share));
    }
    choices.sort(Comparator.comparingDouble(Choice::logProbability).reversed());
    return List.copyOf(choices);
  }

  private static boolean ended(Generation generated) {
    return generated.sequences()[0].length > generated.textLengths()[0];
  }

  private String decode(int[] tokens) {
    return tokenizer.decode(Arrays.stream(tokens).asLongStream().toArray()).strip();
  }

  // ---------------------------------------------------------------- images

  private EncodedImage see(Scope outer, Image image) {
    check();
    String hash = image.contentHash();
    EncodedImage known = encoded.find(hash);
    if (known != null) {
      return known;
    }
    int side = network.config().imageSize();
    float[] pixels = PixelPlanes.of(Framing.SQUASH.apply(image, side));
    try (Scope scope = outer.child()) {
      Value input = scope.floats(pixels, 1, 3, side, side);
      EncodedImage seen = EncodedImage.of(network.eyes().forward(scope, input, null));
      encoded.keep(hash, seen);
      return seen;
    }
  }

  private void check() {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("interrupted");
    }
    check.run();
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }
}
