package io.deem.server;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.Semaphore;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Refuses requests before their bodies are read: while nothing more can wait, and beyond as many
 * bodies and decoded pictures at once as could wait or run. So memory is bounded by what may wait,
 * whatever clients send.
 */
final class LoadShedding extends OncePerRequestFilter {

  private final Work work;
  private final Semaphore places;
  private final Errors errors;

  LoadShedding(DeemProperties properties, Work work, Errors errors) {
    this.work = work;
    this.places = new Semaphore(properties.running() + properties.queue());
    this.errors = errors;
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    return !request.getMethod().equals("POST");
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    if (work.isFull() || !places.tryAcquire()) {
      errors.write(response, work.refuse());
      return;
    }
    try {
      chain.doFilter(request, response);
    } finally {
      places.release();
    }
  }
}
