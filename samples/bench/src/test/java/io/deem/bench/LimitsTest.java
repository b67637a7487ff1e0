package io.deem.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The harness at work on next to nothing: what it says, not how fast anything is. */
class LimitsTest {
  private static final Request.Effort LITTLE = new Request.Effort(0, 0, 1, 10, 16, 64);

  @Test
  void measuresWhatBoundsEverythingElse() {
    List<Figure> told = new ArrayList<>();
    Limits limits = Limits.measure(2, LITTLE, told::add);
    assertEquals(limits.figures(), told);
    assertEquals("GB/s", limits.readBandwidth().unit());
    assertEquals("GFLOP/s", limits.matrixProduct("fp32").unit());
    for (Figure figure : told) {
      assertTrue(figure.value() > 0 && Double.isFinite(figure.value()), figure.toString());
      assertEquals(2, figure.threads());
    }
    assertTrue(
        told.stream().map(Figure::name).toList().contains("matrix product, libtorch"),
        told.toString());
    Figure half =
        Figure.under(
            limits.readBandwidth(), "decode", "x", "int4", 2, limits.readBandwidth().value() / 2);
    assertEquals(0.5, half.ratio(), 1e-12);
    assertEquals(Limits.READ_BANDWIDTH, half.limitName());
  }

  @Test
  void knowsTheNamedShapes() throws IOException {
    for (String name : Shape.NAMES) {
      assertEquals(name, Shape.of(name).name());
    }
    assertEquals(4, Shape.of("llama-1.1b").languageModel().orElseThrow().keyHeads());
    assertEquals(512, Shape.of("sd21-unet-512").imageSize());
    assertThrows(IllegalArgumentException.class, () -> Shape.of("no-such-shape"));
  }

  @Test
  void refusesAnUnknownSubjectBeforeMeasuring() {
    Request request = new Request(Optional.empty(), List.of(), 1, LITTLE);
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new Bench().measure(List.of("dance"), request, figure -> {}));
    assertTrue(e.getMessage().startsWith("nothing to measure is named dance"), e.getMessage());
  }
}
