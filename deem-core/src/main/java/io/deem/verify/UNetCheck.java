package io.deem.verify;

import io.deem.graph.Engine;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.TrainingScope;
import io.deem.graph.TrainingSession;
import io.deem.graph.Value;
import io.deem.model.MmfsNet;
import io.deem.model.UNet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/**
 * The denoiser, by itself and with the features of images, and the gradients of the latter: of the
 * weights, the latents, the condition and the features.
 */
final class UNetCheck implements FixtureCheck {

  private static final String UNET = "unet.";
  private static final String MMFS = "mmfs_module.";
  private static final Set<String> ATTENDING = Set.of("CrossAttnDownBlock2D", "CrossAttnUpBlock2D");
  private static final Set<String> PLAIN = Set.of("DownBlock2D", "UpBlock2D");
  private static final long SCALAR_TIMESTEP = 500;
  private static final long RECTANGLE_TIMESTEP = 3;

  @Override
  public String kind() {
    return "unet";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("plain/sample", "plain/time_emb", "mmfs/mmfs_feature_0", "mmfs/out");
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Reference reference = report.against(fixture.io(), engine.name());
    Sizes sizes = new Sizes(fixture.config());
    UNet unet = new UNet(unetConfig(sizes.section("unet")), UNET);
    MmfsNet mmfs = new MmfsNet(mmfsConfig(unet.config(), sizes.section("mmfs")), MMFS);
    try (Session session = engine.open(fixture.weights())) {
      try (Scope scope = session.scope()) {
        Replay replay = new Replay(fixture.io(), scope, reference);
        plain(unet, replay);
        withFeatures(unet, mmfs, replay);
      }
      if (session instanceof TrainingSession training && fixture.has("mmfs/cotangent")) {
        training.trainable(name -> true);
        try (TrainingScope scope = training.trainingScope()) {
          gradients(unet, mmfs, new Replay(fixture.io(), scope, reference), scope);
        }
      }
    }
  }

  private static void plain(UNet unet, Replay replay) {
    Scope scope = replay.scope();
    Value sample = replay.floats("plain/sample");
    Value context = replay.floats("plain/encoder_hidden_states");
    UNet.Output output = unet.forward(scope, sample, replay.longs("plain/timesteps"), context);
    replay.output("plain/time_proj", output.timeProjection());
    replay.output("plain/time_emb", output.timeEmbedding());
    for (int i = 0; i < output.downs().size(); i++) {
      replay.output("plain/block.down_" + i, output.downs().get(i));
    }
    replay.output("plain/block.mid", output.features().mid());
    for (int i = 0; i < output.ups().size(); i++) {
      replay.output("plain/block.up_" + i, output.ups().get(i));
    }
    replay.output("plain/out", output.sample());
    if (replay.io().contains("plain/out_scalar_t500")) {
      int batch = Math.toIntExact(sample.shape()[0]);
      long[] times =
          Collections.nCopies(batch, SCALAR_TIMESTEP).stream().mapToLong(t -> t).toArray();
      Value timesteps = scope.longs(times, batch);
      replay.output(
          "plain/out_scalar_t500", unet.forward(scope, sample, timesteps, context).sample());
    }
    if (replay.io().contains("plain/rect_sample")) {
      Value rectangle = replay.floats("plain/rect_sample");
      Value first = firstRow(scope, context);
      Value timesteps = scope.longs(new long[] {RECTANGLE_TIMESTEP}, 1);
      replay.output("plain/rect_out_t3", unet.forward(scope, rectangle, timesteps, first).sample());
    }
  }

  private static Value firstRow(Scope scope, Value context) {
    int length = Math.toIntExact(context.shape()[1]);
    int width = Math.toIntExact(context.shape()[2]);
    float[] row = java.util.Arrays.copyOf(context.floats(), length * width);
    return scope.floats(row, 1, length, width);
  }

  private static void withFeatures(UNet unet, MmfsNet mmfs, Replay replay) {
    UNet.Output output = forward(unet, mmfs, replay, inputs(replay));
    for (int i = 0; i < output.features().skips().size(); i++) {
      replay.output("mmfs/res_in_" + i, output.features().skips().get(i));
      replay.output("mmfs/res_out_" + i, output.adjusted().skips().get(i));
    }
    replay.output("mmfs/mid_in", output.features().mid());
    replay.output("mmfs/mid_out", output.adjusted().mid());
    replay.output("mmfs/out", output.sample());
  }

