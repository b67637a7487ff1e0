package io.deem.server;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.http.HttpStatus;
import org.springframework.web.filter.OncePerRequestFilter;

/** Refuses bodies that are too large: by what they say of themselves, or as soon as they are. */
final class BodyLimit extends OncePerRequestFilter {

  private final long most;
  private final Errors errors;

  BodyLimit(long most, Errors errors) {
    this.most = most;
    this.errors = errors;
  }

  /** Thrown while a body is read. */
  static final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1;
    private final long most;

    TooLargeException(long most) {
      super("the body is too large");
      this.most = most;
    }

    RequestException told() {
      return RequestException.of(
          HttpStatus.PAYLOAD_TOO_LARGE,
          "invalid_request_error",
          "request_too_large",
          "the body has more than the " + most + " bytes allowed");
    }
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    if (request.getContentLengthLong() > most) {
      // The rest of the body will not be read.
      response.setHeader("Connection", "close");
      errors.write(response, new TooLargeException(most).told());
      return;
    }
    chain.doFilter(new Limited(request, most), response);
  }

  private static final class Limited extends HttpServletRequestWrapper {
    private final long most;

    Limited(HttpServletRequest request, long most) {
      super(request);
      this.most = most;
    }

    @Override
    public ServletInputStream getInputStream() throws IOException {
      return new Counting(super.getInputStream(), most);
    }
  }

  private static final class Counting extends ServletInputStream {
    private final ServletInputStream body;
    private final long most;
    private long read;

    Counting(ServletInputStream body, long most) {
      this.body = body;
      this.most = most;
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
        throw new TooLargeException(most);
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
