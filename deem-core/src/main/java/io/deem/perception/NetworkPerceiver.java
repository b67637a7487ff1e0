package io.deem.perception;

import io.deem.Answer;
import io.deem.Cancellation;
import io.deem.Choice;
import io.deem.Description;
import io.deem.Fidelity;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Perceiver;
import io.deem.ProgressListener;
import io.deem.Prompt;
import io.deem.RedrawOptions;
import io.deem.TextListener;
import io.deem.Turn;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelFolder;
import io.deem.portable.Whitespace;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Perceives with a network on any engine: checks what it is given, and joins the parts that do the
 * work.
 *
 * <p>Safe for use from many threads. Between tokens and diffusion steps the thread's interruption
 * is looked at, and a {@linkplain #withCheck check} is run.
 */
public final class NetworkPerceiver implements Perceiver {

  private final Parts parts;
  private final Watch watch;

  /** What does the work; the same for all views of a perceiver. */
  private record Parts(
      Session session,
      DeemNetwork network,
      PromptEncoder prompts,
      ImageEncoder images,
      TextPerception text,
      DiffusionPerception diffusion,
      Imagination imagination) {}

  /**
   * A perceiver of a model.
   *
   * @param session holds the model's weights; stays open as long as the perceiver is used
   * @param model whose tokenizer stays open as long
   * @param encoded where encoded images are looked up and kept
   */
  public NetworkPerceiver(Session session, ModelFolder model, EncodedImages encoded) {
    DeemNetwork network = model.network();
    ImageEncoder images = new ImageEncoder(network, encoded);
    parts =
        new Parts(
            session,
            network,
            new PromptEncoder(model.tokenizer(), model.description().prompts(), network.config()),
            images,
            new TextPerception(session, network, model.tokenizer(), images),
            new DiffusionPerception(network),
            new Imagination(network));
    watch = Watch.NONE;
  }

  private NetworkPerceiver(Parts parts, Watch watch) {
    this.parts = parts;
    this.watch = watch;
  }

  /**
   * This perceiver with something to run between tokens and diffusion steps, which can end a call
   * by throwing.
   */
  public NetworkPerceiver withCheck(Runnable between) {
    return new NetworkPerceiver(parts, watch.withRuntime(between));
  }

  @Override
  public NetworkPerceiver withCancellation(Cancellation cancellation) {
    Objects.requireNonNull(cancellation, "cancellation");
    return new NetworkPerceiver(parts, watch.withCancellation(cancellation));
  }

  @Override
  public NetworkPerceiver withProgress(ProgressListener listener) {
    Objects.requireNonNull(listener, "listener");
    return new NetworkPerceiver(parts, watch.withProgress(listener));
  }

  // ---------------------------------------------------------------- text

  @Override
  public Description describe(Image image, GenerationOptions options, TextListener listener) {
    long start = System.nanoTime();
    requireOptions(options, listener);
    EncodedPrompt prompt = description(image, options);
    return description(parts.text.write(prompt, options, listener, watch), start);
  }

  @Override
  public List<Description> describe(List<Image> images, GenerationOptions options) {
    long start = System.nanoTime();
    requireOptions(options, TextListener.NONE);
    List<EncodedPrompt> prompts = new ArrayList<>();
    images.forEach(image -> prompts.add(description(image, options)));
    return parts.text.write(prompts, options, watch).stream()
        .map(written -> description(written, start))
        .collect(Collectors.toList());
  }

  @Override
  public Answer ask(
      Image image, String question, GenerationOptions options, TextListener listener) {
    long start = System.nanoTime();
    requireOptions(options, listener);
    EncodedPrompt prompt = question(image, question, options);
    return answer(parts.text.write(prompt, options, listener, watch), start);
  }

  @Override
  public List<Answer> ask(List<Image> images, List<String> questions, GenerationOptions options) {
    long start = System.nanoTime();
    requireOptions(options, TextListener.NONE);
    if (images.size() != questions.size()) {
      throw new IllegalArgumentException(
          "there must be as many questions as images, and there are "
              + questions.size()
              + " and "
              + images.size());
    }
    List<EncodedPrompt> prompts = new ArrayList<>();
    for (int i = 0; i < images.size(); i++) {
      prompts.add(question(images.get(i), questions.get(i), options));
    }
    return parts.text.write(prompts, options, watch).stream()
        .map(written -> answer(written, start))
        .collect(Collectors.toList());
  }

  @Override
  public Answer reply(
      List<Turn> history, Prompt message, GenerationOptions options, TextListener listener) {
    long start = System.nanoTime();
    requireOptions(options, listener);
    Objects.requireNonNull(message, "message");
    EncodedPrompt prompt = parts.prompts.conversation(history, message);
    parts.prompts.requireRoom(prompt, options.maxNewTokens());
    return answer(parts.text.write(prompt, options, listener, watch), start);
  }

  @Override
  public List<Choice> choose(Image image, String question, List<String> options) {
    Objects.requireNonNull(image, "image");
    EncodedPrompt prompt = parts.prompts.question(image, question);
    List<int[]> answers = answers(options);
    parts.prompts.requireRoom(
        prompt, answers.stream().mapToInt(answer -> answer.length).max().orElse(0));
    return ranked(options, parts.text.score(prompt, answers, watch));
  }

  private EncodedPrompt description(Image image, GenerationOptions options) {
    Objects.requireNonNull(image, "image");
    EncodedPrompt prompt = parts.prompts.description(image);
    parts.prompts.requireRoom(prompt, options.maxNewTokens());
    return prompt;
  }

  private EncodedPrompt question(Image image, String question, GenerationOptions options) {
    Objects.requireNonNull(image, "image");
    EncodedPrompt prompt = parts.prompts.question(image, question);
    parts.prompts.requireRoom(prompt, options.maxNewTokens());
    return prompt;
  }

  private static void requireOptions(GenerationOptions options, TextListener listener) {
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(listener, "listener");
  }

  private static Description description(TextPerception.Written written, long start) {
    double mean = Math.exp(written.logProbability() / Math.max(1, written.scored()));
    return new Description(written.text(), mean, written.tokens(), since(start));
  }

  private static Answer answer(TextPerception.Written written, long start) {
    double probability = Math.exp(written.logProbability());
    return new Answer(written.text(), probability, written.tokens(), since(start));
  }

  private List<int[]> answers(List<String> options) {
    Objects.requireNonNull(options, "options");
    if (options.size() < 2) {
      throw new IllegalArgumentException(
          "options must be at least two, and there are " + options.size());
    }
    int[] end = {parts.network.config().special().end()};
    List<int[]> answers = new ArrayList<>();
    for (String option : options) {
      String answer = option == null ? null : Whitespace.strip(option);
      answers.add(PromptEncoder.join(parts.prompts.text("option", answer), end));
    }
    if (new HashSet<>(options).size() < options.size()) {
      throw new IllegalArgumentException("options must differ, and are " + options);
    }
    return answers;
  }

  private static List<Choice> ranked(List<String> options, double[] logProbabilities) {
    double most = Arrays.stream(logProbabilities).max().getAsDouble();
    double sum = Arrays.stream(logProbabilities).map(each -> Math.exp(each - most)).sum();
    List<Choice> choices = new ArrayList<>();
    for (int i = 0; i < logProbabilities.length; i++) {
      double share = Math.exp(logProbabilities[i] - most) / sum;
      choices.add(new Choice(options.get(i), logProbabilities[i], share));
    }
    choices.sort(Comparator.comparingDouble(Choice::logProbability).reversed());
    return List.copyOf(choices);
  }

  // ---------------------------------------------------------------- pictures

  @Override
  public Fidelity fidelity(Image image) {
    Objects.requireNonNull(image, "image");
    try (Scope scope = parts.session.scope()) {
      EncodedImage seen = parts.images.encode(scope, image, watch);
      return parts.diffusion.fidelity(scope, image, seen, watch);
    }
  }

  @Override
  public Image redraw(Image image, RedrawOptions options) {
    Objects.requireNonNull(image, "image");
    Objects.requireNonNull(options, "options");
    try (Scope scope = parts.session.scope()) {
      EncodedImage seen = parts.images.encode(scope, image, watch);
      return parts.diffusion.redraw(scope, image, seen, options, watch);
    }
  }

  @Override
  public Image imagine(Prompt prompt, ImagineOptions options) {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(options, "options");
    parts.imagination.side(options);
    EncodedPrompt encoded = parts.prompts.drawing(prompt);
    parts.prompts.requireRoom(encoded, 0);
    try (Scope scope = parts.session.scope()) {
      List<EncodedImage> seen = parts.images.encode(scope, encoded.images(), watch);
      return parts.imagination.draw(scope, encoded, seen, options, watch);
    }
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }
}
