package io.deem.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import io.deem.Answer;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.Prompt;
import io.deem.TextListener;
import io.deem.Turn;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * A request as a perceiver takes it.
 *
 * @param history earlier turns
 * @param message to reply to
 */
record Conversation(List<Turn> history, Prompt message, GenerationOptions options) {

  private static final int USUAL_TOKENS = 64;

  /**
   * Reads a request.
   *
   * @throws InvalidRequestException if it does not end with a user's message, or a picture in it is
   *     none
   * @throws UnsupportedFeatureException for content other than text and pictures in base64
   */
  static Conversation of(ChatRequest request) {
    List<Turn> history = new ArrayList<>();
    Prompt open = null;
    String before = "";
    for (ChatMessage message : request.messages()) {
      if (message instanceof SystemMessage system) {
        before = (before + " " + system.text()).strip();
      } else if (message instanceof UserMessage user) {
        open = text(open, before);
        before = "";
        for (Content content : user.contents()) {
          open = with(open, content);
        }
      } else if (message instanceof AiMessage reply && open != null) {
        history.add(new Turn(open, reply.text() == null ? "" : reply.text()));
        open = null;
      } else {
        throw new UnsupportedFeatureException("a message of type " + message.type());
      }
    }
    if (open == null) {
      throw new InvalidRequestException("the last message must be a user's");
    }
    return new Conversation(history, open, options(request));
  }

  private static Prompt text(Prompt prompt, String text) {
    if (text.isBlank()) {
      return prompt;
    }
    return prompt == null ? Prompt.of(text) : prompt.text(text);
  }

  private static Prompt with(Prompt prompt, Content content) {
    if (content instanceof TextContent text) {
      return text(prompt, text.text());
    }
    if (content instanceof ImageContent picture && picture.image().base64Data() != null) {
      Image image = image(picture.image().base64Data());
      return prompt == null ? Prompt.of(image) : prompt.image(image);
    }
    throw new UnsupportedFeatureException(
        "content of type " + content.type() + "; text and pictures in base64 are understood");
  }

  private static Image image(String base64) {
    try {
      return Image.read(new ByteArrayInputStream(Base64.getDecoder().decode(base64)));
    } catch (IOException | IllegalArgumentException e) {
      throw new InvalidRequestException("a picture: " + e.getMessage(), e);
    }
  }

  private static GenerationOptions options(ChatRequest request) {
    GenerationOptions options = GenerationOptions.defaults().withMaxNewTokens(USUAL_TOKENS);
    if (request.maxOutputTokens() != null) {
      options = options.withMaxNewTokens(request.maxOutputTokens());
    }
    if (request.temperature() != null) {
      options = options.withTemperature(request.temperature());
    }
    if (request.topP() != null) {
      options = options.withTopP(request.topP());
    }
    List<String> stop = request.stopSequences();
    return stop == null || stop.isEmpty() ? options : options.withStop(stop.toArray(new String[0]));
  }

  ChatResponse reply(Perceiver perceiver, TextListener listener) {
    Answer answer = perceiver.reply(history, message, options, listener);
    boolean whole = answer.tokens() < options.maxNewTokens();
    return ChatResponse.builder()
        .aiMessage(AiMessage.from(answer.text()))
        .tokenUsage(new TokenUsage(null, answer.tokens()))
        .finishReason(whole ? FinishReason.STOP : FinishReason.LENGTH)
        .build();
  }
}
