package io.deem.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import io.deem.Perceiver;
import io.deem.TextListener;
import java.util.Objects;

/** Replies to messages of text and pictures. Safe for use from many threads. */
public final class DeemChatModel implements ChatModel {

  private final Perceiver perceiver;

  /** A model that stays usable as long as the perceiver's {@link io.deem.Deem} is open. */
  public DeemChatModel(Perceiver perceiver) {
    this.perceiver = Objects.requireNonNull(perceiver, "perceiver");
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    return Conversation.of(request).reply(perceiver, TextListener.NONE);
  }
}
