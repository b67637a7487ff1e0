package io.deem.bench;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Consumer;

/**
 * Measures subjects on this machine, beside the machine's limits.
 *
 * <p>Further {@link Subject}s are found by {@link ServiceLoader}.
 */
public final class Bench {
  private final List<Subject> subjects = new ArrayList<>();

  /** With all subjects on the class path. */
  public Bench() {
    ServiceLoader.load(Subject.class).forEach(subjects::add);
  }

  /** What can be measured besides the limits. */
  public List<Subject> subjects() {
    return List.copyOf(subjects);
  }

  /**
   * Measures the limits, then the subjects of those names.
   *
   * @param listener is told of each figure as soon as it is known
   * @throws IllegalArgumentException if there is no such subject, or the request does not fit it
   */
  public List<Figure> measure(List<String> names, Request request, Consumer<Figure> listener) {
    List<Subject> wanted = new ArrayList<>();
    for (String name : new LinkedHashSet<>(names)) {
      Subject subject = subject(name);
      if (subject.needsShape() && request.shape().isEmpty()) {
        throw new IllegalArgumentException(
            name + " needs a shape: a model folder or one of " + String.join(", ", Shape.NAMES));
      }
      wanted.add(subject);
    }
    Limits limits = Limits.measure(request.threads(), request.effort(), listener);
    List<Figure> figures = new ArrayList<>(limits.figures());
    for (Subject subject : wanted) {
      List<Figure> measured = subject.measure(request, limits);
      measured.forEach(listener);
      figures.addAll(measured);
    }
    return figures;
  }

  private Subject subject(String name) {
    for (Subject subject : subjects) {
      if (subject.name().equals(name)) {
        return subject;
      }
    }
    List<String> known = subjects.stream().map(Subject::name).toList();
    throw new IllegalArgumentException(
        "nothing to measure is named "
            + name
            + "; there are: "
            + (known.isEmpty() ? "the limits alone" : String.join(", ", known)));
  }
}
