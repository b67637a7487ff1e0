package io.deem.training.alignment;

import io.deem.Cancellation;
import io.deem.Fidelity;
import io.deem.graph.Session;
import io.deem.model.ModelFolder;
import io.deem.perception.EncodedImages;
import io.deem.perception.NetworkPerceiver;
import java.io.IOException;

/** The mean fidelity of the held-out images, as a perceiver measures it. */
final class HeldOutFidelity {

  private final NetworkPerceiver perceiver;
  private final AlignmentImages images;

  HeldOutFidelity(
      Session session, ModelFolder model, AlignmentImages images, Cancellation cancellation) {
    this.perceiver =
        new NetworkPerceiver(session, model, EncodedImages.NONE).withCheck(cancellation::check);
    this.images = images;
  }

  /** Measures with the session's present weights. */
  Fidelity measure() throws IOException {
    double loss = 0;
    double blind = 0;
    for (int i = 0; i < images.heldOutCount(); i++) {
      Fidelity one = perceiver.fidelity(images.heldOut(i));
      loss += one.loss();
      blind += one.blindLoss();
    }
    return Fidelity.of(loss / images.heldOutCount(), blind / images.heldOutCount());
  }
}
