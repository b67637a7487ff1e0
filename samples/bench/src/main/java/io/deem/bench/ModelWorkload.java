package io.deem.bench;

import io.deem.DeemOptions;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Precision;
import io.deem.model.ModelFolder;
import io.deem.ort.OnnxSession;
import io.deem.perception.EncodedImages;
import io.deem.perception.NetworkPerceiver;
import io.deem.runtime.cpu.OnnxSessions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;

/** What an application asks of a model in a folder: nothing is kept from one call to the next. */
final class ModelWorkload implements Workload {

  private static final int STEPS = 5;

  private final ModelFolder model;
  private final OnnxSession session;
  private final NetworkPerceiver perceiver;
  private final Image picture;
  private final String subject;

  /**
   * Opens the model.
   *
   * @param subject {@code caption} or {@code imagine}
   */
  ModelWorkload(Path folder, String subject, String precision, int threads) throws IOException {
    this.subject = subject;
    model = ModelFolder.open(folder);
    session =
        OnnxSessions.open(
            model,
            DeemOptions.defaults()
                .withThreads(threads)
                .withPrecision(Precision.valueOf(precision.toUpperCase(Locale.ROOT))));
    perceiver = new NetworkPerceiver(session, model, EncodedImages.NONE);
    int side = model.description().architecture().imageSize();
    byte[] rgb = new byte[3 * side * side];
    new Random(1).nextBytes(rgb);
    picture = Image.ofRgb(side, side, rgb);
    run();
  }

  @Override
  public void run() {
    if (subject.equals("caption")) {
      perceiver.describe(picture);
    } else {
      perceiver.imagine("a red bus", ImagineOptions.defaults().withSteps(STEPS));
    }
  }

  @Override
  public long nativeNanos() {
    return session.nativeNanos();
  }

  @Override
  public double units() {
    return subject.equals("caption") ? 1 : STEPS;
  }

  @Override
  public double cost() {
    return 0;
  }

  @Override
  public void close() {
    session.close();
    model.close();
  }
}
