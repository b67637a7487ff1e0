package io.deem.server;

import io.deem.Cancellation;
import java.io.IOException;
import java.util.concurrent.CancellationException;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** Server-sent events of one task, which ends when nobody listens any more. */
final class Events implements Work.Outcome {

  private final SseEmitter emitter = new SseEmitter(0L);
  private final Errors errors;
  private volatile Cancellation task;

  Events(Errors errors) {
    this.errors = errors;
    emitter.onError(failure -> cancel());
    emitter.onCompletion(this::cancel);
  }

  /** To be returned to the container once the task has started. */
  SseEmitter of(Cancellation started) {
    task = started;
    return emitter;
  }

  /** Sends the data of one event, or ends the task if nobody listens. */
  void send(Object data) {
    try {
      emitter.send(SseEmitter.event().data(data.toString()));
    } catch (IOException | IllegalStateException e) {
      throw new CancellationException("the client is gone");
    }
  }

  @Override
  public void done() {
    emitter.complete();
  }

  @Override
  public void failed(Throwable reason) {
    try {
      send(errors.body(Errors.told(reason)));
    } catch (CancellationException e) {
      // Nobody is there to be told.
    }
    emitter.complete();
  }

  private void cancel() {
    Cancellation started = task;
    if (started != null) {
      started.cancel();
    }
  }
}
