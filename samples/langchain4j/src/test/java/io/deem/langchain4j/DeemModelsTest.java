package io.deem.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.TokenStream;
import io.deem.Deem;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Prompt;
import io.deem.Turn;
import io.deem.mini.DeemMini;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class DeemModelsTest {
  private static final String QUESTION = "is there an apple ?";

  private static Deem deem;

  @BeforeAll
  static void open() throws IOException {
    deem = DeemMini.open();
  }

  @AfterAll
  static void close() {
    deem.close();
  }

  private static Image disc() {
    byte[] rgb = new byte[3 * 64 * 64];
    for (int i = 0; i < 64 * 64; i++) {
      boolean inside = Math.hypot(i % 64 - 32, i / 64 - 32) < 20;
      rgb[3 * i] = (byte) (inside ? 200 : 255);
      rgb[3 * i + 1] = (byte) (inside ? 30 : 255);
      rgb[3 * i + 2] = (byte) (inside ? 30 : 255);
    }
    return Image.ofRgb(64, 64, rgb);
  }

  private static ImageContent picture() {
    return ImageContent.from(Base64.getEncoder().encodeToString(disc().toPng()), "image/png");
  }

  private static UserMessage question() {
    return UserMessage.from(picture(), TextContent.from(QUESTION));
  }

  interface Assistant {
    String look(List<Content> contents);

    @SystemMessage("look closely :")
    String lookClosely(List<Content> contents);
  }

  interface Storyteller {
    TokenStream look(List<Content> contents);
  }

  @Test
  void aiServiceSeesPictures() {
    Assistant assistant =
        AiServices.builder(Assistant.class).chatModel(new DeemChatModel(deem.perceiver())).build();
    assertEquals(
        deem.perceiver().ask(disc(), QUESTION).text(),
        assistant.look(List.of(picture(), TextContent.from(QUESTION))));
  }

  @Test
  void systemMessageComesBeforeTheQuestion() {
    Assistant assistant =
        AiServices.builder(Assistant.class).chatModel(new DeemChatModel(deem.perceiver())).build();
    Prompt prompt = Prompt.of("look closely :").image(disc()).text(QUESTION);
    assertEquals(
        deem.perceiver().reply(List.of(), prompt, GenerationOptions.defaults(), piece -> {}).text(),
        assistant.lookClosely(List.of(picture(), TextContent.from(QUESTION))));
  }

  @Test
  void aiServiceRemembersEarlierTurns() {
    Assistant assistant =
        AiServices.builder(Assistant.class)
            .chatModel(new DeemChatModel(deem.perceiver()))
            .chatMemory(MessageWindowChatMemory.withMaxMessages(10))
            .build();
    String first = assistant.look(List.of(picture(), TextContent.from(QUESTION)));
    String second = assistant.look(List.of(TextContent.from("how many apples are there ?")));
    Turn turn = new Turn(Prompt.of(disc()).text(QUESTION), first);
    assertEquals(
        deem.perceiver()
            .reply(
                List.of(turn),
                Prompt.of("how many apples are there ?"),
                GenerationOptions.defaults().withMaxNewTokens(64),
                piece -> {})
            .text(),
        second);
  }

  @Test
  void aiServiceStreams() throws Exception {
    Storyteller assistant =
        AiServices.builder(Storyteller.class)
            .streamingChatModel(new DeemStreamingChatModel(deem.perceiver(), Runnable::run))
            .build();
    StringBuilder pieces = new StringBuilder();
    CompletableFuture<String> whole = new CompletableFuture<>();
    assistant
        .look(List.of(picture(), TextContent.from(QUESTION)))
        .onPartialResponse(pieces::append)
        .onCompleteResponse(response -> whole.complete(response.aiMessage().text()))
        .onError(whole::completeExceptionally)
        .start();
    assertEquals(whole.get(30, TimeUnit.SECONDS), pieces.toString());
    assertEquals(deem.perceiver().ask(disc(), QUESTION).text(), pieces.toString());
  }

  @Test
  void responseTellsTokensAndWhyItEnds() {
    ChatModel model = new DeemChatModel(deem.perceiver());
    var response = model.chat(question());
    assertEquals(FinishReason.STOP, response.metadata().finishReason());
    assertEquals(
        deem.perceiver().ask(disc(), QUESTION).tokens(),
        response.metadata().tokenUsage().outputTokenCount());
  }

  @Test
  void imagesAreDrawn() throws IOException {
    DeemImageModel model =
        new DeemImageModel(deem.perceiver(), ImagineOptions.defaults().withSteps(2));
    var drawn = model.generate("a red apple", 2).content();
    byte[] png = Base64.getDecoder().decode(drawn.get(0).base64Data());
    assertEquals(deem.info().imageSize(), Image.read(new ByteArrayInputStream(png)).width());
    assertNotEquals(drawn.get(0).base64Data(), drawn.get(1).base64Data());
    assertEquals(drawn.get(0).base64Data(), model.generate("a red apple").content().base64Data());
  }

  @Test
  void whatIsNotUnderstoodIsSaid() {
    ChatModel model = new DeemChatModel(deem.perceiver());
    UserMessage remote = UserMessage.from(ImageContent.from(URI.create("http://localhost/x.png")));
    assertThrows(UnsupportedFeatureException.class, () -> model.chat(remote));
    UserMessage broken = UserMessage.from(ImageContent.from("AAAA", "image/png"));
    assertThrows(InvalidRequestException.class, () -> model.chat(broken));
    assertThrows(UnsupportedFeatureException.class, () -> model.chat(AiMessage.from("I begin")));
  }
}
