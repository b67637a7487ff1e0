package io.deem.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Prompt;
import io.deem.Turn;
import java.util.ArrayList;
import java.util.List;

/**
 * A request for a chat completion in OpenAI's form. What it may hold beyond this is left alone.
 *
 * @param history earlier turns
 * @param message to reply to
 * @param usage whether a stream ends with how many tokens there were
 * @param logprobs whether the reply's logarithmic probability is told
 */
record ChatRequest(
    List<Turn> history,
    Prompt message,
    GenerationOptions options,
    boolean stream,
    boolean usage,
    boolean logprobs) {

  private static final int MOST_TOKENS = 4096;
  private static final int USUAL_TOKENS = 64;
  private static final int MOST_STOPS = 4;

  static ChatRequest of(JsonNode body, Pictures pictures) {
    JsonNode messages = body.path("messages");
    if (!messages.isArray() || messages.isEmpty()) {
      throw RequestException.invalid("messages", "messages must be a list with a message in it");
    }
    Pictures.Reader reader = pictures.reader();
    String before = "";
    Prompt open = null;
    List<Turn> history = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      JsonNode message = messages.get(i);
      String param = "messages[" + i + "]";
      switch (message.path("role").asText()) {
        case "system", "developer" -> before += text(message, param) + "\n";
        case "user" -> {
          open = prompt(open, before, message.path("content"), param + ".content", reader);
          if (open == null) {
            throw RequestException.invalid(param + ".content", param + ".content is empty");
          }
          before = "";
        }
        case "assistant" -> {
          if (open == null) {
            throw RequestException.invalid(param, param + " replies to no message");
          }
          history.add(new Turn(open, text(message, param)));
          open = null;
        }
        default ->
            throw RequestException.invalid(
                param + ".role", param + ".role must be system, user or assistant");
      }
    }
    if (open == null) {
      throw RequestException.invalid("messages", "the last message must be a user's");
    }
    if (integer(body, "n", 1) != 1) {
      throw RequestException.invalid("n", "n must be 1");
    }
    return new ChatRequest(
        history,
        open,
        options(body),
        body.path("stream").asBoolean(false),
        body.path("stream_options").path("include_usage").asBoolean(false),
        body.path("logprobs").asBoolean(false));
  }

  private static Prompt prompt(
      Prompt earlier, String before, JsonNode content, String param, Pictures.Reader pictures) {
    Prompt prompt = earlier;
    if (!before.isBlank()) {
      prompt = with(prompt, before.strip());
    }
    if (content.isTextual()) {
      return with(prompt, content.asText());
    }
    if (!content.isArray() || content.isEmpty()) {
      throw RequestException.invalid(param, param + " must be text or a list of parts");
    }
    for (int i = 0; i < content.size(); i++) {
      JsonNode part = content.get(i);
      String name = param + "[" + i + "]";
      switch (part.path("type").asText()) {
        case "text" -> prompt = with(prompt, part.path("text").asText());
        case "image_url" -> {
          JsonNode url = part.path("image_url");
          String address = url.isTextual() ? url.asText() : url.path("url").asText();
          Image image = pictures.read(name, address);
          prompt = prompt == null ? Prompt.of(image) : prompt.image(image);
        }
        default -> throw RequestException.invalid(name, name + ".type must be text or image_url");
      }
    }
    return prompt;
  }

  private static Prompt with(Prompt prompt, String text) {
    if (text.isBlank()) {
      return prompt;
    }
    return prompt == null ? Prompt.of(text) : prompt.text(text);
  }

  private static String text(JsonNode message, String param) {
    JsonNode content = message.path("content");
    if (content.isTextual()) {
      return content.asText();
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode part : content) {
      if (!part.path("type").asText().equals("text")) {
        throw RequestException.invalid(param, param + ".content must be text");
      }
      text.append(part.path("text").asText());
    }
    return text.toString();
  }

  private static GenerationOptions options(JsonNode body) {
    long tokens = integer(body, "max_completion_tokens", integer(body, "max_tokens", USUAL_TOKENS));
    if (tokens < 1 || tokens > MOST_TOKENS) {
      throw RequestException.invalid(
          "max_tokens", "max_tokens must be from 1 to " + MOST_TOKENS + ", not " + tokens);
    }
    return GenerationOptions.defaults()
        .withMaxNewTokens((int) tokens)
        .withTemperature(number(body, "temperature", 0))
        .withTopP(number(body, "top_p", 1))
        .withSeed(integer(body, "seed", 0))
        .withStop(stops(body.path("stop")));
  }

  private static String[] stops(JsonNode stop) {
    List<String> stops = new ArrayList<>();
    if (stop.isTextual()) {
      stops.add(stop.asText());
    }
    for (JsonNode each : stop) {
      stops.add(each.asText());
    }
    if (stops.size() > MOST_STOPS) {
      throw RequestException.invalid("stop", "stop must be at most " + MOST_STOPS + " texts");
    }
    return stops.toArray(new String[0]);
  }

  static long integer(JsonNode body, String name, long usual) {
    JsonNode value = body.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return usual;
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw RequestException.invalid(name, name + " must be a whole number");
    }
    return value.longValue();
  }

  private static double number(JsonNode body, String name, double usual) {
    JsonNode value = body.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return usual;
    }
    if (!value.isNumber()) {
      throw RequestException.invalid(name, name + " must be a number");
    }
    return value.doubleValue();
  }
}
