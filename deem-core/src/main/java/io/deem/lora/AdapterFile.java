package io.deem.lora;

import io.deem.weights.ElementType;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Adapters alone, in a safetensors file: the factors of every adapted layer, the biases that were
 * trained with them, and in the metadata {@code rank}, {@code alpha}, {@code dropout} and the
 * adapted layers. Small beside the network that it belongs to, and of no use without it.
 */
public final class AdapterFile implements AutoCloseable {

  private static final String FORMAT = "deem-lora/1";
  private static final String BIAS = ".bias";

  private final SafetensorsFile file;
  private final LowRankAdaptation adaptation;

  private AdapterFile(SafetensorsFile file, LowRankAdaptation adaptation) {
    this.file = file;
    this.adaptation = adaptation;
  }

  /**
   * Writes adapters, replacing a file that is there in one step.
   *
   * @param trained has the factors, and whatever else; see {@link LowRankAdaptation#learnt}
   * @param biases whether the biases of the adapted layers are written too
   * @throws IllegalArgumentException if there is no factor
   */
  public static void write(Path path, LowRankAdaptation lora, TensorSource trained, boolean biases)
      throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    Set<String> layers = new TreeSet<>();
    for (String name : new TreeSet<>(trained.names())) {
      if (!lora.learnt(false).test(name)) {
        continue;
      }
      add(writer, trained, name);
      if (name.endsWith(LowRankAdaptation.A)) {
        String layer = name.substring(0, name.length() - LowRankAdaptation.A.length());
        layers.add(layer);
        if (biases && trained.contains(layer + BIAS)) {
          add(writer, trained, layer + BIAS);
        }
      }
    }
    if (layers.isEmpty()) {
      throw new IllegalArgumentException(trained.origin() + ": has no adapters to write");
    }
    writer
        .metadata("format", FORMAT)
        .metadata("rank", Integer.toString(lora.rank()))
        .metadata("alpha", Double.toString(lora.alpha()))
        .metadata("dropout", Double.toString(lora.dropout()))
        .metadata("targets", String.join(",", layers))
        .write(path);
  }

  /**
   * Opens adapters.
   *
   * @throws IOException if the file is missing or no adapters' file, in one line that names it
   */
  public static AdapterFile open(Path path) throws IOException {
    SafetensorsFile file = SafetensorsFile.open(path);
    boolean opened = false;
    try {
      Map<String, String> metadata = file.metadata();
      if (!FORMAT.equals(metadata.get("format"))) {
        throw new IOException(path + ": is not a file of adapters (" + FORMAT + ")");
      }
      Set<String> layers = Set.of(metadata.getOrDefault("targets", "").split(","));
      LowRankAdaptation lora =
          new LowRankAdaptation(
              Integer.parseInt(metadata.get("rank")),
              Double.parseDouble(metadata.get("alpha")),
              Double.parseDouble(metadata.get("dropout")),
              layers::contains);
      for (String layer : layers) {
        requireFactors(file, layer, lora.rank());
      }
      opened = true;
      return new AdapterFile(file, lora);
    } catch (IllegalArgumentException | NullPointerException e) {
      throw new IOException(path + ": " + e.getMessage(), e);
    } finally {
      if (!opened) {
        file.close();
      }
    }
  }

  /** The adaptation that the factors belong to, of the layers that the file names. */
  public LowRankAdaptation adaptation() {
    return adaptation;
  }

  /**
   * A network's weights with these factors and biases, for a session that rewrites its blocks with
   * {@link #adaptation()}.
   *
   * @throws io.deem.weights.TensorMismatchException if a layer is not the network's
   */
  public TensorSource over(TensorSource base) {
    OverlaidTensors weights = new OverlaidTensors(base, file.origin());
    for (String name : file.names()) {
      if (name.endsWith(LowRankAdaptation.A)) {
        String layer = name.substring(0, name.length() - LowRankAdaptation.A.length());
        file.require(name, adaptation.shapeOfA(base, layer));
        file.require(layer + LowRankAdaptation.B, adaptation.shapeOfB(base, layer));
      } else if (name.endsWith(BIAS)) {
        base.require(name, file.info(name).shape());
      }
      weights.with(name, file.info(name).shape(), () -> file.floats(name));
    }
    return weights;
  }

  /** A network's weights with these adapters merged in: no factors are left. */
  public TensorSource mergedInto(TensorSource base) {
    OverlaidTensors weights = new OverlaidTensors(base, file.origin());
    for (String name : file.names()) {
      if (name.endsWith(BIAS)) {
        base.require(name, file.info(name).shape());
        weights.with(name, file.info(name).shape(), () -> file.floats(name));
      }
    }
    return AdaptedWeights.merged(weights, file, adaptation);
  }

  @Override
  public void close() {
    file.close();
  }

  private static void requireFactors(SafetensorsFile file, String layer, int rank)
      throws IOException {
    for (String suffix : new String[] {LowRankAdaptation.A, LowRankAdaptation.B}) {
      TensorInfo info = file.contains(layer + suffix) ? file.info(layer + suffix) : null;
      int rankAxis = suffix.equals(LowRankAdaptation.A) ? 0 : 1;
      if (info == null || info.shape().length != 2 || info.shape()[rankAxis] != rank) {
        throw new IOException(
            file.origin() + ": has no factor " + layer + suffix + " of rank " + rank);
      }
    }
  }

  private static void add(SafetensorsWriter writer, TensorSource from, String name) {
    writer.floats(name, ElementType.F32, from.info(name).shape(), () -> from.floats(name));
  }
}
