package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.MeterRegistry;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
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
  @Autowired private Work work;

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
  void whatDoesNotFitIsRefusedWhileTheRestIsStillComputed() throws Exception {
    CountDownLatch blocking = new CountDownLatch(1);
    TestClient client = new TestClient(port, "");
    List<Ending> accepted = List.of(new Ending(), new Ending());
    accepted.forEach(end -> work.start("blocking", cancellation -> blocking.await(), end));
    while (!work.isFull()) {
      Thread.sleep(1);
    }

    HttpResponse<String> refused = client.post("/api/imagine", "{\"text\": \"a dog\"}");
    assertEquals(429, refused.statusCode());
    assertTrue(refused.headers().firstValueAsLong("Retry-After").orElse(0) >= 1);
    assertTrue(refused.body().contains("the server is busy; try again"), refused.body());
    assertEquals(200, client.get("/v1/models").statusCode(), "costs nothing");
    assertTrue(accepted.stream().noneMatch(each -> each.end().isDone()), "nobody was hurried");

    blocking.countDown();
    for (Ending each : accepted) {
      each.end().get();
    }
  }

  @Test
  @Timeout(60)
  void bodiesThatAreStillComingTakeAPlace() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 2; i++) {
        Socket socket = new Socket("localhost", port);
        slow.add(socket);
        socket
            .getOutputStream()
            .write(
                ("POST /api/imagine HTTP/1.1\r\nHost: localhost\r\n"
                        + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
                    .getBytes(StandardCharsets.US_ASCII));
      }
      TestClient client = new TestClient(port, "");
      // Refused before its body is looked at, as soon as the server has met the others.
      HttpResponse<String> response = client.post("/api/imagine", "{");
      while (response.statusCode() == 400) {
        response = client.post("/api/imagine", "{");
      }
      assertEquals(429, response.statusCode());
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
    // They are gone, and so their places are free again.
    TestClient client = new TestClient(port, "");
    while (client.post("/api/imagine", "{").statusCode() != 400) {
      Thread.sleep(5);
    }
  }
}
