package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.MeterRegistry;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;

/** A server of which more is asked than it can do. */
@SpringBootTest(
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
    properties = {
      "deem.running=1",
      "deem.queue=1",
      "deem.requests-per-minute=0",
      "logging.level.root=warn"
    })
class OverloadTest {

  @LocalServerPort private int port;
  @Autowired private MeterRegistry meters;

  @Test
  void whatIsNotAnsweredIsRefusedAndNothingIsLost() throws InterruptedException {
    double refusedBefore = meters.get("deem.refused").counter().count();
    Overload.Result result = new Overload("http://localhost:" + port).run(8, 3);
    assertFalse(result.accepted().isEmpty());
    assertFalse(result.refused().isEmpty());
    assertEquals(0, result.failed());
    double refused = meters.get("deem.refused").counter().count() - refusedBefore;
    assertEquals(result.refused().size(), refused, "as counted");
    assertEquals(
        result.accepted().size(),
        meters.get("deem.request").tags("kind", "chat", "outcome", "done").timer().count(),
        "as counted");
  }

  @Test
  @Timeout(60)
  void clientsThatAreRefusedAreToldWhenToComeAgain() throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/api/imagine"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("{\"text\": \"a dog\", \"steps\": 100}"))
            .build();
    HttpResponse.BodyHandler<Void> discarding = HttpResponse.BodyHandlers.discarding();
    CompletableFuture<HttpResponse<Void>> running = client.sendAsync(request, discarding);
    await("deem.running");
    CompletableFuture<HttpResponse<Void>> waiting = client.sendAsync(request, discarding);
    await("deem.waiting");

    HttpResponse<Void> refused = client.send(request, discarding);
    assertEquals(429, refused.statusCode());
    assertTrue(refused.headers().firstValueAsLong("Retry-After").orElse(0) >= 1);
    assertEquals(200, running.get().statusCode());
    assertEquals(200, waiting.get().statusCode());
  }

  private void await(String gauge) throws InterruptedException {
    while (meters.get(gauge).gauge().value() == 0) {
      Thread.sleep(1);
    }
  }
}
