package io.deem.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.training.TrainingProfile;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainSubjectTest {
  private static final Request.Effort LITTLE = new Request.Effort(0, 0, 1, 10, 16, 64);
  private static final String MINI = "../deem-mini/src/main/resources/io/deem/mini/model";

  private static Request request(String shape, String precision) throws IOException {
    return new Request(Optional.of(Shape.of(shape)), List.of(precision), 2, LITTLE);
  }

  @Test
  void splitsAStepIntoItsParts() throws IOException {
    Limits limits = Limits.measure(2, LITTLE, figure -> {});
    TrainSubject subject = new TrainSubject(new TrainingProfile.Load(2, 8, 0, 1));
    List<Figure> figures = subject.measure(request(MINI, "bf16"), limits);
    assertEquals("train", figures.get(0).name());
    assertEquals("steps/s", figures.get(0).unit());
    List<Figure> parts = figures.subList(2, figures.size());
    assertEquals(TrainingProfile.Part.values().length, parts.size());
    assertEquals(1, parts.stream().mapToDouble(Figure::ratio).sum(), 1e-9);
    assertTrue(parts.stream().allMatch(part -> part.value() > 0), parts.toString());
  }

  @Test
  void refusesWhatCannotBeTrained() throws IOException {
    Limits limits = Limits.measure(2, LITTLE, figure -> {});
    TrainSubject subject = new TrainSubject();
    for (Request wrong : List.of(request("llama-1.1b", "fp32"), request("deem-100m", "int4"))) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> subject.measure(wrong, limits));
      assertTrue(e.getMessage().startsWith("train "), e.getMessage());
    }
  }
}
