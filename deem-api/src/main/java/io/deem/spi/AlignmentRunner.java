package io.deem.spi;

import io.deem.Alignment;
import io.deem.AlignmentPlan;
import io.deem.Cancellation;
import io.deem.ProgressListener;
import java.io.IOException;

/** Aligns one open model; a runtime gives it to {@link io.deem.Aligner}. */
@FunctionalInterface
public interface AlignmentRunner {

  /**
   * Runs an alignment to its end.
   *
   * @param plan complete: it has images
   * @throws IOException if images or checkpoints cannot be read or written
   * @throws java.util.concurrent.CancellationException if cancelled
   */
  Alignment align(AlignmentPlan plan, ProgressListener listener, Cancellation cancellation)
      throws IOException;
}
