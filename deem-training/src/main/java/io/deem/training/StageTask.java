package io.deem.training;

import io.deem.graph.Scope;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.random.RandomSource;
import io.deem.training.data.Batch;
import io.deem.training.data.BatchLoader;
import io.deem.training.data.BatchSource;
import io.deem.training.data.BrokenItem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** DEEM's training step on batches of data sets, which are made ahead. */
final class StageTask implements TrainingTask, AutoCloseable {

  private final DeemNetwork network;
  private final Recipe recipe;
  private final BatchSource source;
  private final FrozenPictures frozen;
  private final List<String> broken = new ArrayList<>();
  private BatchLoader loader;

  /**
   * A task.
   *
   * @param frozen what is kept of pictures; null for nothing. It stays the caller's
   */
  StageTask(DeemNetwork network, Recipe recipe, BatchSource source, FrozenPictures frozen) {
    this.network = network;
    this.recipe = recipe;
    this.source = source;
    this.frozen = frozen;
  }

  @Override
  public int itemsPerStep() {
    return recipe.batch();
  }

  /** The items that could not be read so far, each with its reason. */
  List<String> broken() {
    List<String> all = new ArrayList<>(broken);
    if (loader != null) {
      loader.broken().stream().map(BrokenItem::toString).forEach(all::add);
    }
    return all;
  }

  @Override
  public Losses losses(TrainingScope scope, long position, RandomSource random) {
    try {
      return losses(scope, batch(position), random);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  private Losses losses(TrainingScope scope, Batch batch, RandomSource random) {
    DeemNetwork.Known known = frozen == null ? DeemNetwork.Known.NOTHING : frozen.of(scope, batch);
    DeemNetwork.Losses losses = step(network, recipe, scope, batch, known, random).losses();
    Map<String, Value> parts = new LinkedHashMap<>();
    put(parts, "text", losses.text());
    put(parts, "image", losses.image());
    put(parts, "consistency", losses.consistency());
    return new Losses(losses.total(), parts);
  }

  /** The forward pass on a batch. */
  static DeemNetwork.Step step(
      DeemNetwork network, Recipe recipe, Scope scope, Batch batch, RandomSource random) {
    return step(network, recipe, scope, batch, DeemNetwork.Known.NOTHING, random);
  }

  private static DeemNetwork.Step step(
      DeemNetwork network,
      Recipe recipe,
      Scope scope,
      Batch batch,
      DeemNetwork.Known known,
      RandomSource random) {
    DeemNetwork.Options options =
        new DeemNetwork.Options(
            batch.weights(recipe.losses()), recipe.normaliseTwice(), recipe.conditionDropout());
    return network.step(scope, batch.upload(scope, known), options, random);
  }

  private Batch batch(long position) throws IOException {
    if (loader == null || loader.position() != position) {
      close();
      loader = new BatchLoader(source, position, BatchLoader.Options.DEFAULT);
    }
    return loader.next();
  }

  private static void put(Map<String, Value> parts, String name, Value loss) {
    if (loss != null) {
      parts.put(name, loss);
    }
  }

  @Override
  public void close() {
    if (loader != null) {
      loader.broken().stream().map(BrokenItem::toString).forEach(broken::add);
      loader.close();
      loader = null;
    }
  }
}
