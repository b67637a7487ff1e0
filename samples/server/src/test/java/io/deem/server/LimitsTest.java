package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;

/** The rate is limited, what a client no longer waits for is not computed on, all is measured. */
@LimitedServer
@Timeout(120)
class LimitsTest {
  private static final String QUESTION = "{\"image\": \"PICTURE\", \"question\": \"what is it ?\"}";
  private static final String REDRAW = "{\"image\": \"PICTURE\", \"steps\": 1}";
  private static final String LONG = "{\"text\": \"a red apple\", \"steps\": 1000}";

  @LocalServerPort private int port;
  @Autowired private MeterRegistry meters;

  private TestClient client(String key) {
    return new TestClient(port, key);
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      Thread.sleep(5);
    }
  }

  private long ended(String kind, String outcome) {
    Timer timer = meters.find("deem.request").tags("kind", kind, "outcome", outcome).timer();
    return timer == null ? 0 : timer.count();
  }

  @Test
  void whatAClientNoLongerListensToIsCancelled() throws IOException, InterruptedException {
    long before = ended("imagine", "cancelled");
    try (Socket socket = new Socket("localhost", port)) {
      String request =
          "POST /api/imagine HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer gone\r\n"
              + "Content-Type: application/json\r\nContent-Length: "
              + LONG.length()
              + "\r\n\r\n"
              + LONG;
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
      while (!lines.readLine().contains("\"step\"")) {
        // The header, and what separates events.
      }
    }
    await(() -> ended("imagine", "cancelled") > before);
  }

  @Test
  void whoAsksTooOftenIsToldWhenToComeAgain() {
    int answered = 0;
    HttpResponse<String> response = client("often").get("/v1/models");
    while (response.statusCode() == 200 && answered < 10_000) {
      answered++;
      response = client("often").get("/v1/models");
    }
    assertTrue(answered >= LimitedServer.REQUESTS_PER_MINUTE, answered + " requests were answered");
    assertEquals(429, response.statusCode());
    assertTrue(
        response.body().contains(LimitedServer.REQUESTS_PER_MINUTE + " requests a minute"),
        response.body());
    long seconds = response.headers().firstValueAsLong("Retry-After").orElse(0);
    assertTrue(seconds >= 1 && seconds <= 60, seconds + " s");
    assertEquals(200, client("seldom").get("/v1/models").statusCode(), "another client");
  }

  @Test
  void everythingIsMeasured() {
    TestClient client = client("watched");
    DistributionSummary fidelity = meters.get("deem.fidelity").summary();
    long before = fidelity.count();
    for (int i = 0; i < 2; i++) {
      assertEquals(200, client.post("/api/ask", QUESTION).statusCode());
    }
    HttpResponse<String> redrawn = client.post("/api/redraw", REDRAW);
    assertTrue(redrawn.body().contains("\"fidelity\":"), redrawn.body());
    assertEquals(1, fidelity.count() - before);
    String told = client.get("/actuator/prometheus").body();
    for (String name :
        new String[] {
          "deem_request_seconds_count{kind=\"ask\",outcome=\"done\"}",
          "deem_request_seconds{kind=\"ask\",outcome=\"done\",quantile=\"0.99\"}",
          "deem_waited_seconds_count",
          "deem_waiting ",
          "deem_running ",
          "deem_refused_total",
          "deem_cache_gets_total{result=\"hit\"}",
          "deem_cache_gets_total{result=\"miss\"}",
          "deem_cache_bytes ",
          "deem_tokens_total",
          "deem_tokens_per_second_count",
          "deem_fidelity_count"
        }) {
      assertTrue(told.contains("\n" + name), name + " is missing in\n" + told);
    }
    assertTrue(
        meters.get("deem.cache.gets").tag("result", "hit").functionCounter().count() >= 1,
        "the same picture twice");
  }
}
