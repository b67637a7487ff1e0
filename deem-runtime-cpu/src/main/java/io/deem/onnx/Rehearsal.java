package io.deem.onnx;

import io.deem.DiffusionSampler;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Perceiver;
import io.deem.Prompt;
import io.deem.RedrawOptions;
import io.deem.Region;
import io.deem.generation.GenerationConfig;
import io.deem.generation.GenerationListener;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.model.ModelFolder;
import io.deem.model.VisualTokenizer;
import io.deem.perception.EncodedImages;
import io.deem.perception.InterleavedText;
import io.deem.perception.NetworkPerceiver;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Makes a model do once all that a perceiver can do. Blocks are made when a network first runs with
 * a size; after this there is none that a perceiver lacks, but for pictures of other sizes than the
 * model's own.
 */
final class Rehearsal {

  /** Caches grow by as many places: a prompt of one less has them grow with the second token. */
  private static final int ROOM = 64;

  private static final int TOKENS = 4;
  private static final double GUIDED = 2;
  private static final double NOT_GUIDED = 1;
  private static final GenerationOptions SHORT = GenerationOptions.defaults().withMaxNewTokens(2);

  private final Session session;
  private final ModelFolder model;
  private final Image picture;
  private final Image region;

  private Rehearsal(Session session, ModelFolder model) {
    this.session = session;
    this.model = model;
    int size = model.description().architecture().imageSize();
    this.picture = picture(size);
    this.region = picture.region(Region.box(0, 0, size, Math.max(1, size / 2)));
  }

  static void of(Session session, ModelFolder model) {
    Rehearsal rehearsal = new Rehearsal(session, model);
    rehearsal.talk();
    rehearsal.draw();
    for (int beams = 1; beams <= 2; beams++) {
      rehearsal.write(0, beams);
      rehearsal.write(1, beams);
    }
  }

  private static Image picture(int size) {
    byte[] rgb = new byte[Math.multiplyExact(size * 3, size)];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * 31 % 251);
    }
    return Image.ofRgb(size, size, rgb);
  }

  private Perceiver perceiver() {
    return new NetworkPerceiver(session, model, EncodedImages.NONE);
  }

  private void talk() {
    Perceiver perceiver = perceiver();
    perceiver.describe(picture, SHORT);
    perceiver.describe(region, SHORT);
    perceiver.choose(picture, "?", List.of("a", "a b"));
    perceiver.reply(List.of(), Prompt.of("?"), SHORT, piece -> {});
    perceiver.reply(List.of(), Prompt.of(picture).image(region).text("?"), SHORT, piece -> {});
  }

  private void draw() {
    Perceiver perceiver = perceiver();
    perceiver.fidelity(picture);
    perceiver.fidelity(region);
    for (double guidance : new double[] {NOT_GUIDED, GUIDED}) {
      RedrawOptions redraw = RedrawOptions.defaults().withSteps(1).withGuidanceScale(guidance);
      perceiver.redraw(picture, redraw);
      perceiver.redraw(region, redraw);
      ImagineOptions imagine = ImagineOptions.defaults().withSteps(1).withGuidanceScale(guidance);
      perceiver.imagine(Prompt.of("a"), imagine);
      perceiver.imagine(Prompt.of(picture).text("a"), imagine);
    }
    for (DiffusionSampler sampler : DiffusionSampler.values()) {
      perceiver.imagine(
          Prompt.of("a"), ImagineOptions.defaults().withSteps(2).withSampler(sampler));
    }
  }

  /** Generates past the first token, at which a perceiver's text may happen to end. */
  private void write(int images, int beams) {
    DeemNetwork network = model.network();
    InterleavedBatch.Special special = network.config().special();
    int head = 1 + images * (1 + special.tokensPerImage());
    int[] prompt = new int[(head / ROOM + 1) * ROOM - 1];
    Arrays.fill(prompt, special.beginning());
    if (images > 0) {
      prompt[1] = special.imageStart();
      Arrays.fill(prompt, 2, 2 + special.tokensPerImage(), special.image());
    }
    List<int[]> prompts = Collections.nCopies(beams, prompt);
    int size = network.config().imageSize();
    GenerationConfig config =
        GenerationConfig.builder()
            .maxNewTokens(TOKENS)
            .numBeams(beams)
            .padId(special.padding())
            .build();
    try (Scope scope = session.scope()) {
      InterleavedText.Sight sight = null;
      if (images > 0) {
        float[] pixels = new float[beams * 3 * size * size];
        VisualTokenizer.Tokens seen =
            network.eyes().forward(scope, scope.floats(pixels, beams, 3, size, size), null);
        sight = InterleavedText.Sight.of(seen);
      }
      new InterleavedText(network)
          .generate(
              scope,
              new InterleavedBatch(special, prompts, InterleavedBatch.Padding.LEFT),
              sight,
              config,
              GenerationListener.NONE);
    }
  }
}
