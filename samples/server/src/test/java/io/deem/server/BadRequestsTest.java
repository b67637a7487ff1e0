package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.autoconfigure.actuate.observability.AutoConfigureObservability;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;

/** What requests get that cannot be answered: the right status and one clear message. */
@AutoConfigureObservability(tracing = false)
@SpringBootTest(
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
    properties = {
      "deem.api-keys=right,other",
      "deem.requests-per-minute=1000",
      "deem.body-bytes=1000000",
      "logging.level.root=warn"
    })
class BadRequestsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @LocalServerPort private int port;

  private final HttpClient client = HttpClient.newHttpClient();

  private HttpResponse<String> post(String path, String key, HttpRequest.BodyPublisher body) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
            .header("Authorization", "Bearer " + key)
            .header("Content-Type", "application/json")
            .POST(body)
            .build();
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
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
    assertRefused(
        status,
        message,
        post(
            path,
            "right",
            HttpRequest.BodyPublishers.ofString(body.replace("PICTURE", TestPictures.dataUrl()))));
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
        "/api/imagine | {\"text\": \"a dog\", \"steps\": 100000} | steps must be from 1 to 100",
      })
  void isTold(String path, String body, String message) throws IOException {
    assertRefused(400, message, path, body);
  }

  @Test
  void regionOutsideThePictureIsNamed() throws IOException {
    HttpResponse<String> response =
        post(
            "/api/describe",
            "right",
            HttpRequest.BodyPublishers.ofString(
                "{\"image\": \""
                    + TestPictures.dataUrl()
                    + "\", \"region\": [500, 500, 600, 500, 600, 600]}"));
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
    assertEquals(
        404, post("/v1/nothing", "right", HttpRequest.BodyPublishers.noBody()).statusCode());
  }

  @Test
  void wrongKeyIsRefused() throws IOException {
    assertRefused(
        401,
        "send a valid key as \"Authorization: Bearer KEY\"",
        post("/v1/chat/completions", "wrong", HttpRequest.BodyPublishers.ofString("{}")));
  }

  @Test
  void lengthThatIsTooLargeIsRefusedBeforeTheBodyComes() throws IOException {
    try (Socket socket = new Socket("localhost", port)) {
      String head =
          "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer right\r\n"
              + "Content-Type: application/json\r\nContent-Length: 209715200\r\n\r\n{";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      socket.getOutputStream().flush();
      socket.setSoTimeout(10_000);
      String status = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
      assertEquals("HTTP/1.1 413", status);
    }
  }

  @Test
  void bodyOfUnknownLengthIsCutOff() throws IOException {
    byte[] text =
        ("{\"messages\": \"" + "a".repeat(2_000_000) + "\"}").getBytes(StandardCharsets.UTF_8);
    HttpResponse<String> response =
        post(
            "/v1/chat/completions",
            "right",
            HttpRequest.BodyPublishers.ofInputStream(() -> slow(text)));
    assertRefused(413, "the body has more than the 1000000 bytes allowed", response);
  }

  private static InputStream slow(byte[] bytes) {
    return new ByteArrayInputStream(bytes);
  }

  @Test
  void pageHasTheHeadersOfASafePage() throws IOException, InterruptedException {
    HttpResponse<String> page =
        client.send(
            HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/")).build(),
            HttpResponse.BodyHandlers.ofString());
    assertEquals(200, page.statusCode());
    assertTrue(page.headers().firstValue("Content-Security-Policy").isPresent());
    assertEquals("nosniff", page.headers().firstValue("X-Content-Type-Options").orElse(""));
    for (String probe : new String[] {"/actuator/health/readiness", "/actuator/prometheus"}) {
      assertEquals(
          200,
          client
              .send(
                  HttpRequest.newBuilder(URI.create("http://localhost:" + port + probe)).build(),
                  HttpResponse.BodyHandlers.discarding())
              .statusCode());
    }
  }
}
