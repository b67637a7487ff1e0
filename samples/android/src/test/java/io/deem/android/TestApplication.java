package io.deem.android;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The application with a model where the tests put it. */
public final class TestApplication extends EyesApplication {

  @Override
  protected File model() {
    try {
      return ExportedMini.folder();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
