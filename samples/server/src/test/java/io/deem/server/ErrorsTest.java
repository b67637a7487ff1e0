package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.HttpStatus;
import org.springframework.http.converter.HttpMessageNotReadableException;

/** What clients are told of failures that a test does not bring about. */
class ErrorsTest {

  @Test
  void modelThatTakesNoCallsIsUnavailableForAWhile() {
    RequestException told = Errors.told(new RejectedExecutionException("too many have failed"));
    assertEquals(HttpStatus.SERVICE_UNAVAILABLE, told.status());
    assertEquals("too many have failed", told.getMessage());
    assertEquals(10, told.retryAfterSeconds());
  }

  @Test
  void callThatTheModelCancelledIsNobodysFault() {
    RequestException told = Errors.told(new CancellationException());
    assertEquals(HttpStatus.SERVICE_UNAVAILABLE, told.status());
    assertEquals("the request was cancelled", told.getMessage());
  }

  @Test
  void reasonOfABodyThatWasNotReadIsFoundAmongTheCauses() {
    RequestException reason =
        RequestException.of(HttpStatus.REQUEST_TIMEOUT, "invalid_request_error", "late", "late");
    IOException cause = new IOException(new BodyLimit.RefusedException(reason));
    assertSame(
        reason,
        Errors.told(
            new HttpMessageNotReadableException("unreadable", cause, (HttpInputMessage) null)));
  }
}
