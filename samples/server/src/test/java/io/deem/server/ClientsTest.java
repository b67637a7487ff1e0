package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.NotFoundException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionContentPart;
import com.openai.models.chat.completions.ChatCompletionContentPartImage;
import com.openai.models.chat.completions.ChatCompletionContentPartText;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.images.ImageGenerateParams;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import io.deem.Answer;
import io.deem.Deem;
import io.deem.Image;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;

/** Clients that were written for another server. */
@SpringBootTest(
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
    properties = {"deem.requests-per-minute=0", "logging.level.root=warn"})
class ClientsTest {
  private static final String MODEL = "deem-mini";
  private static final String QUESTION = "is there an apple ?";

  @LocalServerPort private int port;
  @Autowired private Deem deem;

  private OpenAIClient openAi;

  @BeforeEach
  void connect() {
    openAi = OpenAIOkHttpClient.builder().baseUrl(address()).apiKey("any").maxRetries(0).build();
  }

  @AfterEach
  void disconnect() {
    openAi.close();
  }

  private String address() {
    return "http://localhost:" + port + "/v1";
  }

  /** What the SDK itself says. */
  private Answer expected() throws IOException {
    Image image = Image.read(new ByteArrayInputStream(TestPictures.disc()));
    return deem.perceiver().ask(image, QUESTION);
  }

  private static ChatCompletionCreateParams.Builder question(String model) {
    ChatCompletionContentPartImage picture =
        ChatCompletionContentPartImage.builder()
            .imageUrl(
                ChatCompletionContentPartImage.ImageUrl.builder()
                    .url(TestPictures.dataUrl())
                    .build())
            .build();
    return ChatCompletionCreateParams.builder()
        .model(model)
        .addUserMessageOfArrayOfContentParts(
            List.of(
                ChatCompletionContentPart.ofImageUrl(picture),
                ChatCompletionContentPart.ofText(
                    ChatCompletionContentPartText.builder().text(QUESTION).build())));
  }

  @Test
  void openAiAnswers() throws IOException {
    ChatCompletion completion =
        openAi.chat().completions().create(question(MODEL).logprobs(true).build());
    ChatCompletion.Choice choice = completion.choices().get(0);
    assertEquals(expected().text(), choice.message().content().orElseThrow());
    assertEquals(ChatCompletion.Choice.FinishReason.STOP, choice.finishReason());
    double logprob = choice.logprobs().orElseThrow().content().orElseThrow().get(0).logprob();
    assertEquals(Math.log(expected().probability()), logprob, 1e-4);
    assertEquals(expected().tokens(), completion.usage().orElseThrow().completionTokens());
  }

  @Test
  void openAiStreams() throws IOException {
    try (StreamResponse<ChatCompletionChunk> chunks =
        openAi.chat().completions().createStreaming(question(MODEL).build())) {
      String text =
          chunks.stream()
              .flatMap(chunk -> chunk.choices().stream())
              .flatMap(choice -> choice.delta().content().stream())
              .collect(Collectors.joining());
      assertEquals(expected().text(), text);
    }
  }

  @Test
  void openAiListsModelsAndDraws() throws IOException {
    assertEquals(MODEL, openAi.models().list().data().get(0).id());
    String picture =
        openAi
            .images()
            .generate(ImageGenerateParams.builder().model(MODEL).prompt("a red apple").build())
            .data()
            .orElseThrow()
            .get(0)
            .b64Json()
            .orElseThrow();
    Image drawn = Image.read(new ByteArrayInputStream(Base64.getDecoder().decode(picture)));
    assertEquals(deem.info().imageSize(), drawn.width());
  }

  @Test
  void openAiIsToldOfAnUnknownModel() {
    NotFoundException failure =
        assertThrows(
            NotFoundException.class,
            () -> openAi.chat().completions().create(question("gpt").build()));
    assertTrue(failure.getMessage().contains("there is no model \"gpt\""), failure.getMessage());
  }

  private static UserMessage message() {
    return UserMessage.from(
        ImageContent.from(TestPictures.base64(), "image/png"), TextContent.from(QUESTION));
  }

  @Test
  void langChain4jAnswers() throws IOException {
    OpenAiChatModel model =
        OpenAiChatModel.builder().baseUrl(address()).apiKey("any").modelName(MODEL).build();
    assertEquals(expected().text(), model.chat(message()).aiMessage().text());
  }

  @Test
  void langChain4jStreams() throws Exception {
    OpenAiStreamingChatModel model =
        OpenAiStreamingChatModel.builder()
            .baseUrl(address())
            .apiKey("any")
            .modelName(MODEL)
            .build();
    CompletableFuture<ChatResponse> whole = new CompletableFuture<>();
    StringBuilder pieces = new StringBuilder();
    model.chat(
        List.of(message()),
        new StreamingChatResponseHandler() {
          @Override
          public void onPartialResponse(String piece) {
            pieces.append(piece);
          }

          @Override
          public void onCompleteResponse(ChatResponse response) {
            whole.complete(response);
          }

          @Override
          public void onError(Throwable failure) {
            whole.completeExceptionally(failure);
          }
        });
    String text = whole.get(30, TimeUnit.SECONDS).aiMessage().text();
    assertNotNull(text);
    assertFalse(text.isEmpty());
    assertEquals(expected().text(), pieces.toString());
  }
}
