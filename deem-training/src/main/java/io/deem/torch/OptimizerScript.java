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
import java.util.Set;
import java.util.TreeMap;

/**
 * AdamW's arithmetic in libtorch: one script call updates all parameters that share a learning rate
 * and a weight decay. Holds the moments.
 */
public final class OptimizerScript implements AutoCloseable {

  // DJL gathers arguments of one such name to a list. The lists must be arguments: libtorch drops
  // as dead
  // code what changes the elements of a list that a script puts together itself.
  private static final String PARAMETERS = "p[]";
  private static final String GRADIENTS = "g[]";
  private static final String FIRST_MOMENTS = "m[]";
  private static final String SECOND_MOMENTS = "v[]";
  private static final String STEPS = "s[]";

  private static final String NORM =
      """
        def forward(self: __torch__.Block, g: List[Tensor]) -> Tensor:
          return torch.linalg_vector_norm(torch.stack(torch._foreach_norm(g)))
      """;

  private static final String ADAM_W =
      """
        def forward(self: __torch__.Block, h: Tensor, p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], s: List[Tensor]) -> Tensor:
          torch._foreach_mul_(g, float(h[0]))
          e = annotate(List[Tensor], [])
          torch._fused_adamw_(p, g, m, v, e, s, lr=float(h[1]), beta1=float(h[2]), beta2=float(h[3]), weight_decay=float(h[4]), eps=float(h[5]), amsgrad=False, maximize=False)
          torch._foreach_zero_(g)
          return h
      """;

  private final TorchSession session;
  private final PtNDManager manager;
  private final Map<String, Moments> moments = new TreeMap<>();

  /**
   * The numbers of one update.
   *
   * @param step counted from 1, for the bias corrections
   * @param clip the gradients are multiplied by this first
   */
  public record Update(
      double learningRate,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      long step,
      double clip) {}

  private record Moments(PtNDArray first, PtNDArray second) {}

  /** An optimiser of a session's parameters. */
  public OptimizerScript(TorchSession session) {
    this.session = session;
    this.manager = session.engine().root().newSubManager(session.engine().options().djlDevice());
  }

  /** The parameters that learn and that a gradient has reached, sorted. */
  public List<String> namesWithGradient() {
    List<String> names = new ArrayList<>();
    for (String name : session.trainableParams()) {
      PtNDArray gradient = JniUtils.getGradient(session.loaded(name));
      if (gradient != null) {
        gradient.close();
        names.add(name);
      }
    }
    return names;
  }

  /** The parameters that have moments. */
  public Set<String> namesWithMoments() {
    return moments.keySet();
  }

  /** The Euclidean norm of the gradients of these parameters together. */
  public double globalNorm(List<String> names) {
    if (names.isEmpty()) {
      return 0;
    }
    try (TorchScope scope = session.scope()) {
      List<PtNDArray> gradients = names.stream().map(name -> gradient(scope, name)).toList();
      return scope.call(TorchEngine.script(NORM), gradients).get(0).scalar();
    }
  }

  /** Updates these parameters in place and sets their gradients to zero. */
  public void adamW(List<String> names, Update update) {
    double[] numbers = {
      update.clip,
      update.learningRate,
      update.beta1,
      update.beta2,
      update.weightDecay,
      update.epsilon
    };
    try (TorchScope scope = session.scope()) {
      List<PtNDArray> arguments = new ArrayList<>();
      // The script reads these one by one, for which a GPU would have to be waited for.
      arguments.add((PtNDArray) scope.hostManager().create(numbers));
      PtNDArray step = (PtNDArray) scope.manager().create((float) update.step);
      step.setName(STEPS);
      for (String name : names) {
        Moments state = moments.computeIfAbsent(name, this::zeroMoments);
        arguments.add(alias(scope, name));
        arguments.add(gradient(scope, name));
        arguments.add(state.first);
        arguments.add(state.second);
        arguments.add(step);
      }
      scope.call(TorchEngine.script(ADAM_W), arguments);
    }
  }

  /** Adds the moments to a checkpoint: {@code m.NAME} and {@code v.NAME}. */
  public void write(SafetensorsWriter into) {
    moments.forEach(
        (name, state) -> {
          long[] shape = state.first.getShape().getShape();
          into.floats("m." + name, ElementType.F32, shape, state.first::toFloatArray);
          into.floats("v." + name, ElementType.F32, shape, state.second::toFloatArray);
        });
  }

  /** Replaces the moments of a parameter by saved ones. */
  public void restore(TensorSource saved, String name) {
    Moments old = moments.remove(name);
    if (old != null) {
      free(old);
    }
    Shape shape = session.loaded(name).getShape();
    moments.put(
        name,
        new Moments(
            moment(create(saved.floats("m." + name, shape.getShape()), shape), FIRST_MOMENTS),
            moment(create(saved.floats("v." + name, shape.getShape()), shape), SECOND_MOMENTS)));
  }

  @Override
  public void close() {
    manager.close();
    moments.clear();
  }

  private Moments zeroMoments(String name) {
    Shape shape = session.loaded(name).getShape();
    return new Moments(
        moment((PtNDArray) manager.zeros(shape), FIRST_MOMENTS),
        moment((PtNDArray) manager.zeros(shape), SECOND_MOMENTS));
  }

  private PtNDArray create(float[] values, Shape shape) {
    return (PtNDArray) manager.create(values, shape);
  }

  private static void free(Moments state) {
    state.first.close();
    state.second.close();
  }

  private PtNDArray gradient(TorchScope scope, String name) {
    PtNDArray gradient = gradient(session, scope, name);
    gradient.setName(GRADIENTS);
    return gradient;
  }

  private PtNDArray alias(TorchScope scope, String name) {
    PtNDArray alias = alias(session, scope, name);
    alias.setName(PARAMETERS);
    return alias;
  }

  /**
   * A parameter's gradient, to be changed in place. If none has reached it since the weights were
   * loaded it is zero: a run that is resumed must not differ from one that has zeros there.
   */
  static PtNDArray gradient(TorchSession session, TorchScope scope, String name) {
    PtNDArray param = session.loaded(name);
    PtNDArray gradient = JniUtils.getGradient(param);
    if (gradient == null) {
      return (PtNDArray) scope.manager().zeros(param.getShape(), param.getDataType());
    }
    gradient.attach(scope.manager());
    return gradient;
  }

  /**
   * The parameter's memory as a tensor that wants no gradient, so that it may be changed in place.
   */
  static PtNDArray alias(TorchSession session, TorchScope scope, String name) {
    PtNDArray alias = JniUtils.detachGradient(session.loaded(name));
    alias.attach(scope.manager());
    return alias;
  }

  private PtNDArray moment(PtNDArray array, String list) {
    array.setName(list);
    return array;
  }
}
