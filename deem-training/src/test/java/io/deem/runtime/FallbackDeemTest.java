package io.deem.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.deem.Answer;
import io.deem.Deem;
import io.deem.Image;
import io.deem.ModelInfo;
import io.deem.Perceiver;
import io.deem.perception.ClosedModelException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class FallbackDeemTest {

  private static final Image IMAGE = Image.ofRgb(1, 1, new byte[3]);
  private static final Duration LONG = Duration.ofHours(1);

  private final Deem gpu = deem("gpu");
  private final Deem cpu = deem("cpu");
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private int opened;

  private static Deem deem(String runtime) {
    Deem deem = mock(Deem.class);
    Perceiver perceiver = mock(Perceiver.class);
    when(deem.perceiver()).thenReturn(perceiver);
    when(deem.info()).thenReturn(new ModelInfo("model", 64, runtime, Map.of(), Map.of()));
    when(perceiver.ask(IMAGE, "?")).thenReturn(new Answer(runtime, 1, 1, Duration.ZERO));
    return deem;
  }

  @BeforeEach
  void listen() {
    log.start();
    Logger logger = (Logger) LoggerFactory.getLogger(FallbackDeem.class);
    logger.addAppender(log);
    // What a test provokes is looked at here, not printed.
    logger.setAdditive(false);
  }

  @AfterEach
  void stopListening() {
    Logger logger = (Logger) LoggerFactory.getLogger(FallbackDeem.class);
    logger.detachAppender(log);
    logger.setAdditive(true);
  }

  private FallbackDeem both(Duration pause) {
    return new FallbackDeem(
        gpu,
        () -> {
          opened++;
          return cpu;
        },
        pause);
  }

  private static String answer(Deem deem) {
    return deem.perceiver().ask(IMAGE, "?").text();
  }

  private void gpuThrows(Throwable failure) {
    Perceiver perceiver = gpu.perceiver();
    when(perceiver.ask(IMAGE, "?")).thenThrow(failure);
  }

  @Test
  void theFirstAnswersWhileItCan() {
    try (Deem deem = both(LONG)) {
      assertEquals("gpu", answer(deem));
      assertEquals("gpu", deem.info().runtime());
      assertEquals(0, opened);
    }
    verify(gpu).close();
  }

  @Test
  void theSecondAnswersWhenTheFirstFailsAndThatIsLoggedOnce() {
    gpuThrows(new IllegalStateException("cuda:0 is out of memory"));
    try (Deem deem = both(LONG)) {
      for (int i = 0; i < 5; i++) {
        assertEquals("cpu", answer(deem));
      }
      assertEquals("cpu", deem.info().runtime());
      assertEquals(1, opened);
      // The breaker keeps the others away.
      verify(gpu.perceiver(), times(1)).ask(IMAGE, "?");
      assertEquals(1, log.list.size());
      assertTrue(log.list.get(0).getFormattedMessage().contains("cuda:0 is out of memory"));
    }
    verify(gpu).close();
    verify(cpu).close();
  }

  @Test
  void theFirstIsTriedAgainAfterAPause() {
    Perceiver perceiver = gpu.perceiver();
    when(perceiver.ask(IMAGE, "?"))
        .thenThrow(new IllegalStateException("for once"))
        .thenReturn(new Answer("gpu", 1, 1, Duration.ZERO));
    try (Deem deem = both(Duration.ofMillis(1))) {
      assertEquals("cpu", answer(deem));
      String later = answer(deem);
      while (!later.equals("gpu")) {
        Thread.onSpinWait();
        later = answer(deem);
      }
      assertEquals("gpu", deem.info().runtime());
    }
  }

  @Test
  void badArgumentsAndCancelledCallsAreNotRepeated() {
    try (Deem deem = both(LONG)) {
      Perceiver perceiver = gpu.perceiver();
      when(perceiver.ask(IMAGE, "?"))
          .thenThrow(new IllegalArgumentException("bad"))
          .thenThrow(new CancellationException("interrupted"))
          .thenThrow(new ClosedModelException());
      assertThrows(IllegalArgumentException.class, () -> answer(deem));
      assertThrows(CancellationException.class, () -> answer(deem));
      assertThrows(IllegalStateException.class, () -> answer(deem));
      assertEquals(0, opened);
      assertTrue(log.list.isEmpty());
    }
  }

  @Test
  void aClosedModelIsNotOpenedElsewhere() {
    Deem deem = both(LONG);
    deem.close();
    gpuThrows(new IllegalStateException("freed"));
    assertThrows(IllegalStateException.class, () -> answer(deem));
    assertEquals(0, opened);
    assertFalse(deem.perceiver().toString().isEmpty());
  }
}
