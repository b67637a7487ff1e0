package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.deem.graph.Param;
import io.deem.graph.Value;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import io.deem.verify.Fixture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class UNetTest {

  private static final UNet.Config TWO_LEVELS =
      new UNet.Config(4, 4, List.of(8, 16), List.of(2, 4), List.of(false, true), 12, 1, 4, 1e-5);
  private static final UNet UNET = new UNet(TWO_LEVELS, "unet.");
  private static final MmfsNet MMFS =
      new MmfsNet(
          new MmfsNet.Config(List.of(8, 16), 1, 6, 8, 2, 4, 3, 2, List.of(8, 4, 2)), "mmfs.");

  private final Random random = new Random(3);

  @Test
  void namesEveryWeightOfTheCheckpoint() throws Exception {
    UNet unet =
        new UNet(
            new UNet.Config(
                4,
                4,
                List.of(8, 16, 8, 16),
                List.of(1, 2, 4, 2),
                List.of(true, true, true, false),
                20,
                2,
                4,
                1e-5),
            "unet.");
    MmfsNet mmfs =
        new MmfsNet(
            new MmfsNet.Config(
                List.of(8, 16, 8, 16), 2, 24, 32, 4, 8, 10, 8, List.of(64, 32, 16, 8)),
            "mmfs_module.");
    try (Fixture fixture =
        Fixture.open(Path.of(getClass().getResource("/fixtures/unet").toURI()))) {
      Set<String> named = new HashSet<>();
      List<Param> params = new ArrayList<>(unet.params());
      params.addAll(mmfs.params());
      for (Param param : params) {
        named.add(param.name());
        assertArrayEquals(
            fixture.weights().info(param.name()).shape(), param.shape().extents(), param.name());
      }
      assertEquals(fixture.weights().names(), named);
    }
  }

  @Test
  void twoLevelsTakeLatentsOfAnySize() {
    try (TorchSession session = new TorchEngine().open(new RandomWeights(UNET.params(), 1));
        TorchScope scope = session.scope()) {
      UNet.Output output =
          UNET.forward(
              scope,
              values(scope, 2, 4, 5, 7),
              scope.longs(new long[] {3, 900}, 2),
              values(scope, 2, 3, 12));
      assertArrayEquals(new long[] {2, 4, 5, 7}, output.sample().shape());
      assertArrayEquals(new long[] {2, 16, 3, 4}, output.features().mid().shape());
      assertEquals(TWO_LEVELS.skips(), output.features().skips().size());
    }
  }

  @Test
  void synchronizerMovesOnlyTheMapsThatMaySee() {
    List<Param> params = new ArrayList<>(UNET.params());
    params.addAll(MMFS.params());
    try (TorchSession session = new TorchEngine().open(new RandomWeights(params, 1));
        TorchScope scope = session.scope()) {
      UNet.Features maps =
          UNET.forward(
                  scope,
                  values(scope, 1, 4, 4, 6),
                  scope.longs(new long[] {5}, 1),
                  values(scope, 1, 3, 12))
              .features();
      Value mask = scope.longs(new long[] {1, 0}, 1, 2);
      float[] seen = new float[2 * 6 * 16];
      float[] hidden = new float[2 * 6 * 16];
      for (int i = 0; i < seen.length; i++) {
        seen[i] = (float) random.nextGaussian();
        hidden[i] = i < seen.length / 2 ? seen[i] : (float) random.nextGaussian();
      }
      // The second image is masked: what it shows does not matter, unlike the first.
      float[] expected = middle(scope, maps, seen, mask);
      assertArrayEquals(expected, middle(scope, maps, hidden, mask), 1e-5f);
      for (int i = 0; i < seen.length / 2; i++) {
        seen[i] = hidden[seen.length / 2 + i];
      }
      assertFalse(Arrays.equals(expected, middle(scope, maps, seen, mask)));
    }
  }

  private float[] middle(TorchScope scope, UNet.Features maps, float[] finest, Value mask) {
    List<Value> features =
        List.of(
            scope.floats(finest, 1, 2, 6, 4, 4),
            scope.floats(new float[2 * 6 * 4], 1, 2, 6, 2, 2),
            scope.floats(new float[2 * 6], 1, 2, 6, 1, 1));
    return MMFS.forward(scope, maps, features, mask).mid().floats();
  }

  @Test
  void levelsMustAgree() {
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new UNet.Config(4, 4, List.of(8, 16), List.of(2), List.of(true, true), 12, 1, 4, 1e-5));
    assertThrows(
        IllegalArgumentException.class,
        () -> new MmfsNet.Config(List.of(8, 16), 1, 6, 8, 2, 4, 3, 8, List.of(64)));
  }

  private Value values(TorchScope scope, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return scope.floats(values, shape);
  }
}
