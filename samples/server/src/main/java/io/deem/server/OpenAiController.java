package io.deem.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.deem.Answer;
import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.ImagineOptions;
import io.deem.TextListener;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.async.DeferredResult;

/** OpenAI's interface, as far as a model that sees and draws has a use for it. */
@RestController
class OpenAiController {

  private static final int MOST_PICTURES = 4;

  private final Deem deem;
  private final DeemProperties properties;
  private final Work work;
  private final Pictures pictures;
  private final Measures measures;
  private final Errors errors;
  private final ObjectMapper json;
  private final long opened = Instant.now().getEpochSecond();

  OpenAiController(
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

  @GetMapping("/v1/models")
  ObjectNode models() {
    ObjectNode list = json.createObjectNode().put("object", "list");
    list.putArray("data").add(model());
    return list;
  }

  @GetMapping("/v1/models/{id}")
  ObjectNode model(@PathVariable String id) {
    requireModel(id);
    return model();
  }

  private ObjectNode model() {
    return json.createObjectNode()
        .put("id", name())
        .put("object", "model")
        .put("created", opened)
        .put("owned_by", "deem");
  }

  private String name() {
    return deem.info().name();
  }

  private void requireModel(String id) {
    if (!id.equals(name())) {
      throw RequestException.of(
          HttpStatus.NOT_FOUND,
          "invalid_request_error",
          "model_not_found",
          "there is no model \"" + id + "\"; there is " + name());
    }
  }

  /** A reply, whole or as server-sent events. */
  @PostMapping("/v1/chat/completions")
  Object chat(@RequestBody JsonNode body) {
    requireModel(body.path("model").asText(name()));
    ChatRequest request = ChatRequest.of(body, pictures);
    ObjectNode head =
        json.createObjectNode()
            .put("id", "chatcmpl-" + UUID.randomUUID())
            .put("created", Instant.now().getEpochSecond())
            .put("model", name());
    return request.stream() ? stream(request, head) : whole(request, head);
  }

  private Answer reply(ChatRequest request, TextListener listener, Cancellation cancellation) {
    Answer answer =
        deem.perceiver()
            .withCancellation(cancellation)
            .reply(request.history(), request.message(), request.options(), listener);
    measures.add(answer);
    return answer;
  }

  private DeferredResult<ObjectNode> whole(ChatRequest request, ObjectNode head) {
    Deferred result = new Deferred();
    work.start(
        "chat",
        cancellation -> {
          Answer answer = reply(request, TextListener.NONE, cancellation);
          ObjectNode choice = json.createObjectNode().put("index", 0);
          choice
              .putObject("message")
              .put("role", "assistant")
              .put("content", answer.text())
              .putNull("refusal");
          choice.put("finish_reason", finish(answer, request));
          choice.set("logprobs", logprobs(answer, request));
          head.put("object", "chat.completion").putArray("choices").add(choice);
          head.set("usage", usage(answer));
          result.value = head;
        },
        result);
    return result.to;
  }

  private Object stream(ChatRequest request, ObjectNode head) {
    Events events = new Events(errors);
    head.put("object", "chat.completion.chunk");
    Cancellation started =
        work.start(
            "chat",
            cancellation -> {
              events.send(chunk(head, delta("").put("role", "assistant"), null));
              Answer answer =
                  reply(request, text -> events.send(chunk(head, delta(text), null)), cancellation);
              ObjectNode last = chunk(head, json.createObjectNode(), finish(answer, request));
              ((ObjectNode) last.path("choices").get(0)).set("logprobs", logprobs(answer, request));
              events.send(last);
              if (request.usage()) {
                ObjectNode end = head.deepCopy();
                end.putArray("choices");
                end.set("usage", usage(answer));
                events.send(end);
              }
              events.send("[DONE]");
            },
            events);
    return events.of(started);
  }

  private ObjectNode delta(String text) {
    return json.createObjectNode().put("content", text);
  }

  private ObjectNode chunk(ObjectNode head, ObjectNode delta, String finish) {
    ObjectNode chunk = head.deepCopy();
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
    choice.set("delta", delta);
    choice.put("finish_reason", finish);
    return chunk;
  }

  private static String finish(Answer answer, ChatRequest request) {
    return answer.tokens() >= request.options().maxNewTokens() ? "length" : "stop";
  }

  /** One entry for the whole reply: its probability is that of all its tokens. */
  private JsonNode logprobs(Answer answer, ChatRequest request) {
    if (!request.logprobs()) {
      return json.nullNode();
    }
    ObjectNode logprobs = json.createObjectNode();
    ObjectNode entry =
        logprobs
            .putArray("content")
            .addObject()
            .put("token", answer.text())
            .put("logprob", Math.log(Math.max(Double.MIN_NORMAL, answer.probability())));
    ArrayNode bytes = entry.putArray("bytes");
    for (byte each : answer.text().getBytes(StandardCharsets.UTF_8)) {
      bytes.add(each & 0xff);
    }
    entry.putArray("top_logprobs");
    return logprobs.putNull("refusal");
  }

  /** Tokens of prompts are not counted: a picture's are the same for every picture. */
  private ObjectNode usage(Answer answer) {
    return json.createObjectNode()
        .put("prompt_tokens", 0)
        .put("completion_tokens", answer.tokens())
        .put("total_tokens", answer.tokens());
  }

  /** Pictures drawn from text. */
  @PostMapping("/v1/images/generations")
  DeferredResult<ObjectNode> draw(@RequestBody JsonNode body) {
    requireModel(body.path("model").asText(name()));
    String prompt = body.path("prompt").asText();
    long count = ChatRequest.integer(body, "n", 1);
    if (prompt.isBlank()) {
      throw RequestException.invalid("prompt", "prompt must not be empty");
    }
    if (count < 1 || count > MOST_PICTURES) {
      throw RequestException.invalid("n", "n must be from 1 to " + MOST_PICTURES);
    }
    if (body.path("response_format").asText("b64_json").equals("url")) {
      throw RequestException.invalid(
          "response_format", "response_format must be b64_json: this server keeps no pictures");
    }
    ImagineOptions options = imagineOptions(body);
    Deferred result = new Deferred();
    work.start(
        "imagine",
        cancellation -> {
          ObjectNode drawn = json.createObjectNode().put("created", Instant.now().getEpochSecond());
          ArrayNode data = drawn.putArray("data");
          for (int i = 0; i < count; i++) {
            ImagineOptions each = options.withSeed(options.seed() + i);
            data.addObject()
                .put(
                    "b64_json",
                    Pictures.base64(
                        deem.perceiver().withCancellation(cancellation).imagine(prompt, each)));
          }
          result.value = drawn;
        },
        result);
    return result.to;
  }

  private ImagineOptions imagineOptions(JsonNode body) {
    long steps = ChatRequest.integer(body, "steps", ImagineOptions.defaults().steps());
    if (steps < 1 || steps > properties.steps()) {
      throw RequestException.invalid("steps", "steps must be from 1 to " + properties.steps());
    }
    ImagineOptions options =
        ImagineOptions.defaults()
            .withSteps((int) steps)
            .withSeed(ChatRequest.integer(body, "seed", 0));
    String size = body.path("size").asText("auto");
    if (size.equals("auto")) {
      return options;
    }
    String[] sides = size.split("x", -1);
    if (sides.length != 2 || !sides[0].matches("[0-9]{1,4}") || !sides[1].equals(sides[0])) {
      throw RequestException.invalid("size", "size must be auto or as 512x512, a square");
    }
    return options.withSize(Integer.parseInt(sides[0]));
  }

  /** A result that is set when the task ends. */
  static final class Deferred implements Work.Outcome {
    final DeferredResult<ObjectNode> to = new DeferredResult<>(0L);
    volatile ObjectNode value;

    @Override
    public void done() {
      to.setResult(value);
    }

    @Override
    public void failed(Throwable reason) {
      to.setErrorResult(reason);
    }
  }
}
