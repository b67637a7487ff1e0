package io.deem.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.deem.Answer;
import io.deem.Cancellation;
import io.deem.Choice;
import io.deem.Deem;
import io.deem.Description;
import io.deem.Fidelity;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Perceiver;
import io.deem.RedrawOptions;
import java.util.ArrayList;
import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/**
 * What the page asks for: events with {@code text}, {@code step}, {@code done} or {@code error}.
 */
@RestController
class PageController {

  private static final int MOST_OPTIONS = 100;
  private static final int TOKENS = 40;

  private final Deem deem;
  private final DeemProperties properties;
  private final Work work;
  private final Pictures pictures;
  private final Measures measures;
  private final Errors errors;
  private final ObjectMapper json;

  PageController(
      Deem deem,
      DeemProperties properties,
      Work work,
      Pictures pictures,
      Measures measures,
      Errors errors,
      ObjectMapper json) {
    this.deem = deem;
    this.properties = properties;
    this.work = work;
    this.pictures = pictures;
    this.measures = measures;
    this.errors = errors;
    this.json = json;
  }

  @GetMapping("/api/info")
  ObjectNode info() {
    return json.createObjectNode()
        .put("model", deem.info().name())
        .put("runtime", deem.info().runtime());
  }

  /** Describes a picture, or a region of it. */
  @PostMapping("/api/describe")
  SseEmitter describe(@RequestBody JsonNode body) {
    Image image = image(body);
    return events(
        "describe",
        (perceiver, events) -> {
          Description description =
              perceiver.describe(image, options(), text -> events.send(text(text)));
          measures.add(description.tokens(), description.time());
          return done(description.text(), description.probability());
        });
  }

  /** Answers a question about a picture, or a region of it. */
  @PostMapping("/api/ask")
  SseEmitter ask(@RequestBody JsonNode body) {
    Image image = image(body);
    String question = words(body, "question");
    return events(
        "ask",
        (perceiver, events) -> {
          Answer answer =
              perceiver.ask(image, question, options(), text -> events.send(text(text)));
          measures.add(answer);
          return done(answer.text(), answer.probability());
        });
  }

  /** Ranks options for an answer. */
  @PostMapping("/api/choose")
  DeferredResult<ObjectNode> choose(@RequestBody JsonNode body) {
    Image image = image(body);
    String question = words(body, "question");
    JsonNode given = body.path("options");
    if (!given.isArray() || given.size() < 2 || given.size() > MOST_OPTIONS) {
      throw RequestException.invalid(
          "options", "options must be 2 to " + MOST_OPTIONS + ", and there are " + given.size());
    }
    List<String> options = new ArrayList<>();
    given.forEach(option -> options.add(option.asText()));
    OpenAiController.Deferred result = new OpenAiController.Deferred();
    work.start(
        "choose",
        cancellation -> {
          ObjectNode ranked = json.createObjectNode();
          ArrayNode choices = ranked.putArray("choices");
          for (Choice choice :
              deem.perceiver().withCancellation(cancellation).choose(image, question, options)) {
            choices.addObject().put("text", choice.text()).put("share", choice.share());
          }
          result.value = ranked;
        },
        result);
    return result.to;
  }

  /** Draws what was seen, and tells how much of the picture that was. */
  @PostMapping("/api/redraw")
  SseEmitter redraw(@RequestBody JsonNode body) {
    Image image = image(body);
    RedrawOptions options =
        RedrawOptions.defaults()
            .withSteps(steps(body, RedrawOptions.defaults().steps()))
            .withSeed(ChatRequest.integer(body, "seed", 0));
    return events(
        "redraw",
        (perceiver, events) -> {
          Fidelity fidelity = perceiver.fidelity(image);
          measures.add(fidelity);
          Image drawn = watched(perceiver, events).redraw(image, options);
          return picture(drawn).put("fidelity", fidelity.gain());
        });
  }

  /** Draws what a text says. */
  @PostMapping("/api/imagine")
  SseEmitter imagine(@RequestBody JsonNode body) {
    String text = words(body, "text");
    ImagineOptions options =
        ImagineOptions.defaults()
            .withSteps(steps(body, ImagineOptions.defaults().steps()))
            .withSeed(ChatRequest.integer(body, "seed", 0));
    return events(
        "imagine",
        (perceiver, events) -> picture(watched(perceiver, events).imagine(text, options)));
  }

  private Perceiver watched(Perceiver perceiver, Events events) {
    return perceiver.withProgress(
        progress ->
            events.send(
                json.createObjectNode()
                    .put("step", progress.step())
                    .put("of", progress.totalSteps())));
  }

  private Image image(JsonNode body) {
    Image image = pictures.reader().read("image", body.path("image").asText());
    return Pictures.marked(image, body.get("region"));
  }

  private static String words(JsonNode body, String name) {
    String words = body.path(name).asText();
    if (words.isBlank()) {
      throw RequestException.invalid(name, name + " must not be empty");
    }
    return words;
  }

  private int steps(JsonNode body, int usual) {
    long steps = ChatRequest.integer(body, "steps", usual);
    if (steps < 1 || steps > properties.steps()) {
      throw RequestException.invalid("steps", "steps must be from 1 to " + properties.steps());
    }
    return (int) steps;
  }

  private static GenerationOptions options() {
    return GenerationOptions.defaults().withMaxNewTokens(TOKENS);
  }

  private ObjectNode text(String text) {
    return json.createObjectNode().put("text", text);
  }

  private ObjectNode done(String text, double probability) {
    ObjectNode event = json.createObjectNode();
    event.putObject("done").put("text", text).put("probability", probability);
    return event;
  }

  private ObjectNode picture(Image drawn) {
    return json.createObjectNode().put("image", Pictures.dataUrl(drawn));
  }

  /** What a request computes, and the last event that comes of it. */
  @FunctionalInterface
  private interface Perception {
    ObjectNode run(Perceiver perceiver, Events events);
  }

  private SseEmitter events(String kind, Perception perception) {
    Events events = new Events(errors);
    Cancellation started =
        work.start(
            kind,
            cancellation ->
                events.send(
                    perception.run(deem.perceiver().withCancellation(cancellation), events)),
            events);
    return events.of(started);
  }
}
