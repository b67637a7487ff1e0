package io.deem.model;

import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Value;
import io.deem.json.Alternatives;
import java.util.List;

/**
 * What a DEEM sees with, called sniffer in its checkpoints: a network that makes of images tokens
 * and maps at strides 4, 8, 16 and 32, all equally wide.
 */
public sealed interface ImageEncoder permits ConvNextEncoder, VitAdapter {

  /** The sizes of an encoder, enough to make one. */
  @Alternatives({ConvNextEncoder.Config.class, VitAdapter.Config.class})
  sealed interface Config permits ConvNextEncoder.Config, VitAdapter.Config {

    /** The width of the maps and tokens that the encoder returns. */
    int featureWidth();

    /** The number of layers in each of its stages. */
    List<Integer> depths();

    /** What the field calls it, with its sizes, for example {@code ConvNeXt 3-3-27-3}. */
    String title();

    /** Whether it sees square images of a side, in pixels. */
    boolean sees(int imageSize);

    /**
     * The network.
     *
     * @param prefix what precedes {@code vision_model.} in its checkpoint names
     */
    ImageEncoder network(String prefix);
  }

  /** What the encoder sees in a batch of images. */
  sealed interface Features permits ConvNextEncoder.Features, VitAdapter.Features {

    /**
     * [batch, 1 + h16 * w16, feature width]: the class token, then the places of the map at stride
     * 16 row by row.
     */
    Value lastHiddenState();

    /** Four maps [batch, feature width, h, w], the finest first. */
    List<Value> maps();
  }

  /** The sizes. */
  Config config();

  /**
   * Encodes images.
   *
   * @param scope owns the result
   * @param pixels [batch, 3, height, width], normalised
   */
  Features forward(Scope scope, Value pixels);

  /** All parameters. */
  List<Param> params();

  /**
   * Whether everything below the layers that adapt the output is a network of its own, the trunk,
   * whose results can be kept when it does not learn.
   */
  default boolean hasTrunk() {
    return false;
  }

  /**
   * What the trunk makes of images.
   *
   * @param pixels [batch, 3, height, width], normalised
   * @return [batch, channels, h, w] each, of the {@link #trunkShapes}
   * @throws UnsupportedOperationException if the encoder has no trunk
   */
  default List<Value> trunk(Scope scope, Value pixels) {
    throw new UnsupportedOperationException(config().title() + " has no trunk of its own");
  }

  /**
   * The shapes of the trunk's results for square images of a side, in pixels.
   *
   * @throws UnsupportedOperationException if the encoder has no trunk
   */
  default List<Shape> trunkShapes(int imageSize) {
    throw new UnsupportedOperationException(config().title() + " has no trunk of its own");
  }

  /**
   * What {@link #forward} makes of the images that a trunk's results were made of.
   *
   * @throws UnsupportedOperationException if the encoder has no trunk
   */
  default Features adapted(Scope scope, List<Value> trunk) {
    throw new UnsupportedOperationException(config().title() + " has no trunk of its own");
  }
}
