package io.deem.training.data;

import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import java.util.List;
import java.util.Optional;

/**
 * Rows of text with the pictures that belong to them, ready for a training step. The arrays are not
 * copied and must not be changed.
 *
 * @param number of the batch, from 0; it decides everything else
 * @param dataSet name of what its samples come from
 * @param samples ids of what it shows, row by row
 * @param tokens the text, padded on the right
 * @param imageNames of its pictures, in the order of their places in the text
 * @param images [images, 3, imageSize, imageSize] from 0 to 1, for the encoder
 * @param drawn [images, 3, drawnSize, drawnSize] from 0 to 1, for the image decoder
 * @param regions [images, 1, imageSize, imageSize], 1 inside and 0 outside; nothing if all pictures
 *     are whole
 * @param targets the text to be learnt; empty if none is
 * @param learnsText whether next-token prediction counts
 * @param learnsImages whether next-image prediction counts
 * @param imageSize side of what the encoder sees, in pixels
 * @param drawnSize side of what the image decoder draws, in pixels
 * @param broken items that would have come and were left out
 */
@SuppressWarnings("ArrayRecordComponent") // megabytes, handed on once
public record Batch(
    long number,
    String dataSet,
    List<String> samples,
    InterleavedBatch tokens,
    List<String> imageNames,
    float[] images,
    float[] drawn,
    Optional<float[]> regions,
    InterleavedBatch.TextTargets targets,
    boolean learnsText,
    boolean learnsImages,
    int imageSize,
    int drawnSize,
    List<BrokenItem> broken) {

  /** Copies the lists. */
  public Batch {
    samples = List.copyOf(samples);
    imageNames = List.copyOf(imageNames);
    broken = List.copyOf(broken);
  }

  /** Number of pictures. */
  public int imageCount() {
    return imageNames.size();
  }

  /** The batch as the network takes it; its values belong to the scope. */
  public DeemNetwork.Example upload(Scope scope) {
    return upload(scope, DeemNetwork.Known.NOTHING);
  }

  /** The batch as the network takes it, with what is known about its pictures. */
  public DeemNetwork.Example upload(Scope scope, DeemNetwork.Known known) {
    int count = imageCount();
    Value seen = scope.floats(images, count, 3, imageSize, imageSize);
    Value targetsOfDecoder = scope.floats(drawn, count, 3, drawnSize, drawnSize);
    Value inside =
        regions.map(mask -> scope.floats(mask, count, 1, imageSize, imageSize)).orElse(null);
    return new DeemNetwork.Example(tokens, seen, targetsOfDecoder, inside, targets, null, known);
  }

  /** The weights of the losses, with 0 for those that these rows do not teach. */
  public DeemNetwork.LossWeights weights(DeemNetwork.LossWeights all) {
    return new DeemNetwork.LossWeights(
        learnsText ? all.text() : 0, learnsImages ? all.image() : 0, all.consistency());
  }
}
