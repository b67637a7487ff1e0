package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.MeterRegistry;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
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
  void clientsThatAreRefusedAreToldWhenToComeAgain() throws Exception {
    Thread load = new Thread(this::keepBusy);
    load.start();
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/api/imagine"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("{\"text\": \"a dog\", \"steps\": 1}"))
            .build();
    HttpResponse<Void> response = null;
    while (load.isAlive() && (response == null || response.statusCode() != 429)) {
      response = client.send(request, HttpResponse.BodyHandlers.discarding());
    }
    load.join();
    assertEquals(429, response.statusCode());
    assertTrue(response.headers().firstValueAsLong("Retry-After").orElse(0) >= 1);
  }

  /** With what is not counted as chat. */
  private void keepBusy() {
    try {
      new Overload("http://localhost:" + port, "/api/imagine", "{\"text\": \"a cat\"}").run(8, 3);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
