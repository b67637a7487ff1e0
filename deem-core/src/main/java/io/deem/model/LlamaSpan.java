package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** Consecutive layers of {@link LlamaDecoder} that are one block. */
final class LlamaSpan {

  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim LENGTH = Dim.symbol("length");
  private static final Dim PAST = Dim.symbol("past");
  private static final Dim IMAGES = Dim.symbol("images");

  /** Extent of tables that are either the batch's or shared by all its rows. */
  private static final Dim ROWS = Dim.symbol("rows");

  /**
   * What a block of the layers is given and returns.
   *
   * @param masked it is given a mask, which is added to the scores
   * @param continued it is given the keys and values of earlier tokens
   * @param roomy those have room, in which it writes its own; it is given the places too
   * @param kept it returns keys and values, and the projected images if there are any
   * @param images it is given images: features, or if continued what an earlier block made of them;
   *     and which token sees which, or if continued without room, which all of them see
   */
  record Form(boolean masked, boolean continued, boolean roomy, boolean kept, boolean images) {}

  private final LlamaDecoder.Config config;
  private final List<LlamaLayer> layers;
  private final Map<Form, Block> blocks = new ConcurrentHashMap<>();

  LlamaSpan(LlamaDecoder.Config config, List<LlamaLayer> layers) {
    this.config = config;
    this.layers = List.copyOf(layers);
  }

  List<LlamaLayer> layers() {
    return layers;
  }

  boolean seesImages() {
    return layers.stream().anyMatch(LlamaLayer::seesImages);
  }

  /**
   * The block of a form.
   *
   * <p>It takes the stream, cosines and sines; then, as far as its form has them, the mask, each
   * layer's keys and values, the places, the images' features or what each layer that looks at them
   * has made of them, and which are visible. It returns the stream; then, if kept, each layer's
   * keys and values, and, unless continued, what each layer has made of the images.
   */
  Block block(Form form) {
    return blocks.computeIfAbsent(form, f -> Graph.block(name(), g -> build(g, f)));
  }

  private String name() {
    String first = layers.get(0).prefix() + "forward";
    String last = layers.get(layers.size() - 1).prefix() + "forward";
    return layers.size() == 1 ? first : first + " to " + last;
  }

  List<Param> params() {
    return plain().params();
  }

  List<Param> matrices() {
    return plain().matrices();
  }

  private Block plain() {
    return block(new Form(false, false, false, false, seesImages()));
  }

  private List<Tensor> build(Graph g, Form form) {
    Tensor x = g.input("stream", Shape.of(BATCH, LENGTH, config.width()));
    Tensor cos = g.input("cos", Shape.of(ROWS, LENGTH, config.headWidth() / 2));
    Tensor sin = g.input("sin", Shape.of(ROWS, LENGTH, config.headWidth() / 2));
    Dim keys = form.roomy ? PAST : form.continued ? PAST.plus(LENGTH) : LENGTH;
    Tensor mask = form.masked ? g.input("mask", Shape.of(BATCH, 1, LENGTH, keys)) : null;
    List<LlamaLayer.Past> pasts = new ArrayList<>();
    if (form.continued) {
      Shape past = Shape.of(BATCH, config.keyHeads(), PAST, config.headWidth());
      for (int i = 0; i < layers.size(); i++) {
        pasts.add(new LlamaLayer.Past(g.input("past keys", past), g.input("past values", past)));
      }
    }
    Tensor places = form.roomy ? g.input("places", Shape.of(LENGTH), DataType.INT64) : null;
    List<Tensor> projected = form.images ? images(g, form) : List.of();
    Tensor visible = form.images ? visible(g, form) : null;

    LlamaLayer.Common common = new LlamaLayer.Common(cos, sin, mask, places, visible);
    List<Tensor> kept = new ArrayList<>();
    int seeing = 0;
    for (int i = 0; i < layers.size(); i++) {
      LlamaLayer layer = layers.get(i);
      boolean sees = form.images && layer.seesImages();
      LlamaLayer.Outcome outcome =
          layer.apply(
              x,
              common,
              form.continued ? pasts.get(i) : null,
              sees ? projected.get(seeing++) : null);
      x = outcome.stream();
      kept.add(outcome.keys());
      kept.add(outcome.values());
    }
    List<Tensor> results = new ArrayList<>(List.of(x));
    if (form.kept) {
      results.addAll(kept);
      if (!form.continued) {
        results.addAll(projected);
      }
    }
    return results;
  }

  /** What each layer that looks at images is given. */
  private List<Tensor> images(Graph g, Form form) {
    List<LlamaLayer> seeing =
        layers.stream().filter(LlamaLayer::seesImages).collect(Collectors.toList());
    List<Tensor> projected = new ArrayList<>();
    Tensor features = form.continued ? null : seeing.get(0).imageInput(g);
    for (LlamaLayer layer : seeing) {
      projected.add(
          form.continued
              ? g.input("projected images", layer.projectedImages())
              : layer.projectImages(features));
    }
    return projected;
  }

  private static Tensor visible(Graph g, Form form) {
    Shape shape =
        form.continued && !form.roomy ? Shape.of(BATCH, IMAGES) : Shape.of(BATCH, LENGTH, IMAGES);
    return g.input("visible images", shape);
  }
}
