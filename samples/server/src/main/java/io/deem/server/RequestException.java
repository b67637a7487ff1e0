package io.deem.server;

import org.springframework.http.HttpStatus;

/** A request that is not answered, in the terms of OpenAI's errors. */
final class RequestException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final HttpStatus status;
  private final String type;
  private final String param;
  private final String code;
  private final long retryAfterSeconds;

  private RequestException(
      HttpStatus status,
      String type,
      String param,
      String code,
      String message,
      long retryAfterSeconds) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /**
   * A request that makes no sense.
   *
   * @param param the part of it that does not, or null
   */
  static RequestException invalid(String param, String message) {
    return new RequestException(
        HttpStatus.BAD_REQUEST, "invalid_request_error", param, null, message, 0);
  }

  static RequestException of(HttpStatus status, String type, String code, String message) {
    return new RequestException(status, type, null, code, message, 0);
  }

  static RequestException busy(String message, long retryAfterSeconds) {
    return new RequestException(
        HttpStatus.TOO_MANY_REQUESTS,
        "rate_limit_error",
        null,
        "rate_limit_exceeded",
        message,
        retryAfterSeconds);
  }

  static RequestException unavailable(String message, long retryAfterSeconds) {
    return new RequestException(
        HttpStatus.SERVICE_UNAVAILABLE,
        "server_error",
        null,
        "unavailable",
        message,
        retryAfterSeconds);
  }

  HttpStatus status() {
    return status;
  }

  String type() {
    return type;
  }

  String param() {
    return param;
  }

  String code() {
    return code;
  }

  /** 0 for nothing to say. */
  long retryAfterSeconds() {
    return retryAfterSeconds;
  }
}
