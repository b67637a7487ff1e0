package io.deem.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;

/** Asks a server on this machine. */
final class TestClient {

  private final HttpClient client = HttpClient.newHttpClient();
  private final String address;
  private final String key;

  TestClient(int port, String key) {
    this.address = "http://localhost:" + port;
    this.key = key;
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(address + path))
        .header("Authorization", "Bearer " + key);
  }

  private HttpRequest posting(String path, HttpRequest.BodyPublisher body) {
    return request(path).header("Content-Type", "application/json").POST(body).build();
  }

  HttpResponse<String> get(String path) {
    return send(request(path).build());
  }

  /** Posts JSON, with the test's picture for the word PICTURE. */
  HttpResponse<String> post(String path, String body) {
    return post(
        path, HttpRequest.BodyPublishers.ofString(body.replace("PICTURE", TestPictures.dataUrl())));
  }

  HttpResponse<String> post(String path, HttpRequest.BodyPublisher body) {
    return send(posting(path, body));
  }

  CompletableFuture<HttpResponse<String>> posted(String path, String body) {
    return client.sendAsync(
        posting(path, HttpRequest.BodyPublishers.ofString(body)),
        HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
