package io.deem.server;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import org.springframework.http.HttpStatus;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Refuses bodies that are too large, by what they say of themselves or as soon as they are, and
 * those that come too slowly: a client that sends a byte now and then would keep a place for ever.
 */
final class BodyLimit extends OncePerRequestFilter {

  private final long most;
  private final Duration longest;
  private final Errors errors;

  BodyLimit(DeemProperties properties, Errors errors) {
    this.most = properties.bodyBytes();
    this.longest = properties.timeLimit();
    this.errors = errors;
  }

  /** Thrown while a body is read. */
  static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1;
    private final transient RequestException told;

    RefusedException(RequestException told) {
      super(told.getMessage());
      this.told = told;
    }

    RequestException told() {
      return told;
    }
  }

  private RequestException tooLarge() {
    return RequestException.of(
        HttpStatus.PAYLOAD_TOO_LARGE,
        "invalid_request_error",
        "request_too_large",
        "the body has more than the " + most + " bytes allowed");
  }

  private RequestException tooSlow() {
    return RequestException.of(
        HttpStatus.REQUEST_TIMEOUT,
        "invalid_request_error",
        "request_timeout",
        "the body took longer than " + longest.toMillis() / 1000.0 + " s");
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    if (request.getContentLengthLong() > most) {
      // The rest of the body will not be read.
      response.setHeader("Connection", "close");
      errors.write(response, tooLarge());
      return;
    }
    chain.doFilter(new Limited(request), response);
  }

  private final class Limited extends HttpServletRequestWrapper {
    Limited(HttpServletRequest request) {
      super(request);
    }

    @Override
    public ServletInputStream getInputStream() throws IOException {
      return new Counting(super.getInputStream());
    }
  }

  private final class Counting extends ServletInputStream {
    private final ServletInputStream body;
    private final long start = System.nanoTime();
    private long read;

    Counting(ServletInputStream body) {
      this.body = body;
    }

    @Override
    public int read() throws IOException {
      int next = body.read();
      return next < 0 ? next : counted(1, next);
    }

    @Override
    public int read(byte[] bytes, int from, int count) throws IOException {
      int got = body.read(bytes, from, count);
      return got < 0 ? got : counted(got, got);
    }

    private int counted(int more, int result) throws IOException {
      read += more;
      if (read > most) {
        throw new RefusedException(tooLarge());
      }
      if (System.nanoTime() - start > longest.toNanos()) {
        throw new RefusedException(tooSlow());
      }
      return result;
    }

    @Override
    public boolean isFinished() {
      return body.isFinished();
    }

    @Override
    public boolean isReady() {
      return body.isReady();
    }

    @Override
    public void setReadListener(ReadListener listener) {
      body.setReadListener(listener);
    }
  }
}
