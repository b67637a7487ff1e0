package io.deem.torch;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import io.deem.graph.Block;
import java.util.ArrayList;
import java.util.List;

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
   * @param leaves its results as others read them
   * @param recorded its results with their graph; null if they are to be computed again
   */
  private record Segment(
      Block block,
      PtSymbolBlock script,
      List<PtNDArray> arguments,
      List<PtNDArray> leaves,
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

  /** Runs a block; it is recorded only if a gradient can reach something that it reads. */
  List<PtNDArray> run(Block block, PtSymbolBlock script, List<PtNDArray> arguments) {
    boolean learns = arguments.stream().anyMatch(JniUtils::requiresGrad);
    List<PtNDArray> results = scope.execute(script, arguments, learns && !again);
    if (!learns) {
      return results;
    }
    List<PtNDArray> leaves = again ? results : results.stream().map(this::cut).toList();
    leaves.stream()
        .filter(leaf -> leaf.getDataType().isFloating())
        .forEach(leaf -> JniUtils.attachGradient(leaf, true));
    segments.add(new Segment(block, script, arguments, leaves, again ? null : results));
    return leaves;
  }

  /** Runs the backward pass from a value of this tape, then forgets everything. */
  void backward(PtNDArray value, PtNDArray cotangent, BlockListener listener) {
    JniUtils.backward(value, cotangent, false, false);
    for (int i = segments.size() - 1; i >= 0; i--) {
      Segment segment = segments.remove(i);
      long start = System.nanoTime();
      if (pass(segment)) {
        listener.ran(segment.block, true, System.nanoTime() - start);
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
      PtNDArray leaf = segment.leaves.get(i);
      PtNDArray gradient = JniUtils.requiresGrad(leaf) ? JniUtils.getGradient(leaf) : null;
      if (gradient != null) {
        gradient.attach(scope.manager());
        gradients.add(gradient);
        reached.add(i);
      }
    }
    if (reached.isEmpty()) {
      return false;
    }
    List<PtNDArray> results =
        again ? scope.execute(segment.script, segment.arguments, true) : segment.recorded;
    List<PtNDArray> roots = new ArrayList<>();
    List<PtNDArray> cotangents = new ArrayList<>();
    for (int i = 0; i < reached.size(); i++) {
      PtNDArray root = results.get(reached.get(i));
      if (JniUtils.requiresGrad(root)) {
        roots.add(root);
        cotangents.add(gradients.get(i));
      }
    }
    if (roots.size() == 1) {
      JniUtils.backward(roots.get(0), cotangents.get(0), false, false);
    } else if (!roots.isEmpty()) {
      backward(roots, cotangents);
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
