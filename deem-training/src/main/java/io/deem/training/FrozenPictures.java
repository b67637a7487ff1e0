package io.deem.training;

import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.LatentDiffusion;
import io.deem.training.data.Batch;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Predicate;

/**
 * What parts that do not learn make of pictures: the latents of the autoencoder, and what the image
 * encoder's trunk sees if it is frozen. Both are computed once for each picture, one picture at a
 * time, so that they do not depend on the batch, and kept on disk. A trunk whose results are kept
 * sees without stochastic depth.
 */
final class FrozenPictures implements AutoCloseable {

  private static final long MOST_BYTES = 32L << 30;

  /** A cache and the shapes of what it keeps of one picture, without the batch. */
  private record Kept(PictureCache cache, List<long[]> shapes) {}

  /** What a part makes of one picture. */
  private interface Part {
    List<Value> of(Scope scope, Value picture);
  }

  private final Session session;
  private final DeemNetwork network;
  private final Kept latents;
  private final Kept trunk;

  private FrozenPictures(Session session, DeemNetwork network, Kept latents, Kept trunk) {
    this.session = session;
    this.network = network;
    this.latents = latents;
    this.trunk = trunk;
  }

  /**
   * Opens the caches in a folder.
   *
   * @param session in which they are filled
   * @param weights of the network
   * @param learns which parameters learn
   * @param seesFrozen whether the encoder's trunk computes what its stored weights say
   * @param arithmetic precision and device, on which the last bits depend
   */
  static FrozenPictures open(
      Path folder,
      Session session,
      DeemNetwork network,
      TensorSource weights,
      Predicate<String> learns,
      boolean seesFrozen,
      String arithmetic)
      throws IOException {
    int drawn = network.config().drawnSize();
    long[] latent = network.diffusion().latentShape(new long[] {1, 3, drawn, drawn});
    long[] map = {latent[1], latent[2], latent[3]};
    List<Param> autoencoder = network.diffusion().autoencoder().params();
    Kept latents = open(folder, "latents", arithmetic, autoencoder, weights, List.of(map, map));
    try {
      boolean keep = seesFrozen && network.eyes().encoder().hasTrunk();
      Kept trunk = keep ? trunk(folder, network, weights, learns, arithmetic) : null;
      return new FrozenPictures(session, network, latents, trunk);
    } catch (IOException | RuntimeException e) {
      latents.cache.close();
      throw e;
    }
  }

  private static Kept trunk(
      Path folder,
      DeemNetwork network,
      TensorSource weights,
      Predicate<String> learns,
      String arithmetic)
      throws IOException {
    List<Param> params =
        network.eyes().encoder().params().stream()
            .filter(param -> !learns.test(param.name()))
            .toList();
    List<long[]> shapes = new ArrayList<>();
    for (Shape shape : network.eyes().encoder().trunkShapes(network.config().imageSize())) {
      shapes.add(new long[] {shape.dim(1).value(), shape.dim(2).value(), shape.dim(3).value()});
    }
    return open(folder, "features", arithmetic, params, weights, shapes);
  }

  private static Kept open(
      Path folder,
      String kind,
      String arithmetic,
      List<Param> params,
      TensorSource weights,
      List<long[]> shapes)
      throws IOException {
    StringBuilder maker = new StringBuilder(arithmetic);
    for (Param param : params) {
      float[] values = weights.floats(param.name());
      ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES));
      bytes.asFloatBuffer().put(values);
      String sum = HexFormat.of().formatHex(FileChecksum.sha256().digest(bytes.array()));
      maker.append('\n').append(param.name()).append(' ').append(sum);
    }
    int count = 0;
    for (long[] shape : shapes) {
      count = Math.addExact(count, elements(shape));
    }
    PictureCache cache = PictureCache.open(folder, kind, maker.toString(), count, MOST_BYTES);
    return new Kept(cache, shapes);
  }

  /** What is known about a batch's pictures; what is not, is computed and kept. */
  DeemNetwork.Known of(Scope scope, Batch batch) {
    if (batch.imageCount() == 0) {
      return DeemNetwork.Known.NOTHING;
    }
    List<Value> moments =
        rows(
            scope,
            latents,
            batch.drawn(),
            batch.imageCount(),
            batch.drawnSize(),
            (alone, picture) -> {
              LatentDiffusion.Latents made = network.diffusion().latents(alone, picture);
              return List.of(made.mean(), made.std());
            });
    List<Value> seen =
        trunk == null
            ? null
            : rows(
                scope,
                trunk,
                batch.images(),
                batch.imageCount(),
                batch.imageSize(),
                network.eyes()::trunk);
    return new DeemNetwork.Known(seen, new LatentDiffusion.Latents(moments.get(0), moments.get(1)));
  }

  /** What a part makes of all pictures, [pictures, ...] each. */
  private List<Value> rows(
      Scope scope, Kept kept, float[] pixels, int pictures, int side, Part part) {
    List<float[]> all = new ArrayList<>();
    for (long[] shape : kept.shapes) {
      all.add(new float[Math.multiplyExact(pictures, elements(shape))]);
    }
    int size = 3 * side * side;
    for (int i = 0; i < pictures; i++) {
      PictureCache.Key key = PictureCache.Key.of(pixels, i * size, size);
      float[] values = kept.cache.get(key);
      if (values == null) {
        values = make(part, pixels, i * size, side, kept);
        kept.cache.put(key, values);
      }
      int from = 0;
      for (float[] tensor : all) {
        int row = tensor.length / pictures;
        System.arraycopy(values, from, tensor, i * row, row);
        from += row;
      }
    }
    List<Value> uploaded = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      long[] shape = kept.shapes.get(i);
      uploaded.add(scope.floats(all.get(i), pictures, shape[0], shape[1], shape[2]));
    }
    return uploaded;
  }

  private float[] make(Part part, float[] pixels, int from, int side, Kept kept) {
    float[] one = new float[3 * side * side];
    System.arraycopy(pixels, from, one, 0, one.length);
    float[] values = new float[kept.shapes.stream().mapToInt(FrozenPictures::elements).sum()];
    try (Scope alone = session.scope()) {
      int at = 0;
      for (Value made : part.of(alone, alone.floats(one, 1, 3, side, side))) {
        float[] tensor = made.floats();
        System.arraycopy(tensor, 0, values, at, tensor.length);
        at += tensor.length;
      }
    }
    return values;
  }

  private static int elements(long[] shape) {
    long elements = 1;
    for (long extent : shape) {
      elements = Math.multiplyExact(elements, extent);
    }
    return Math.toIntExact(elements);
  }

  @Override
  public void close() throws IOException {
    try {
      latents.cache.close();
    } finally {
      if (trunk != null) {
        trunk.cache.close();
      }
    }
  }
}
