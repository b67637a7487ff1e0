package io.deem.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import io.deem.Perceiver;
import java.util.Objects;
import java.util.concurrent.Executor;

/** {@link DeemChatModel}, with the reply passed on while it is written. */
public final class DeemStreamingChatModel implements StreamingChatModel {

  private final Perceiver perceiver;
  private final Executor executor;

  /**
   * A model that stays usable as long as the perceiver's {@link io.deem.Deem} is open.
   *
   * @param executor runs what is asked; {@code Runnable::run} to write in the caller's thread
   */
  public DeemStreamingChatModel(Perceiver perceiver, Executor executor) {
    this.perceiver = Objects.requireNonNull(perceiver, "perceiver");
    this.executor = Objects.requireNonNull(executor, "executor");
  }

  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    Conversation conversation = Conversation.of(request);
    executor.execute(
        () -> {
          ChatResponse response;
          try {
            response = conversation.reply(perceiver, handler::onPartialResponse);
          } catch (RuntimeException e) {
            handler.onError(e);
            return;
          }
          handler.onCompleteResponse(response);
        });
  }
}
