package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.net.http.HttpResponse;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;

/** What takes too long is cancelled. */
@SpringBootTest(
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
    properties = {
      "deem.requests-per-minute=0",
      "deem.running=1",
      "deem.time-limit=500ms",
      "deem.steps=1000",
      "logging.level.root=warn"
    })
@Timeout(120)
class TimeLimitTest {
  private static final String CHOICE =
      "{\"image\": \"PICTURE\", \"question\": \"what is it ?\", \"options\": [\"apple\", \"dog\"]}";
  private static final String LONG = "{\"text\": \"a red apple\", \"steps\": 1000}";
  private static final String TOO_LONG = "the request took longer than 0.5 s";

  @LocalServerPort private int port;
  @Autowired private MeterRegistry meters;
  @Autowired private Work work;

  private long late(String kind) {
    Timer timer = meters.find("deem.request").tags("kind", kind, "outcome", "late").timer();
    return timer == null ? 0 : timer.count();
  }

  @Test
  void whatTakesTooLongIsCancelledAndSaid() throws InterruptedException {
    HttpResponse<String> drawn =
        new TestClient(port, "")
            .post(
                "/v1/images/generations",
                "{\"prompt\": \"a red apple\", \"steps\": 1000, \"n\": 4}");
    assertEquals(504, drawn.statusCode());
    assertTrue(drawn.body().contains(TOO_LONG), drawn.body());

    HttpResponse<String> events = new TestClient(port, "").post("/api/imagine", LONG);
    assertTrue(events.body().contains(TOO_LONG), events.body());
    assertEquals(2, late("imagine"));
    while (meters.get("deem.running").gauge().value() > 0) {
      Thread.sleep(5);
    }
  }

  @Test
  void whatWaitsTooLongIsNotBegun() throws Exception {
    CountDownLatch blocking = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    Ending outcome = new Ending();
    work.start(
        "blocking",
        cancellation -> {
          begun.countDown();
          blocking.await();
        },
        outcome);
    begun.await();
    HttpResponse<String> waiting = new TestClient(port, "").post("/api/choose", CHOICE);
    assertEquals(504, waiting.statusCode());
    assertTrue(waiting.body().contains(TOO_LONG), waiting.body());
    assertEquals(1, late("choose"));
    blocking.countDown();
    outcome.end().get();
  }
}
