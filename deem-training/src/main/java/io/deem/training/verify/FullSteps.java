package io.deem.training.verify;

import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.ImageConditions;
import io.deem.model.InterleavedBatch;
import io.deem.model.LatentDiffusion;
import io.deem.model.VisualTokenizer;
import io.deem.verify.CompleteModel;
import io.deem.verify.Reference;
import io.deem.verify.Replay;
import io.deem.verify.Tolerance;
import java.util.Arrays;
import java.util.List;

/** Every intermediate result of a training step against the stored ones. */
final class FullSteps {

  private static final String MID = "A.mid.";

  /** The map whose pixels are the encoder's tokens. */
  private static final int TOKEN_MAP = 2;

  private static final long IGNORED = -100;

  private final DeemNetwork network;
  private final DeemNetwork.Example example;
  private final Replay replay;

  FullSteps(DeemNetwork network, DeemNetwork.Example example, Replay replay) {
    this.network = network;
    this.example = example;
    this.replay = replay;
  }

  void compare(DeemNetwork.Step step) {
    text();
    seen(step.seen());
    reading(step.reading());
    conditions(step.prediction());
    denoising("sniffer_", step.feedback());
    denoising("imgdec_", step.prediction().denoising());
    images();
  }

  private void text() {
    InterleavedBatch batch = example.batch();
    Reference reference = replay.reference();
    long[] counts = CompleteModel.imagesOfRows(batch);
    reference.ids("num_image_per_seq", counts, counts.length);
    reference.output(
        MID + "cross_attention_mask",
        batch.visible(),
        batch.rows(),
        batch.length(),
        batch.imagesPerRow());
    targets(MID + "gt_text_ids", batch, example.targets(), reference);
    InterleavedBatch.ImageContexts contexts = batch.imageContexts();
    int images = batch.images();
    reference.ids(MID + "context_attention_mask", contexts.mask(), images, contexts.longest());
    long[] begins = batch.startPlaces();
    for (int i = 0; i < images; i++) {
      begins[i] = begins[i] % batch.length() - contexts.lengths()[i] + 1;
    }
    reference.ids("nearest_bos_idxs", begins, images);
  }

  /** Compares targets in the reference's layout: for each token the next one, or -100. */
  static void targets(
      String name,
      InterleavedBatch batch,
      InterleavedBatch.TextTargets targets,
      Reference reference) {
    int width = batch.length() - 1;
    long[] ids = new long[batch.rows() * width];
    Arrays.fill(ids, IGNORED);
    for (int i = 0; i < targets.places().length; i++) {
      int place = Math.toIntExact(targets.places()[i]);
      ids[place / batch.length() * width + place % batch.length()] = targets.targets()[i];
    }
    reference.ids(name, ids, batch.rows(), width);
  }

  private void seen(VisualTokenizer.Tokens seen) {
    replay.output(MID + "vis_embed", seen.tokens());
    replay.output(MID + "visual_perceiver", seen.read());
    replay.output(MID + "sniffer_unet_cond", seen.condition());
    List<Value> maps = seen.maps();
    for (int i = 0; i < maps.size(); i++) {
      corner(MID + "multiscale_" + i, maps.get(i));
    }
    Value tokens = maps.get(TOKEN_MAP);
    replay.output(
        MID + "image_embeds",
        replay
            .scope()
            .run1(
                Graph.block(
                    "pixels of a map",
                    g ->
                        List.of(
                            g.input("map", Shape.of(tokens.shape()))
                                .flatten(2, 3)
                                .transpose(1, 2))),
                tokens));
  }

  private void reading(DeemNetwork.Reading reading) {
    replay.output(MID + "mm_embeds", reading.embedded());
    replay.output(MID + "mmfs_features_mm", reading.images().features());
    real(MID + "mm_last_hidden_state", reading.stream());
    real(MID + "text_logits", network.language().head().logits(replay.scope(), reading.stream()));
  }

  private void conditions(DeemNetwork.Prediction prediction) {
    ImageConditions.Conditions conditions = prediction.conditions();
    int images = conditions.visible().length;
    replay.output(MID + "context_features", conditions.context());
    replay.output(MID + "imgdec_perceiver", conditions.tokens());
    replay.output(MID + "imgdec_unet_cond", prediction.told());
    replay.reference().ids(MID + "imgdec_mmfs_mask", conditions.visible(), images, 1);
    Value map = conditions.maps().get(TOKEN_MAP);
    String name = MID + "imgdec_mmfs_feature_" + TOKEN_MAP;
    replay.reference().output(name, map.floats(), replay.io().info(name).shape());
  }

  private void denoising(String part, LatentDiffusion.Denoising denoising) {
    String prefix = MID + part;
    long[] timesteps = Arrays.stream(denoising.draws().timesteps()).asLongStream().toArray();
    replay.reference().ids(prefix + "timesteps", timesteps, timesteps.length);
    replay.output(prefix + "noisy_latents", denoising.noised().latents());
    replay.output(prefix + "unet_pred", denoising.predicted());
    replay.output(prefix + "sd_loss", denoising.error());
  }

  /** The decoder's first image as it is after both normalisations. */
  private void images() {
    Scope scope = replay.scope();
    LatentDiffusion diffusion = network.diffusion();
    Value twice = diffusion.centred(scope, diffusion.centred(scope, example.drawn()));
    corner("A.image_tensors_dec_after_image0", twice);
  }

  /** Compares the tokens that are no padding. */
  private void real(String name, Value value) {
    boolean[][] real = example.batch().real();
    int width = (int) value.shape()[2];
    int length = real[0].length;
    replay
        .reference()
        .floats(
            name,
            Tolerance.OUTPUT,
            i -> real[i / width / length][i / width % length],
            value.floats(),
            value.shape());
  }

  /** Of large tensors the first rows and columns of the first images are stored. */
  private void corner(String name, Value value) {
    long[] stored = replay.io().info(name).shape();
    long[] shape = value.shape().clone();
    float[] all = value.floats();
    float[] corner = all;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      corner = first(corner, shape, axis, stored[axis]);
      shape[axis] = Math.min(shape[axis], stored[axis]);
    }
    replay.reference().output(name, corner, shape);
  }

  /** The first places along an axis. */
  private static float[] first(float[] values, long[] shape, int axis, long count) {
    if (count >= shape[axis]) {
      return values;
    }
    int inner = 1;
    for (int i = axis + 1; i < shape.length; i++) {
      inner *= (int) shape[i];
    }
    int from = inner * (int) shape[axis];
    int to = inner * (int) count;
    float[] kept = new float[values.length / from * to];
    for (int i = 0; i < values.length / from; i++) {
      System.arraycopy(values, i * from, kept, i * to, to);
    }
    return kept;
  }
}