  private static void gradients(UNet unet, MmfsNet mmfs, Replay replay, TrainingScope scope) {
    Inputs inputs = inputs(replay);
    Value out = forward(unet, mmfs, replay, inputs).sample();
    Value cotangent =
        scope.floats(
            replay.io().floats("mmfs/cotangent"), replay.io().info("mmfs/cotangent").shape());
    scope.backward(out, cotangent, false);
    replay.gradient("mmfs/grad_sample", scope, inputs.sample());
    replay.gradient("mmfs/grad_encoder_hidden_states", scope, inputs.context());
    for (int i = 0; i < inputs.features().size(); i++) {
      replay.gradient("mmfs/grad_mmfs_feature_" + i, scope, inputs.features().get(i));
    }
    replay.parameterGradients("mmfs/grad.", scope);
  }

  /** What the network with features reads. */
  private record Inputs(
      Value sample, Value timesteps, Value context, List<Value> features, Value mask) {}

  private static Inputs inputs(Replay replay) {
    List<Value> features = new ArrayList<>();
    for (int i = 0; replay.io().contains("mmfs/mmfs_feature_" + i); i++) {
      features.add(replay.floats("mmfs/mmfs_feature_" + i));
    }
    return new Inputs(
        replay.floats("mmfs/sample"),
        replay.longs("mmfs/timesteps"),
        replay.floats("mmfs/encoder_hidden_states"),
        features,
        replay.longs("mmfs/mmfs_mask"));
  }

  private static UNet.Output forward(UNet unet, MmfsNet mmfs, Replay replay, Inputs inputs) {
    Scope scope = replay.scope();
    return unet.forward(
        scope,
        inputs.sample(),
        inputs.timesteps(),
        inputs.context(),
        maps -> mmfs.forward(scope, maps, inputs.features(), inputs.mask()));
  }

  // ---------------------------------------------------------------- sizes

  private static UNet.Config unetConfig(Sizes sizes) {
    List<Integer> widths = sizes.integers("block_out_channels");
    List<Boolean> attending = attending(sizes, "down_block_types");
    List<Boolean> mirrored = new ArrayList<>(attending(sizes, "up_block_types"));
    Collections.reverse(mirrored);
    if (!mirrored.equals(attending)) {
      throw new IllegalArgumentException(
          "config.json: up_block_types do not mirror down_block_types");
    }
    List<Integer> heads =
        sizes.has("attention_head_dim") && sizes.config().get("attention_head_dim").isJsonArray()
            ? sizes.integers("attention_head_dim")
            : Collections.nCopies(widths.size(), sizes.integer("attention_head_dim"));
    return new UNet.Config(
        sizes.integer("in_channels"),
        sizes.integer("out_channels"),
        widths,
        heads,
        attending,
        sizes.integer("cross_attention_dim"),
        sizes.integer("layers_per_block"),
        sizes.integer("norm_num_groups"),
        sizes.number("norm_eps"));
  }

  private static List<Boolean> attending(Sizes sizes, String name) {
    List<Boolean> attending = new ArrayList<>();
    for (String type : sizes.texts(name)) {
      if (!ATTENDING.contains(type) && !PLAIN.contains(type)) {
        throw new IllegalArgumentException("config.json: unknown type in " + name + ": " + type);
      }
      attending.add(ATTENDING.contains(type));
    }
    return attending;
  }

  private static MmfsNet.Config mmfsConfig(UNet.Config unet, Sizes sizes) {
    return new MmfsNet.Config(
        unet.blockOutChannels(),
        unet.layersPerBlock(),
        sizes.integer("input_channel"),
        sizes.integer("attn_dim"),
        sizes.integer("num_heads"),
        sizes.integer("n_points"),
        sizes.integer("max_num_image_per_seq"),
        sizes.integer("downsample_factor"),
        sizes.integers("spatial_shapes"));
  }
}
