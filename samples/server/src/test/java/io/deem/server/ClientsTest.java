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
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.images.ImageGenerateParams;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiImageModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import io.deem.Answer;
import io.deem.Deem;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Prompt;
import io.deem.TextListener;
import io.deem.Turn;
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
        openAi
            .chat()
            .completions()
            .createStreaming(
                question(MODEL)
                    .logprobs(true)
                    .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
                    .build())) {
      List<ChatCompletionChunk> all = chunks.stream().toList();
      String text =
          all.stream()
              .flatMap(chunk -> chunk.choices().stream())
              .flatMap(choice -> choice.delta().content().stream())
              .collect(Collectors.joining());
      assertEquals(expected().text(), text);
      assertEquals(
          ChatCompletionChunk.Choice.FinishReason.STOP,
          all.get(all.size() - 2).choices().get(0).finishReason().orElseThrow());
      assertTrue(all.get(all.size() - 2).choices().get(0).logprobs().isPresent());
      assertEquals(
          expected().tokens(), all.get(all.size() - 1).usage().orElseThrow().completionTokens());
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
  void openAiRepliesWithinAConversation() throws IOException {
    Image image = Image.read(new ByteArrayInputStream(TestPictures.disc()));
    String next = "what color is it ?";
    GenerationOptions options = GenerationOptions.defaults().withMaxNewTokens(7);
    Turn first = new Turn(Prompt.of(image).text(QUESTION), "yes");
    Answer expected =
        deem.perceiver()
            .reply(List.of(first), Prompt.of("be brief").text(next), options, TextListener.NONE);
    ChatCompletion completion =
        openAi
            .chat()
            .completions()
            .create(
                question(MODEL)
                    .addAssistantMessage("yes")
                    .addSystemMessage("be brief")
                    .addUserMessage(next)
                    .maxCompletionTokens(7)
                    .build());
    assertEquals(expected.text(), completion.choices().get(0).message().content().orElseThrow());
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
  void langChain4jDraws() throws IOException {
    OpenAiImageModel model =
        OpenAiImageModel.builder().baseUrl(address()).apiKey("any").modelName(MODEL).build();
    byte[] picture =
        Base64.getDecoder().decode(model.generate("a red apple").content().base64Data());
    assertEquals(
        deem.perceiver().imagine("a red apple"), Image.read(new ByteArrayInputStream(picture)));
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
