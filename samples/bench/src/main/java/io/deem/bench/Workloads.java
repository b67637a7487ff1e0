package io.deem.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** What the subjects do with a shape. */
final class Workloads {

  private Workloads() {}

  /**
   * Opens a workload.
   *
   * @throws IllegalArgumentException if the shape has no such part
   */
  static Workload open(String subject, Shape shape, String precision, int prompt, int threads)
      throws IOException {
    return switch (subject) {
      case "decode", "prefill" ->
          new TextWorkload(
              fileName(shape),
              part(subject, shape, shape.languageModel()),
              precision,
              threads,
              prompt,
              subject.equals("decode"));
      case "encode" ->
          PictureWorkload.encode(
              fileName(shape) + "-encoder",
              part(subject, shape, shape.encoder()),
              shape.imageSize(),
              threads);
      case "imagine" ->
          shape.folder().isPresent()
              ? new ModelWorkload(shape.folder().get(), subject, precision, threads)
              : PictureWorkload.imagine(
                  fileName(shape),
                  part(subject, shape, shape.denoiser()),
                  shape.imageSize(),
                  threads);
      case "caption" ->
          new ModelWorkload(part(subject, shape, shape.folder()), subject, precision, threads);
      default -> throw new IllegalArgumentException("nothing to measure is named " + subject);
    };
  }

  /** Shapes of folders may share a name. */
  private static String fileName(Shape shape) {
    return shape.folder().isEmpty()
        ? shape.name()
        : shape.name() + "-" + Integer.toHexString(key(shape.folder().get()));
  }

  private static int key(Path folder) {
    return folder.toAbsolutePath().normalize().toString().hashCode();
  }

  /** A part that a subject needs. */
  static <T> T part(String subject, Shape shape, Optional<T> part) {
    return part.orElseThrow(
        () ->
            new IllegalArgumentException(
                subject
                    + " does not fit the shape "
                    + shape.name()
                    + (subject.equals("caption") ? ": it needs a model folder" : "")));
  }
}
