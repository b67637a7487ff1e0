package io.deem.server;

import java.util.concurrent.CompletableFuture;

/** Waits for the end of a task. */
record Ending(CompletableFuture<Void> end) implements Work.Outcome {

  Ending() {
    this(new CompletableFuture<>());
  }

  @Override
  public void done() {
    end.complete(null);
  }

  @Override
  public void failed(Throwable reason) {
    end.completeExceptionally(reason);
  }
}
