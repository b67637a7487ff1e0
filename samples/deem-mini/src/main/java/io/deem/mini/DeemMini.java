package io.deem.mini;

import io.deem.Deem;
import io.deem.DeemOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The small trained model that this artifact carries.
 *
 * <pre>{@code
 * try (Deem deem = DeemMini.open()) {
 *   System.out.println(deem.perceiver().describe(Image.read(picture)).text());
 * }
 * }</pre>
 *
 * <p>A runtime such as {@code deem-runtime-cpu} has to be on the class path too. The model's files
 * are unpacked once, into a folder named after their content: below the folder that the system
 * property {@code deem.cache} names, else below {@code .cache/deem} in the user's home, else, where
 * that cannot be written, in the folder for temporary files.
 */
public final class DeemMini {

  private static final String RESOURCES = "/io/deem/mini/model/";
  private static final String VOCABULARY = "/io/deem/mini/vocabulary.txt";

  private DeemMini() {}

  /** Opens the model with the best runtime on the class path, as {@link Deem#open(Path)} does. */
  public static Deem open() throws IOException {
    return open(DeemOptions.defaults());
  }

  /** Opens the model with options. */
  public static Deem open(DeemOptions options) throws IOException {
    return Deem.open(folder(), options);
  }

  /**
   * The model's folder, for {@link Deem#open(Path)}. Its files are unpacked if they are not there
   * yet, and compared with their SHA-256 in any case. Safe when several processes do it at once.
   *
   * @throws IOException if the artifact carries no model, its files are damaged, or they can be
   *     unpacked nowhere; in one line
   */
  public static Path folder() throws IOException {
    return folder(RESOURCES);
  }

  /**
   * The ids of the concepts that the model was trained on, one a line, as UTF-8 text; lines that
   * start with # are none.
   *
   * @throws IOException if the artifact lacks them
   */
  public static byte[] vocabulary() throws IOException {
    try (InputStream list = DeemMini.class.getResourceAsStream(VOCABULARY)) {
      if (list == null) {
        throw new IOException("the artifact deem-mini lacks " + VOCABULARY);
      }
      return list.readAllBytes();
    }
  }

  /**
   * As {@link #folder()}, of another model.
   *
   * @param base absolute name of a folder of resources, with a slash at its end
   */
  static Path folder(String base) throws IOException {
    return new ModelResources(base, DeemMini.class::getResourceAsStream).unpack(caches());
  }

  /** Where to unpack, the best place first. */
  static List<Path> caches() throws IOException {
    String chosen = System.getProperty("deem.cache");
    try {
      if (chosen != null) {
        return List.of(Path.of(chosen).toAbsolutePath());
      }
      List<Path> caches = new ArrayList<>();
      Path home = Path.of(System.getProperty("user.home", ""));
      // A user without a home, as in some containers, has "?" or nothing here.
      if (home.isAbsolute()) {
        caches.add(home.resolve(".cache").resolve("deem"));
      }
      // Others write there as well: what is found is used only if its checksums are right.
      caches.add(
          Path.of(System.getProperty("java.io.tmpdir"))
              .resolve("deem-" + System.getProperty("user.name", "").replaceAll("\\W", "_")));
      return caches;
    } catch (InvalidPathException e) {
      throw new IOException("the system property deem.cache or user.home: " + e.getMessage(), e);
    }
  }
}
