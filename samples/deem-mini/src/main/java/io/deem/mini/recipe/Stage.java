package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.ProgressListener;
import java.io.IOException;

/** One step of the recipe. */
interface Stage {

  /** The name of its folder and on the command line. */
  String name();

  /** Trains and writes the result, unless it is there. */
  void run(ProgressListener listener, Cancellation cancellation) throws IOException;
}
