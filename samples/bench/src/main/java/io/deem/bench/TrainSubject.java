package io.deem.bench;

import io.deem.model.DeemConfig;
import io.deem.torch.Precision;
import io.deem.training.TrainingProfile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Trains the first stage from random weights on random pictures: how many steps a second, how near
 * to the peak of matrix products, and what share of a step each part takes.
 */
public final class TrainSubject implements Subject {

  private static final String STEP = "step";

  private final TrainingProfile.Load load;

  /** Four rows, each of a picture and 48 tokens. */
  public TrainSubject() {
    this(new TrainingProfile.Load(4, 48, 2, 8));
  }

  TrainSubject(TrainingProfile.Load load) {
    this.load = load;
  }

  @Override
  public String name() {
    return "train";
  }

  @Override
  public String description() {
    return "training steps a second, and where the time goes";
  }

  @Override
  public boolean needsShape() {
    return true;
  }

  @Override
  public List<Figure> measure(Request request, Limits limits) {
    Shape shape = request.shape().orElseThrow();
    DeemConfig whole =
        shape
            .whole()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "train needs a whole model: a model folder or deem-100m, not "
                            + shape.name()));
    // Before libtorch is loaded; the limits were measured in other processes.
    System.setProperty("ai.djl.pytorch.num_threads", String.valueOf(request.threads()));
    List<Figure> figures = new ArrayList<>();
    for (String precision : request.precisions()) {
      Precision wanted =
          switch (precision) {
            case "fp32" -> Precision.FP32;
            case "bf16" -> Precision.BF16;
            default ->
                throw new IllegalArgumentException("train can do fp32 and bf16, not " + precision);
          };
      figures.addAll(
          measure(shape, whole, wanted, precision, request.threads(), limit(limits, precision)));
    }
    return figures;
  }

  /** That of libtorch, which computes; a processor without bfloat16 is up against its 32 bits. */
  private static Figure limit(Limits limits, String precision) {
    return limits.figures().stream()
        .filter(figure -> figure.name().endsWith("libtorch"))
        .filter(figure -> figure.precision().equals(precision))
        .findFirst()
        .orElseGet(() -> limits.matrixProduct("fp32"));
  }

  private List<Figure> measure(
      Shape shape,
      DeemConfig whole,
      Precision wanted,
      String precision,
      int threads,
      Figure limit) {
    TrainingProfile.Result result;
    try {
      result = TrainingProfile.measure(whole, wanted, load);
    } catch (IOException e) {
      throw new UncheckedIOException("train cannot be measured: " + e.getMessage(), e);
    }
    double most = limit.value() / result.gflopPerStep();
    List<Figure> figures = new ArrayList<>();
    figures.add(
        new Figure(
            "train",
            shape.name(),
            precision,
            threads,
            result.stepsPerSecond(),
            "steps/s",
            limit.name(),
            most,
            result.stepsPerSecond() / most));
    figures.add(
        Figure.under(
            limit, "train, products", shape.name(), precision, threads, result.gflopPerSecond()));
    double step =
        result.parts().values().stream().mapToDouble(TrainingProfile.Share::seconds).sum();
    for (Map.Entry<TrainingProfile.Part, TrainingProfile.Share> part : result.parts().entrySet()) {
      String name = part.getKey().name().toLowerCase(Locale.ROOT).replace('_', ' ');
      double seconds = part.getValue().seconds();
      figures.add(
          new Figure(
              "train, " + name,
              shape.name(),
              precision,
              threads,
              1000 * seconds,
              "ms",
              STEP,
              1000 * step,
              seconds / step));
    }
    return figures;
  }
}
