package io.deem.torch;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import io.deem.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.ObjIntConsumer;

/**
 * The same weights on several devices of one process, each of which learns from its part of a
 * batch: data parallelism.
 *
 * <pre>{@code
 * try (Replicas replicas = new Replicas(sessions)) {
 *   replicas.each((session, part) -> forwardAndBackward(session, part));
 *   replicas.averageGradients();
 *   optimizerOfTheFirst.step(rate);
 *   replicas.copyFromFirst();
 * }
 * }</pre>
 *
 * <p>Gradients are added up on the first device by copies from the others, one parameter after the
 * other, once all backward passes have ended.
 */
public final class Replicas implements AutoCloseable {

  /** A gradient of zero, so that there is one to add to. */
  private static final String NOTHING =
      """
        def forward(self: __torch__.Block, x: Tensor) -> Tensor:
          return torch.sum(torch.mul(x, 0))
      """;

  private final List<TorchSession> sessions;
  private final ExecutorService threads;

  /**
   * Replicas.
   *
   * @param sessions of the same weights, of which the same learn; closed by whoever opened them
   */
  public Replicas(List<TorchSession> sessions) {
    if (sessions.isEmpty()) {
      throw new IllegalArgumentException("there must be a session");
    }
    this.sessions = List.copyOf(sessions);
    // libtorch queues work for a device from the thread that asks for it.
    this.threads = Executors.newFixedThreadPool(sessions.size());
  }

  /** How many there are. */
  public int size() {
    return sessions.size();
  }

  /**
   * Runs work on all replicas at once.
   *
   * @param work is given each session and its number, on a thread of its own
   * @throws RuntimeException the first that a replica threw, after all have ended
   */
  public void each(ObjIntConsumer<TorchSession> work) {
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < sessions.size(); i++) {
      int number = i;
      running.add(threads.submit(() -> work.accept(sessions.get(number), number)));
    }
    RuntimeException first = null;
    for (Future<?> each : running) {
      try {
        each.get();
      } catch (ExecutionException e) {
        RuntimeException failure =
            e.getCause() instanceof RuntimeException own ? own : new CompletionException(e);
        first = first == null ? failure : first;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new java.util.concurrent.CancellationException("interrupted");
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /**
   * Makes the first replica's gradients the mean of all replicas', and the others' zero. A
   * parameter that no gradient has reached on one counts as zero there.
   */
  public void averageGradients() {
    TorchSession first = sessions.get(0);
    Set<String> names = new LinkedHashSet<>();
    sessions.forEach(session -> names.addAll(session.trainableParams()));
    for (String name : names) {
      average(first, name);
    }
    sessions.subList(1, sessions.size()).forEach(TorchSession::clearGradients);
  }

  private void average(TorchSession first, String name) {
    boolean reached = false;
    for (TorchSession session : sessions) {
      PtNDArray gradient =
          session.params().contains(name) ? JniUtils.getGradient(session.loaded(name)) : null;
      if (gradient != null) {
        gradient.close();
        reached = true;
      }
    }
    if (!reached) {
      return;
    }
    PtNDArray present = JniUtils.getGradient(first.loaded(name));
    if (present == null) {
      try (TorchScope scope = first.trainingScope()) {
        Value zero = scope.call(TorchEngine.script(NOTHING), List.of(first.loaded(name))).get(0);
        scope.backward(zero);
      }
    } else {
      present.close();
    }
    try (TorchScope scope = first.scope()) {
      PtNDArray sum = gradient(scope, first, name);
      for (TorchSession other : sessions.subList(1, sessions.size())) {
        PtNDArray part = gradient(scope, other, name);
        if (part != null) {
          String add = Scripts.add(first.engine().options().device());
          scope.call(TorchEngine.script(add), List.of(sum, part));
        }
      }
      scope.call(TorchEngine.script(Scripts.divide(sessions.size())), List.of(sum));
    }
  }

  private static PtNDArray gradient(TorchScope scope, TorchSession session, String name) {
    PtNDArray gradient = JniUtils.getGradient(session.loaded(name));
    if (gradient != null) {
      gradient.attach(scope.manager());
    }
    return gradient;
  }

  /** Gives the others the first replica's learnt weights. */
  public void copyFromFirst() {
    TorchSession first = sessions.get(0);
    for (String name : first.trainableParams()) {
      for (TorchSession other : sessions.subList(1, sessions.size())) {
        try (TorchScope scope = other.scope()) {
          List<PtNDArray> arguments = List.of(other.loaded(name), first.loaded(name));
          scope.call(TorchEngine.script(Scripts.COPY), arguments);
        }
      }
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
