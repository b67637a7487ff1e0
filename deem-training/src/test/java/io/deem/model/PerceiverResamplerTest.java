package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.ShapeException;
import io.deem.graph.Value;
import io.deem.torch.TorchEngine;
import io.deem.weights.SafetensorsFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PerceiverResamplerTest {

  private static final PerceiverResampler.Config NORMALISED =
      new PerceiverResampler.Config(7, 48, 40, 96, 4, 4, 2, true, 1e-12);
  private static final PerceiverResampler.Config PLAIN =
      new PerceiverResampler.Config(5, 32, 48, 64, 1, 4, 1, false, 1e-12);

  @ParameterizedTest
  @ValueSource(strings = {"qformer_qknorm", "qformer_plain"})
  void parametersAreThoseOfTheCheckpoint(String fixture) throws Exception {
    PerceiverResampler.Config config = fixture.equals("qformer_plain") ? PLAIN : NORMALISED;
    List<Param> params = new PerceiverResampler(config, "").params();
    Path weights =
        Path.of(getClass().getResource("/fixtures/" + fixture + "/model.safetensors").toURI());
    try (SafetensorsFile file = SafetensorsFile.open(weights)) {
      assertEquals(
          new TreeSet<>(file.names()),
          params.stream().map(Param::name).collect(Collectors.toCollection(TreeSet::new)));
      assertEquals(file.names().size(), params.size());
      for (Param param : params) {
        assertArrayEquals(file.info(param.name()).shape(), param.shape().extents(), param.name());
      }
    }
  }

  @Test
  void maskedTokensDoNotMatter() {
    PerceiverResampler resampler = new PerceiverResampler(NORMALISED, "x.");
    try (Session session = new TorchEngine().open(new RandomWeights(resampler.params(), 3));
        Scope scope = session.scope()) {
      float[] tokens = noise(6 * 40);
      float[] shorter = Arrays.copyOf(tokens, 4 * 40);
      Value mask = scope.longs(new long[] {1, 1, 1, 1, 0, 0}, 1, 6);
      float[] masked =
          resampler.forward(scope, scope.floats(tokens, 1, 6, 40), mask).last().floats();
      float[] cut = resampler.forward(scope, scope.floats(shorter, 1, 4, 40), null).last().floats();
      assertArrayEquals(cut, masked, 1e-4f);
    }
  }

  @Test
  void aSequenceThatIsMaskedWhollyGivesNumbers() {
    PerceiverResampler resampler = new PerceiverResampler(PLAIN, "");
    try (Session session = new TorchEngine().open(new RandomWeights(resampler.params(), 3));
        Scope scope = session.scope()) {
      Value tokens = scope.floats(noise(3 * 48), 1, 3, 48);
      Value mask = scope.longs(new long[3], 1, 3);
      for (float value : resampler.forward(scope, tokens, mask).last().floats()) {
        assertTrue(Float.isFinite(value), "got " + value);
      }
    }
  }

  @Test
  void aMaskOfAnotherLengthIsRefused() {
    PerceiverResampler resampler = new PerceiverResampler(PLAIN, "");
    try (Session session = new TorchEngine().open(new RandomWeights(resampler.params(), 3));
        Scope scope = session.scope()) {
      Value tokens = scope.floats(noise(3 * 48), 1, 3, 48);
      Value mask = scope.longs(new long[4], 1, 4);
      assertThrows(ShapeException.class, () -> resampler.forward(scope, tokens, mask));
    }
  }

  @Test
  void sizesThatMakeNoNetworkAreRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new PerceiverResampler.Config(5, 32, 48, 64, 1, 5, 1, false, 1e-12));
    assertThrows(
        IllegalArgumentException.class,
        () -> new PerceiverResampler.Config(5, 32, 48, 64, 1, 4, 0, false, 1e-12));
  }

  private static float[] noise(int count) {
    Random random = new Random(5);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
