package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Deem;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** A server that is told to end while it answers. */
class ShutdownTest {

  @Test
  @Timeout(120)
  void whatRunsAndWaitsIsFinishedFirst() throws Exception {
    ConfigurableApplicationContext server =
        new SpringApplicationBuilder(DeemServer.class)
            .run(
                "--server.port=0",
                "--deem.running=1",
                "--spring.main.register-shutdown-hook=false",
                "--logging.level.root=warn");
    TestClient client =
        new TestClient(
            server.getEnvironment().getRequiredProperty("local.server.port", Integer.class), "");
    MeterRegistry meters = server.getBean(MeterRegistry.class);
    String body = "{\"text\": \"a red apple\", \"steps\": 100}";
    CompletableFuture<HttpResponse<String>> running = client.posted("/api/imagine", body);
    await(meters, "deem.running");
    CompletableFuture<HttpResponse<String>> waiting = client.posted("/api/imagine", body);
    await(meters, "deem.waiting");
    Deem deem = server.getBean(Deem.class);

    server.close();

    for (CompletableFuture<HttpResponse<String>> each : List.of(running, waiting)) {
      HttpResponse<String> response = each.get();
      assertEquals(200, response.statusCode());
      assertTrue(response.body().contains("\"image\":"), response.body());
    }
    assertThrows(UncheckedIOException.class, () -> client.get("/v1/models"));
    assertThrows(IllegalStateException.class, () -> deem.perceiver().imagine("a dog"));
  }

  private static void await(MeterRegistry meters, String gauge) throws InterruptedException {
    while (meters.get(gauge).gauge().value() == 0) {
      Thread.sleep(1);
    }
  }
}
