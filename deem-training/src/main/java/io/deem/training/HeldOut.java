package io.deem.training;

import io.deem.Fidelity;
import io.deem.Image;
import io.deem.RedrawOptions;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelFolder;
import io.deem.perception.EncodedImages;
import io.deem.perception.NetworkPerceiver;
import io.deem.random.RandomSource;
import io.deem.torch.TorchSession;
import io.deem.training.data.Batch;
import io.deem.training.data.BatchSource;
import io.deem.training.data.DataSet;
import io.deem.training.data.ImageSource;
import io.deem.training.data.Sample;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Measures a model while it learns, each time on the same data with the same randomness. */
final class HeldOut implements TrainingLoop.Validator {

  private static final int MOST_BATCHES = 8;
  private static final int PICTURES = 8;
  private static final int MEASURED = 4;
  private static final long SEED = 0x5EED;

  private final TorchSession session;
  private final ModelFolder model;
  private final Recipe recipe;
  private final BatchSource source;
  private final List<Named> pictures;

  /** A picture and its name within its data set. */
  record Named(String name, Image image) {}

  /**
   * Measures.
   *
   * @param source of held-out batches; null to measure nothing
   * @param pictures whose fidelity is measured
   */
  HeldOut(
      TorchSession session,
      ModelFolder model,
      Recipe recipe,
      BatchSource source,
      List<Named> pictures) {
    this.session = session;
    this.model = model;
    this.recipe = recipe;
    this.source = source;
    this.pictures = List.copyOf(pictures);
  }

  /** The first few pictures of data sets. */
  static List<Named> pictures(List<DataSet> sets) {
    List<Named> pictures = new ArrayList<>();
    Set<String> seen = new LinkedHashSet<>();
    for (DataSet set : sets) {
      for (long i = 0; i < set.size() && i < 10L * PICTURES; i++) {
        for (ImageSource image : images(set, i)) {
          Optional<Image> picture =
              pictures.size() < PICTURES && seen.add(image.name()) ? read(image) : Optional.empty();
          picture.ifPresent(whole -> pictures.add(new Named(image.name(), whole)));
        }
      }
    }
    return pictures;
  }

  /** The pictures of an item; a broken one is named when a batch lacks it, and has none here. */
  private static List<ImageSource> images(DataSet set, long index) {
    return TrainingData.sample(set, index).map(Sample::images).orElse(List.of());
  }

  private static Optional<Image> read(ImageSource image) {
    try {
      return Optional.of(image.read());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  @Override
  public Map<String, Double> validate(long step) throws IOException {
    Map<String, Double> metrics = new LinkedHashMap<>();
    if (source == null) {
      return metrics;
    }
    long batches = Math.min(MOST_BATCHES, Math.max(1, source.samples() / recipe.batch()));
    for (long number = 0; number < batches; number++) {
      Batch batch = source.batch(number);
      try (Scope scope = session.scope()) {
        DeemNetwork.Losses losses =
            StageTask.step(
                    model.network(), recipe, scope, batch, RandomSource.seeded(SEED + number))
                .losses();
        add(metrics, TrainingLoop.VALIDATION_LOSS, losses.total(), batches);
        add(metrics, "validationConsistency", losses.consistency(), batches);
      }
    }
    List<Named> measured = pictures.subList(0, Math.min(MEASURED, pictures.size()));
    for (Named picture : measured) {
      Fidelity fidelity = perceiver().fidelity(picture.image);
      metrics.merge("fidelityLoss", fidelity.loss() / measured.size(), Double::sum);
      metrics.merge("fidelityBlindLoss", fidelity.blindLoss() / measured.size(), Double::sum);
    }
    return metrics;
  }

  /** The first pictures, and what the diffusion model redraws of what the model sees of it. */
  List<HtmlReport.Redraw> redraws(int most) {
    List<HtmlReport.Redraw> redraws = new ArrayList<>();
    int side = model.network().config().drawnSize();
    for (Named picture : pictures.subList(0, Math.min(most, pictures.size()))) {
      Image redrawn = perceiver().redraw(picture.image, RedrawOptions.defaults().withSteps(20));
      Image shown = io.deem.image.Framing.SQUASH.apply(picture.image, side);
      redraws.add(new HtmlReport.Redraw(picture.name, png(shown), png(redrawn)));
    }
    return redraws;
  }

  private static byte[] png(Image image) {
    return new io.deem.desktop.DesktopImageCodec().encodePng(image);
  }

  /** Nothing is remembered: the weights change. */
  private NetworkPerceiver perceiver() {
    return new NetworkPerceiver(session, model, EncodedImages.NONE);
  }

  private static void add(Map<String, Double> metrics, String name, Value loss, long batches) {
    if (loss != null) {
      metrics.merge(name, (double) loss.scalar() / batches, Double::sum);
    }
  }
}
