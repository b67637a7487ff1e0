package io.deem.runtime;

import io.deem.CacheStats;
import io.deem.Deem;
import io.deem.ModelInfo;
import io.deem.Perceiver;
import io.deem.perception.ClosedModelException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model on two runtimes: the second answers where the first fails.
 *
 * <p>A circuit breaker stands before the first. A call that fails there in its engine is made again
 * on the second, which is opened when that happens for the first time; so are all calls of the next
 * {@value #PAUSE_SECONDS} seconds, after which one call tries the first again. Bad arguments and
 * cancelled calls are nobody's failure and are not repeated.
 */
public final class FallbackDeem implements Deem {

  /** How long the first runtime is left alone after it failed. */
  public static final int PAUSE_SECONDS = 60;

  private static final Logger LOG = LoggerFactory.getLogger(FallbackDeem.class);

  /** Opens the model on another runtime. */
  @FunctionalInterface
  public interface Opening {
    /**
     * Opens it.
     *
     * @throws IOException if the model cannot be read
     */
    Deem open() throws IOException;
  }

  private final Deem first;
  private final Opening opening;
  private final CircuitBreaker breaker;
  private final Perceiver perceiver;
  private final AtomicBoolean told = new AtomicBoolean();
  private final Object lock = new Object();

  // Both guarded by the lock.
  private Deem second;
  private boolean closed;

  /**
   * Takes over the first; both are closed when this is.
   *
   * @param opening of the second, used at most once
   */
  public FallbackDeem(Deem first, Opening opening) {
    this(first, opening, Duration.ofSeconds(PAUSE_SECONDS));
  }

  FallbackDeem(Deem first, Opening opening, Duration pause) {
    this.first = first;
    this.opening = opening;
    this.breaker =
        CircuitBreaker.of(
            first.info().name(),
            CircuitBreakerConfig.custom()
                .slidingWindowSize(1)
                .minimumNumberOfCalls(1)
                .permittedNumberOfCallsInHalfOpenState(1)
                .waitDurationInOpenState(pause)
                .ignoreException(e -> !isEngineFailure(e))
                .build());
    // Every method of a perceiver is one call, whatever methods there are.
    this.perceiver =
        (Perceiver)
            Proxy.newProxyInstance(
                Perceiver.class.getClassLoader(),
                new Class<?>[] {Perceiver.class},
                (proxy, method, arguments) -> call(method, arguments));
  }

  @Override
  public Perceiver perceiver() {
    return perceiver;
  }

  /** Of the runtime that answers at present. */
  @Override
  public ModelInfo info() {
    return present().info();
  }

  /** Of the runtime that answers at present. */
  @Override
  public CacheStats cacheStats() {
    return present().cacheStats();
  }

  private Deem present() {
    synchronized (lock) {
      boolean instead = second != null && breaker.getState() != CircuitBreaker.State.CLOSED;
      return instead ? second : first;
    }
  }

  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      first.close();
      if (second != null) {
        second.close();
      }
    }
  }

  private Object call(Method method, Object[] arguments) throws Throwable {
    if (method.getDeclaringClass() == Object.class) {
      return invoke(first.perceiver(), method, arguments);
    }
    if (!breaker.tryAcquirePermission()) {
      return invoke(instead().perceiver(), method, arguments);
    }
    long start = System.nanoTime();
    try {
      Object result = invoke(first.perceiver(), method, arguments);
      breaker.onSuccess(System.nanoTime() - start, java.util.concurrent.TimeUnit.NANOSECONDS);
      return result;
    } catch (RuntimeException | Error e) {
      breaker.onError(System.nanoTime() - start, java.util.concurrent.TimeUnit.NANOSECONDS, e);
      if (!isEngineFailure(e) || isClosed()) {
        throw e;
      }
      if (told.compareAndSet(false, true)) {
        LOG.warn(
            "{} fails: {}; another runtime answers instead",
            first.info().runtime(),
            e.getMessage());
      }
      return invoke(instead(e).perceiver(), method, arguments);
    }
  }

  private boolean isClosed() {
    synchronized (lock) {
      return closed;
    }
  }

  private Deem instead(Throwable failure) {
    try {
      return instead();
    } catch (RuntimeException e) {
      e.addSuppressed(failure);
      throw e;
    }
  }

  private Deem instead() {
    synchronized (lock) {
      if (closed) {
        throw new ClosedModelException();
      }
      if (second == null) {
        try {
          second = opening.open();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      return second;
    }
  }

  private static boolean isEngineFailure(Throwable e) {
    return !(e instanceof IllegalArgumentException
        || e instanceof NullPointerException
        || e instanceof CancellationException
        || e instanceof RejectedExecutionException
        || e instanceof ClosedModelException
        || e instanceof VirtualMachineError);
  }

  private static Object invoke(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
