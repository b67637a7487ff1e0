package io.deem.android;

import android.app.Application;
import java.io.File;

/**
 * The process: keeps the model while activities come and go, and gives it up for want of memory.
 */
public class EyesApplication extends Application {

  private Eyes eyes;

  /** Where {@code deem export} put the model: the folder {@code model} of the app's files. */
  protected File model() {
    File outside = getExternalFilesDir("model");
    return outside != null && new File(outside, "deem.json").exists()
        ? outside
        : new File(getFilesDir(), "model");
  }

  /** The model, opened when it is first asked. Main thread only. */
  final Eyes eyes() {
    if (eyes == null) {
      eyes = new Eyes(model());
    }
    return eyes;
  }

  /** Android 14 and newer do not send the levels looked at here, and end processes instead. */
  @Override
  @SuppressWarnings("deprecation")
  public void onTrimMemory(int level) {
    super.onTrimMemory(level);
    if (level == TRIM_MEMORY_RUNNING_CRITICAL || level >= TRIM_MEMORY_BACKGROUND) {
      trim();
    }
  }

  @Override
  public void onLowMemory() {
    super.onLowMemory();
    trim();
  }

  private void trim() {
    if (eyes != null) {
      eyes.trim();
    }
  }
}
