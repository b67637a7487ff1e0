package io.deem.server;

import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.deem.ImageFormatException;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;

/** Errors in OpenAI's form: {@code {"error": {"message", "type", "param", "code"}}}. */
@RestControllerAdvice
class Errors {

  private static final Logger LOG = LoggerFactory.getLogger(Errors.class);

  /** After which it may be worth asking a model again that takes no calls. */
  private static final int PAUSE_SECONDS = 10;

  private final ObjectMapper json;

  Errors(ObjectMapper json) {
    this.json = json;
  }

  @ExceptionHandler
  ResponseEntity<ObjectNode> handle(Exception failure) {
    RequestException told = told(failure);
    ResponseEntity.BodyBuilder response =
        ResponseEntity.status(told.status()).contentType(MediaType.APPLICATION_JSON);
    if (told.retryAfterSeconds() > 0) {
      response.header(HttpHeaders.RETRY_AFTER, Long.toString(told.retryAfterSeconds()));
    }
    return response.body(body(told));
  }

  /** The client is gone: there is nobody to be told. */
  @ExceptionHandler
  void gone(AsyncRequestNotUsableException failure) {
    LOG.debug("a client went away", failure);
  }

  /** Writes an error where no controller has been asked yet. */
  void write(HttpServletResponse response, RequestException told) throws IOException {
    response.setStatus(told.status().value());
    response.setContentType(MediaType.APPLICATION_JSON_VALUE);
    if (told.retryAfterSeconds() > 0) {
      response.setHeader(HttpHeaders.RETRY_AFTER, Long.toString(told.retryAfterSeconds()));
    }
    json.writeValue(response.getOutputStream(), body(told));
  }

  /** What a client is told of a failure. */
  static RequestException told(Throwable failure) {
    if (failure instanceof RequestException told) {
      return told;
    }
    if (failure instanceof ImageFormatException || failure instanceof IllegalArgumentException) {
      return RequestException.invalid(null, failure.getMessage());
    }
    if (failure instanceof HttpMessageNotReadableException) {
      return unreadable(failure);
    }
    if (failure instanceof RejectedExecutionException) {
      return RequestException.unavailable(failure.getMessage(), PAUSE_SECONDS);
    }
    if (failure instanceof CancellationException) {
      return RequestException.of(
          HttpStatus.SERVICE_UNAVAILABLE, "server_error", "cancelled", "the request was cancelled");
    }
    if (failure instanceof ErrorResponse spring) {
      HttpStatus status = HttpStatus.valueOf(spring.getStatusCode().value());
      return RequestException.of(
          status, "invalid_request_error", null, spring.getBody().getDetail());
    }
    LOG.error("a request failed", failure);
    return RequestException.of(
        HttpStatus.INTERNAL_SERVER_ERROR, "server_error", null, "the server failed");
  }

  /** Why a body could not be read: the reason is somewhere among the causes. */
  private static RequestException unreadable(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof BodyLimit.RefusedException refused) {
        return refused.told();
      }
      if (cause instanceof StreamConstraintsException) {
        return RequestException.invalid(null, "the JSON has too many or too deeply nested values");
      }
    }
    return RequestException.invalid(null, "the body is not valid JSON");
  }

  /** An error's JSON. */
  ObjectNode body(RequestException told) {
    ObjectNode body = json.createObjectNode();
    body.putObject("error")
        .put("message", told.getMessage())
        .put("type", told.type())
        .put("param", told.param())
        .put("code", told.code());
    return body;
  }
}
