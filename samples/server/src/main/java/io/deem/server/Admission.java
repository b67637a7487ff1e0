package io.deem.server;

import com.github.benmanes.caffeine.cache.Ticker;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.web.filter.OncePerRequestFilter;

/** Lets in who has a key and has not asked too often. The page and the health checks are free. */
final class Admission extends OncePerRequestFilter {

  private static final String BEARER = "Bearer ";

  private final List<byte[]> keys;
  private final int requestsPerMinute;
  private final RateLimit limit;
  private final Errors errors;

  Admission(DeemProperties properties, Errors errors) {
    this.keys =
        properties.apiKeys().stream().map(key -> key.getBytes(StandardCharsets.UTF_8)).toList();
    this.requestsPerMinute = properties.requestsPerMinute();
    this.limit =
        requestsPerMinute > 0
            ? new RateLimit(requestsPerMinute, properties.clients(), Ticker.systemTicker())
            : null;
    this.errors = errors;
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    String path = request.getRequestURI();
    return !path.startsWith("/v1/") && !path.startsWith("/api/");
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    String given = request.getHeader(HttpHeaders.AUTHORIZATION);
    byte[] key =
        given != null && given.startsWith(BEARER)
            ? given.substring(BEARER.length()).getBytes(StandardCharsets.UTF_8)
            : new byte[0];
    if (!keys.isEmpty() && !isKnown(key)) {
      errors.write(
          response,
          RequestException.of(
              HttpStatus.UNAUTHORIZED,
              "authentication_error",
              "invalid_api_key",
              "send a valid key as \"Authorization: Bearer KEY\""));
      return;
    }
    String client =
        keys.isEmpty() ? request.getRemoteAddr() : new String(key, StandardCharsets.UTF_8);
    long wait = limit == null ? 0 : limit.take(client);
    if (wait > 0) {
      errors.write(
          response,
          RequestException.busy(
              "a client may make " + requestsPerMinute + " requests a minute", wait));
      return;
    }
    chain.doFilter(request, response);
  }

  /** Compares in constant time. */
  private boolean isKnown(byte[] key) {
    boolean known = false;
    for (byte[] each : keys) {
      known |= MessageDigest.isEqual(each, key);
    }
    return known;
  }
}
