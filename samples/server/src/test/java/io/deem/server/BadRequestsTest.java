package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.errors.BadRequestException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import io.deem.Image;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collections;
import java.util.Map;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.web.server.LocalServerPort;

/** What requests get that cannot be answered: the right status and one clear message. */
@LimitedServer
class BadRequestsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @LocalServerPort private int port;

  private TestClient client(String key) {
    return new TestClient(port, key);
  }

  private void assertRefused(int status, String message, HttpResponse<String> response)
      throws IOException {
    assertEquals(status, response.statusCode(), response.body());
    JsonNode error = JSON.readTree(response.body()).path("error");
    assertEquals(message, error.path("message").asText());
    assertFalse(error.path("type").asText().isEmpty());
  }

  private void assertRefused(int status, String message, String path, String body)
      throws IOException {
    assertRefused(status, message, client("right").post(path, body));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "/v1/chat/completions | {bad | the body is not valid JSON",
        "/v1/chat/completions | {} | messages must be a list with a message in it",
        "/v1/chat/completions | {\"messages\": [{\"role\": \"tool\"}]}"
            + " | messages[0].role must be system, user or assistant",
        "/v1/chat/completions | {\"messages\": [{\"role\": \"user\", \"content\": [{\"type\":"
            + " \"image_url\", \"image_url\": {\"url\": \"data:image/png;base64,iVBORw0KGg\"}}]}]}"
            + " | messages[0].content[0]: not a JPEG, PNG, WebP, GIF or BMP image",
        "/v1/chat/completions | {\"messages\": [{\"role\": \"user\", \"content\": [{\"type\":"
            + " \"image_url\", \"image_url\": {\"url\": \"data:image/png;base64,abcde\"}}]}]}"
            + " | messages[0].content[0] is not valid base64; it may have been cut short",
        "/v1/chat/completions | {\"messages\": [{\"role\": \"user\", \"content\": [{\"type\":"
            + " \"image_url\", \"image_url\": {\"url\": \"http://localhost/x.png\"}}]}]}"
            + " | messages[0].content[0] must be a data URL: this server fetches no pictures",
        "/v1/chat/completions | {\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}],"
            + " \"max_tokens\": 100000} | max_tokens must be from 1 to 4096, not 100000",
        "/v1/chat/completions | {\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}],"
            + " \"temperature\": \"hot\"} | temperature must be a number",
        "/v1/images/generations | {\"prompt\": \"a dog\", \"size\": \"big\"}"
            + " | size must be auto or as 512x512, a square",
        "/v1/images/generations | {\"prompt\": \" \"} | prompt must not be empty",
        "/api/ask | {\"image\": \"PICTURE\", \"question\": \"\"} | question must not be empty",
        "/api/imagine | {\"text\": \"a dog\", \"steps\": 100000} | steps must be from 1 to 1000",
      })
  void isTold(String path, String body, String message) throws IOException {
    assertRefused(400, message, path, body);
  }

  @Test
  void regionOutsideThePictureIsNamed() throws IOException {
    HttpResponse<String> response =
        client("right")
            .post(
                "/api/describe",
                "{\"image\": \"PICTURE\", \"region\": [500, 500, 600, 500, 600, 600]}");
    assertEquals(400, response.statusCode());
    assertTrue(
        response.body().contains("(500, 500) is outside the picture of 64 x 64"), response.body());
  }

  @Test
  void tenThousandOptionsAreTooMany() throws IOException {
    String options = String.join(",", Collections.nCopies(10_000, "\"a\""));
    assertRefused(
        400,
        "options must be 2 to 100, and there are 10000",
        "/api/choose",
        "{\"image\": \"PICTURE\", \"question\": \"what ?\", \"options\": [" + options + "]}");
  }

  @Test
  void unknownModelAndPathAreNotFound() throws IOException {
    assertRefused(
        404,
        "there is no model \"gpt\"; there is deem-mini",
        "/v1/chat/completions",
        "{\"model\": \"gpt\"}");
    assertEquals(404, client("right").get("/v1/nothing").statusCode());
    assertEquals(405, client("right").get("/v1/chat/completions").statusCode());
  }

  @Test
  void wrongKeyIsRefused() throws IOException {
    assertRefused(
        401,
        "send a valid key as \"Authorization: Bearer KEY\"",
        client("wrong").post("/v1/chat/completions", "{}"));
  }

  @Test
  void pictureThatIsCutShortIsRefused() throws IOException {
    String half = TestPictures.base64().substring(0, TestPictures.base64().length() / 8 * 4);
    assertRefused(
        400,
        "image: PNG image is cut short",
        "/api/ask",
        "{\"image\": \"data:image/png;base64," + half + "\", \"question\": \"what ?\"}");
  }

  /** The header alone says it: there are no such pixels. */
  @Test
  void pictureOfTooManyPixelsIsRefusedBeforeItIsDecoded() throws IOException {
    byte[] picture = TestPictures.disc();
    ByteBuffer.wrap(picture).putInt(16, 30_000).putInt(20, 30_000);
    CRC32 check = new CRC32();
    check.update(picture, 12, 17);
    ByteBuffer.wrap(picture).putInt(29, (int) check.getValue());
    assertRefused(
        400,
        "image: PNG image of 30000 x 30000 pixels is over the limit of 16000000",
        "/api/ask",
        "{\"image\": \"data:image/png;base64,"
            + Base64.getEncoder().encodeToString(picture)
            + "\", \"question\": \"what ?\"}");
  }

  @Test
  void picturesOfOneRequestShareTheLimitOfPixels() throws IOException {
    int side = 3000;
    String white = Pictures.dataUrl(Image.ofRgb(side, side, new byte[3 * side * side]));
    String part = "{\"type\": \"image_url\", \"image_url\": {\"url\": \"" + white + "\"}}";
    assertRefused(
        400,
        "messages[0].content[1]: PNG image of 3000 x 3000 pixels is over the limit of 7000000",
        "/v1/chat/completions",
        "{\"messages\": [{\"role\": \"user\", \"content\": [" + part + "," + part + "]}]}");
  }

  @Test
  void jsonThatWouldGrowInMemoryIsRefused() throws IOException {
    String message = "the JSON has too many or too deeply nested values";
    assertRefused(400, message, "/api/ask", "[".repeat(1000));
    assertRefused(400, message, "/api/ask", "[" + "1,".repeat(200_000) + "1]");
  }

  @Test
  void openAisClientUnderstandsWhatItIsTold() {
    OpenAIClient client = openAi("right");
    ChatCompletionCreateParams.Builder request =
        ChatCompletionCreateParams.builder().model("deem-mini").addUserMessage("hi");
    BadRequestException bad =
        assertThrows(
            BadRequestException.class,
            () -> client.chat().completions().create(request.maxCompletionTokens(100_000).build()));
    assertEquals("max_tokens", bad.param().orElseThrow());
    OpenAIClient stranger = openAi("wrong");
    UnauthorizedException unknown =
        assertThrows(
            UnauthorizedException.class,
            () -> stranger.chat().completions().create(request.maxCompletionTokens(1).build()));
    assertEquals("invalid_api_key", unknown.code().orElseThrow());
    client.close();
    stranger.close();
  }

  private OpenAIClient openAi(String key) {
    return OpenAIOkHttpClient.builder()
        .baseUrl("http://localhost:" + port + "/v1")
        .apiKey(key)
        .maxRetries(0)
        .build();
  }

  @Test
  void twoHundredMegabytesAreRefusedBeforeTheyCome() throws IOException {
    try (Socket socket = new Socket("localhost", port)) {
      String head =
          "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer right\r\n"
              + "Content-Type: application/json\r\nContent-Length: 209715200\r\n\r\n{";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      socket.getOutputStream().flush();
      String response =
          new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertTrue(response.startsWith("HTTP/1.1 413"), response);
      assertTrue(response.contains("the body has more than the 1000000 bytes allowed"), response);
    }
  }

  @Test
  void bodyOfUnknownLengthIsCutOff() throws IOException {
    byte[] text =
        ("{\"messages\": \"" + "a".repeat(2_000_000) + "\"}").getBytes(StandardCharsets.UTF_8);
    assertRefused(
        413,
        "the body has more than the 1000000 bytes allowed",
        client("right")
            .post(
                "/v1/chat/completions",
                HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(text))));
  }

  @Test
  void pageHasTheHeadersOfASafePage() {
    HttpResponse<String> page = client("none").get("/");
    assertEquals(200, page.statusCode());
    Map.of(
            "X-Content-Type-Options", "nosniff",
            "X-Frame-Options", "DENY",
            "Referrer-Policy", "no-referrer",
            "Cross-Origin-Opener-Policy", "same-origin")
        .forEach((name, value) -> assertEquals(value, page.headers().firstValue(name).orElse("")));
    assertTrue(
        page.headers()
            .firstValue("Content-Security-Policy")
            .orElse("")
            .startsWith("default-src 'self';"));
    assertEquals(
        "no-store",
        client("right").get("/v1/models").headers().firstValue("Cache-Control").orElse(""));
    for (String probe : new String[] {"liveness", "readiness"}) {
      assertEquals("{\"status\":\"UP\"}", client("none").get("/actuator/health/" + probe).body());
    }
  }
}
