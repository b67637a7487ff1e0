package io.deem.torch;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import io.deem.graph.Block;
import io.deem.graph.Op;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * The blocks of a step in the order in which they ran, for a backward pass that goes from the last
 * to the first.
 *
 * <p>What a block returns is cut off from how it was computed: it is a leaf that gathers a
 * gradient. When the backward pass reaches a block, everything that reads its results has been
 * passed already, so that their gradients are complete; they are handed to the block's own graph,
 * which adds to the gradients of its parameters and of the leaves that it read.
 */
final class GradientTape {

  /**
   * The scalar whose gradient by each result is exactly the cotangent given with it. A script has
   * no other way to run a backward pass from several results at once.
   */
  private static final String DOT =
      """
        def forward(self: __torch__.Block, r: List[Tensor], g: List[Tensor]) -> Tensor:
          s = torch.sum(torch.mul(r[0], g[0]))
          for i in range(1, torch.len(r)):
            s = torch.add(s, torch.sum(torch.mul(r[i], g[i])))
          return s
      """;

  /**
   * A block that ran.
   *
   * @param leaves those of its results that learn, as others read them
   * @param places of these among its results
   * @param recorded its results with their graph; null if they are to be computed again
   */
  private record Segment(
      TorchSession.Compiled compiled,
      List<PtNDArray> arguments,
      List<PtNDArray> leaves,
      List<Integer> places,
      List<PtNDArray> recorded) {}

  private final TorchScope scope;
  private final boolean again;
  private final List<Segment> segments = new ArrayList<>();

  /**
   * An empty tape.
   *
   * @param again whether blocks are computed again for the backward pass
   */
  GradientTape(TorchScope scope, boolean again) {
    this.scope = scope;
    this.again = again;
  }

  /**
   * Runs a block; it is recorded only if a gradient can reach something that it reads.
   *
   * @param arguments its inputs first
   * @param trainable which parameters learn
   */
  List<PtNDArray> run(
      TorchSession.Compiled compiled, List<PtNDArray> arguments, Predicate<String> trainable) {
    Block block = compiled.block();
    if (again && block.nodes().stream().anyMatch(node -> node.op() == Op.DROPOUT_AT_RATE)) {
      throw new UnsupportedOperationException(
          "the block " + block.name() + " draws in libtorch, so it cannot be computed again");
    }
    List<Boolean> learningInputs =
        arguments.subList(0, block.inputs().size()).stream().map(JniUtils::requiresGrad).toList();
    Set<Tensor> learning = block.learning(learningInputs, trainable);
    List<Integer> places =
        IntStream.range(0, block.outputs().size())
            .filter(i -> learning.contains(block.outputs().get(i)))
            .boxed()
            .toList();
    boolean records = !places.isEmpty();
    List<PtNDArray> results = scope.execute(compiled, arguments, records && !again);
    if (!records) {
      return results;
    }
    List<PtNDArray> values = again ? results : results.stream().map(this::cut).toList();
    List<PtNDArray> leaves = places.stream().map(values::get).toList();
    leaves.forEach(leaf -> JniUtils.attachGradient(leaf, true));
    segments.add(new Segment(compiled, arguments, leaves, places, again ? null : results));
    return values;
  }

  /** Runs the backward pass from a value of this tape, then forgets everything. */
  void backward(PtNDArray value, PtNDArray cotangent, BlockListener listener) {
    JniUtils.backward(value, cotangent, false, false);
    for (int i = segments.size() - 1; i >= 0; i--) {
      Segment segment = segments.remove(i);
      long start = System.nanoTime();
      if (pass(segment)) {
        listener.ran(segment.compiled.block(), true, System.nanoTime() - start);
      }
      if (again) {
        // Whoever read these results has been passed.
        segment.leaves.forEach(PtNDArray::close);
      }
    }
  }

  private boolean pass(Segment segment) {
    List<PtNDArray> gradients = new ArrayList<>();
    List<Integer> reached = new ArrayList<>();
    for (int i = 0; i < segment.leaves.size(); i++) {
      PtNDArray gradient = JniUtils.getGradient(segment.leaves.get(i));
      if (gradient != null) {
        gradient.attach(scope.manager());
        gradients.add(gradient);
        reached.add(segment.places.get(i));
      }
    }
    if (reached.isEmpty()) {
      return false;
    }
    List<PtNDArray> results =
        again ? scope.execute(segment.compiled, segment.arguments, true) : segment.recorded;
    List<PtNDArray> roots = reached.stream().map(results::get).toList();
    if (roots.size() == 1) {
      JniUtils.backward(roots.get(0), gradients.get(0), false, false);
    } else {
      backward(roots, gradients);
    }
    results.forEach(PtNDArray::close);
    gradients.forEach(PtNDArray::close);
    return true;
  }

  private void backward(List<PtNDArray> roots, List<PtNDArray> cotangents) {
    List<PtNDArray> arguments = new ArrayList<>();
    roots.forEach(root -> arguments.add(named(root, "r[]")));
    cotangents.forEach(cotangent -> arguments.add(named(cotangent, "g[]")));
    PtNDArray dot = scope.execute(TorchEngine.script(DOT), arguments, true).get(0);
    try (PtNDArray one = (PtNDArray) scope.manager().ones(dot.getShape(), dot.getDataType())) {
      JniUtils.backward(dot, one, false, false);
    }
    dot.close();
  }

  private static PtNDArray named(PtNDArray array, String list) {
    array.setName(list);
    return array;
  }

  private PtNDArray cut(PtNDArray result) {
    PtNDArray leaf = JniUtils.detachGradient(result);
    leaf.attach(scope.manager());
    return leaf;
  }
}
