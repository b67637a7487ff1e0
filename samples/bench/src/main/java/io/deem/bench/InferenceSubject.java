package io.deem.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** What models do, and how much of the time it takes is the engine's. */
abstract class InferenceSubject implements Subject {

  /** The time that is not the pipeline's. */
  static final String BARE_RUNS = "bare session runs";

  private static final int[] PROMPTS = {64, 256};

  private final String name;
  private final String description;
  private final String unit;

  InferenceSubject(String name, String description, String unit) {
    this.name = name;
    this.description = description;
    this.unit = unit;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public boolean needsShape() {
    return true;
  }

  /** Whether the precision is of what is measured. */
  boolean hasPrecision(Shape shape) {
    return name.equals("decode") || name.equals("prefill") || shape.folder().isPresent();
  }

  @Override
  public List<Figure> measure(Request request, Limits limits) {
    Shape shape = request.shape().orElseThrow();
    if (request.precisions().contains("bf16")) {
      throw new IllegalArgumentException(name + " can do fp32, int8 and int4, not bf16");
    }
    List<String> precisions =
        hasPrecision(shape) && !name.equals("encode") ? request.precisions() : List.of("fp32");
    List<Figure> figures = new ArrayList<>();
    for (String precision : precisions) {
      for (int prompt : name.equals("prefill") ? PROMPTS : new int[] {PROMPTS[0]}) {
        figures.addAll(measure(request, limits, shape, precision, prompt));
      }
    }
    return figures;
  }

  private List<Figure> measure(
      Request request, Limits limits, Shape shape, String precision, int prompt) {
    String title = name.equals("prefill") ? name + " " + prompt : name;
    String shapeName = shape.folder().map(Object::toString).orElse(shape.name());
    List<Figure> figures = new ArrayList<>();
    try (Workload workload = Workloads.open(name, shape, precision, prompt, request.threads())) {
      double seconds = request.effort().milliseconds() * request.effort().iterations() / 1000.0;
      Run run = Run.of(workload, seconds);
      double pipeline = run.units / run.seconds;
      double bare = run.units / run.nativeSeconds;
      figures.add(
          new Figure(
              title + ", pipeline",
              shape.name(),
              precision,
              request.threads(),
              pipeline,
              unit,
              BARE_RUNS,
              bare,
              pipeline / bare));
      if (name.equals("caption")) {
        figures.add(latency(title + ", p50", shape, precision, request, run.percentile(0.50)));
        figures.add(latency(title + ", p99", shape, precision, request, run.percentile(0.99)));
      }
      // The one that is measured in a fresh JVM comes first.
      figures.add(
          0,
          rate(
              request,
              limits,
              title,
              shape,
              precision,
              workload,
              workload.units() * calls(request, shapeName, precision, prompt)));
    } catch (IOException e) {
      throw new UncheckedIOException(name + " cannot be measured: " + e.getMessage(), e);
    }
    if (name.equals("decode")) {
      figures.add(opening(request, shape, precision, prompt));
    }
    return figures;
  }

  /** Weights that were quantised before are opened, and a prompt is read. */
  private Figure opening(Request request, Shape shape, String precision, int prompt) {
    try {
      long start = System.nanoTime();
      Workload again = Workloads.open(name, shape, precision, prompt, request.threads());
      double seconds = (System.nanoTime() - start) / 1e9;
      again.close();
      return new Figure(
          name + ", opening",
          shape.name(),
          precision,
          request.threads(),
          seconds,
          "s",
          "",
          seconds,
          1);
    } catch (IOException e) {
      throw new UncheckedIOException(name + " cannot be opened: " + e.getMessage(), e);
    }
  }

  private double calls(Request request, String shape, String precision, int prompt) {
    return Measurement.of(Inference.class, request.effort())
        .heap(2L << 30)
        .parameters(
            Map.of(
                "subject", name,
                "shape", shape,
                "precision", precision,
                "prompt", String.valueOf(prompt),
                "threads", String.valueOf(request.threads())))
        .bestRate();
  }

  private Figure rate(
      Request request,
      Limits limits,
      String title,
      Shape shape,
      String precision,
      Workload workload,
      double value) {
    if (workload.cost() == 0) {
      return new Figure(
          title, shape.name(), precision, request.threads(), value, unit, "", value, 1);
    }
    Figure limit = name.equals("decode") ? limits.readBandwidth() : limits.matrixProduct("fp32");
    double most = limit.value() / workload.cost();
    return new Figure(
        title,
        shape.name(),
        precision,
        request.threads(),
        value,
        unit,
        limit.name(),
        most,
        value / most);
  }

  private static Figure latency(
      String title, Shape shape, String precision, Request request, double seconds) {
    double value = seconds * 1000;
    return new Figure(title, shape.name(), precision, request.threads(), value, "ms", "", value, 1);
  }

  /** Calls in this JVM, one after the other. */
  private record Run(double units, double seconds, double nativeSeconds, double[] each) {

    static Run of(Workload workload, double seconds) {
      long warm = System.nanoTime();
      while ((System.nanoTime() - warm) / 1e9 < seconds / 2) {
        workload.run();
      }
      List<Double> each = new ArrayList<>();
      long before = workload.nativeNanos();
      long start = System.nanoTime();
      long now = start;
      while ((now - start) / 1e9 < seconds || each.isEmpty()) {
        workload.run();
        long end = System.nanoTime();
        each.add((end - now) / 1e9);
        now = end;
      }
      return new Run(
          each.size() * workload.units(),
          (now - start) / 1e9,
          (workload.nativeNanos() - before) / 1e9,
          each.stream().mapToDouble(Double::doubleValue).sorted().toArray());
    }

    double percentile(double share) {
      return each[(int) Math.min(each.length - 1, Math.floor(share * each.length))];
    }

    @Override
    public String toString() {
      return Arrays.toString(each);
    }
  }

  /** Writes text, token by token. */
  public static final class Decode extends InferenceSubject {
    /** Made by {@link java.util.ServiceLoader}. */
    public Decode() {
      super("decode", "tokens written a second, one text at a time", "tokens/s");
    }
  }

  /** Reads prompts. */
  public static final class Prefill extends InferenceSubject {
    /** Made by {@link java.util.ServiceLoader}. */
    public Prefill() {
      super("prefill", "tokens of a prompt read a second", "tokens/s");
    }
  }

  /** Sees pictures. */
  public static final class Encode extends InferenceSubject {
    /** Made by {@link java.util.ServiceLoader}. */
    public Encode() {
      super("encode", "pictures seen a second by the image encoder", "pictures/s");
    }
  }

  /** Draws pictures. */
  public static final class Imagine extends InferenceSubject {
    /** Made by {@link java.util.ServiceLoader}. */
    public Imagine() {
      super("imagine", "diffusion steps a second", "steps/s");
    }
  }

  /** Describes pictures. */
  public static final class Caption extends InferenceSubject {
    /** Made by {@link java.util.ServiceLoader}. */
    public Caption() {
      super("caption", "pictures described a second by a model in a folder", "captions/s");
    }
  }
}
