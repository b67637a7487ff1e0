package io.deem.spi;

import io.deem.Cancellation;
import io.deem.MemoryEstimate;
import io.deem.ProgressListener;
import io.deem.TrainingReport;
import io.deem.TrainingSettings;
import java.io.IOException;

/** What a {@link io.deem.Trainer} trains with. */
public interface TrainingEngine {

  /** Trains; see {@link io.deem.Trainer#train}. */
  TrainingReport train(
      TrainingSettings settings, ProgressListener listener, Cancellation cancellation)
      throws IOException;

  /** Estimates memory; see {@link io.deem.Trainer#estimate}. */
  MemoryEstimate estimate(TrainingSettings settings) throws IOException;
}
