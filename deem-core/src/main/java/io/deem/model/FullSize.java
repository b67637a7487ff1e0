package io.deem.model;

import io.deem.portable.TextFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * The model of the paper at its full size: Vicuna-7B, a ConvNeXt-B that sees 256 pixels, and Stable
 * Diffusion 2.1 that draws 512. A resource, {@code deem-7b.json}, in the form of {@code deem.json};
 * there are no weights with it.
 */
public final class FullSize {

  /** What the command line calls it. */
  public static final String NAME = "full-size";

  private static final String RESOURCE = "deem-7b.json";

  private FullSize() {}

  /** The description. */
  public static ModelFolder.Description description() {
    try (InputStream in = FullSize.class.getResourceAsStream(RESOURCE)) {
      String text = TextFile.read(in);
      return ModelFolder.description(RESOURCE, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The architecture alone. */
  public static DeemConfig architecture() {
    return description().architecture();
  }
}
