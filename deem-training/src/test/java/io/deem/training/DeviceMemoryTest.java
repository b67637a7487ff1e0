package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.MemoryEstimate;
import io.deem.graph.Param;
import io.deem.graph.Value;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.FullSize;
import io.deem.model.InterleavedBatch;
import io.deem.random.RandomSource;
import io.deem.torch.Precision;
import io.deem.torch.Recording;
import io.deem.torch.TorchOptions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The paper's model on cards of the sizes that there are. */
class DeviceMemoryTest {

  private static final Recipe RECIPE = Recipe.IMAGE_TEXT_ALIGNMENT;
  private static final int TEXT = 128;
  private static final double GIGABYTE = 1e9;
  private static final TorchOptions GPU = TorchOptions.accelerated("cuda:0");

  private final DeemNetwork network = new DeemNetwork(FullSize.architecture());

  /** A step of the first stage on one picture with its text. */
  private ShapeScope step() {
    ShapeScope scope = new ShapeScope(RECIPE.freezing(), Precision.BF16, false);
    DeemConfig config = network.config();
    InterleavedBatch.Special special = config.special();
    int[] ids = new int[2 + special.tokensPerImage() + TEXT];
    Arrays.fill(ids, 5);
    ids[0] = special.beginning();
    ids[1] = special.imageStart();
    Arrays.fill(ids, 2, 2 + special.tokensPerImage(), special.image());
    InterleavedBatch batch =
        new InterleavedBatch(special, List.of(ids), InterleavedBatch.Padding.RIGHT);
    Value images = pixels(scope, config.imageSize());
    Value drawn = pixels(scope, config.drawnSize());
    DeemNetwork.Example example =
        new DeemNetwork.Example(batch, images, drawn, batch.textTargets(null, false), null);
    network.losses(scope, example, DeemNetwork.LossWeights.PAPER, RandomSource.seeded(1));
    return scope;
  }

  private static Value pixels(ShapeScope scope, int side) {
    return scope.floats(new float[3 * side * side], 1, 3, side, side);
  }

  private MemoryEstimate estimate(TorchOptions options, Recording recording) {
    return DeviceMemory.estimate(
        network.params(), RECIPE.freezing(), options, Float.BYTES, step(), recording);
  }

  private double gigabytes(TorchOptions options) {
    return estimate(options, Recording.CHECKPOINTS).total() / GIGABYTE;
  }

  @Test
  void sevenBillionTrainTheirSmallPartsOn24Gigabytes() {
    double whole = gigabytes(GPU);
    assertTrue(whole > 24, whole + " GB would need no help");
    double helped = gigabytes(GPU.withResidentBytes(12_000_000_000L));
    assertTrue(helped < 22, helped + " GB leave too little for CUDA itself");
  }

  @Test
  void whatIsFrozenTakesTwoBytesAndWhatLearnsSixteen() {
    long learning = 0;
    long frozen = 0;
    for (Param param : network.params()) {
      long size = param.shape().size().value();
      if (RECIPE.freezing().test(param.name())) {
        learning += size;
      } else {
        frozen += size;
      }
    }
    MemoryEstimate estimate = estimate(GPU, Recording.CHECKPOINTS);
    assertEquals(4 * learning, estimate.parts().get("gradients"));
    assertEquals(8 * learning, estimate.parts().get("optimiser"));
    double expected = 4.0 * learning + 2.0 * frozen;
    // Norms and biases are few, and the encoder's last layer is not part of a training step.
    assertEquals(expected, estimate.parts().get("weights on the device"), 0.01 * expected);
    assertEquals(0, estimate.parts().get("weights that visit"));
  }

  @Test
  void withoutCheckpointingWhatVisitsStays() {
    TorchOptions little = GPU.withResidentBytes(0);
    long passing = estimate(little, Recording.CHECKPOINTS).parts().get("weights that visit");
    long staying = estimate(little, Recording.STEP).parts().get("weights that visit");
    assertTrue(staying > 10 * passing, staying + " and " + passing);
  }
}
