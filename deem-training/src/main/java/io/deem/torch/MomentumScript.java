package io.deem.torch;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Gradient descent with momentum in libtorch: one script call updates all parameters. Holds the
 * momenta.
 */
public final class MomentumScript implements AutoCloseable {

  // DJL gathers arguments of one such name to a list; see OptimizerScript.
  private static final String PARAMETERS = "p[]";
  private static final String GRADIENTS = "g[]";
  private static final String MOMENTA = "m[]";

  private static final String SCRIPT =
      """
        def forward(self: __torch__.Block, h: Tensor, p: List[Tensor], g: List[Tensor], m: List[Tensor]) -> Tensor:
          torch._foreach_mul_(g, float(h[0]))
          torch._foreach_mul_(m, float(h[2]))
          torch._foreach_add_(m, g)
          torch._foreach_add_(p, m, alpha=-float(h[1]))
          torch._foreach_zero_(g)
          return h
      """;

  private final TorchSession session;
  private final PtNDManager manager;
  private final Map<String, PtNDArray> momenta = new TreeMap<>();

  /** An optimiser of a session's parameters. */
  public MomentumScript(TorchSession session) {
    this.session = session;
    this.manager = (PtNDManager) session.engine().root().newSubManager();
  }

  /**
   * Changes these parameters in place, {@code m = momentum * m + clip * g; p = p - rate * m}, and
   * sets their gradients to zero.
   *
   * @param names at least one, each with a gradient
   */
  public void update(List<String> names, double learningRate, double momentum, double clip) {
    try (TorchScope scope = session.scope()) {
      List<PtNDArray> arguments = new ArrayList<>();
      double[] numbers = {clip, learningRate, momentum};
      arguments.add((PtNDArray) scope.manager().create(numbers));
      for (String name : names) {
        arguments.add(named(scope, JniUtils.detachGradient(session.loaded(name)), PARAMETERS));
        arguments.add(named(scope, JniUtils.getGradient(session.loaded(name)), GRADIENTS));
        arguments.add(momenta.computeIfAbsent(name, this::zero));
      }
      scope.call(TorchEngine.script(SCRIPT), arguments);
    }
  }

  /** Adds the momenta to a checkpoint: {@code m.NAME}. */
  public void write(SafetensorsWriter into) {
    momenta.forEach(
        (name, momentum) ->
            into.floats(
                "m." + name,
                ElementType.F32,
                momentum.getShape().getShape(),
                momentum::toFloatArray));
  }

  /** Replaces the momenta by saved ones. */
  public void restore(TensorSource saved) {
    momenta.values().forEach(PtNDArray::close);
    momenta.clear();
    for (String key : saved.names()) {
      if (key.startsWith("m.")) {
        String name = key.substring(2);
        Shape shape = session.loaded(name).getShape();
        PtNDArray momentum = (PtNDArray) manager.create(saved.floats(key, shape.getShape()), shape);
        momentum.setName(MOMENTA);
        momenta.put(name, momentum);
      }
    }
  }

  @Override
  public void close() {
    manager.close();
    momenta.clear();
  }

  private PtNDArray zero(String name) {
    PtNDArray momentum = (PtNDArray) manager.zeros(session.loaded(name).getShape());
    momentum.setName(MOMENTA);
    return momentum;
  }

  private static PtNDArray named(TorchScope scope, PtNDArray array, String list) {
    array.attach(scope.manager());
    array.setName(list);
    return array;
  }
}
