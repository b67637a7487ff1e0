package io.deem.training;

import io.deem.torch.EightBitMoments;
import io.deem.torch.OptimizerScript;
import io.deem.torch.TorchSession;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), and clipping by the global norm.
 *
 * <p>Parameters that no gradient has ever reached are left alone, without decay, as in PyTorch.
 */
public final class AdamW implements Optimizer {

  /** Bytes of a moment that is kept in 8 bits, with its share of the scale. */
  public static final double EIGHT_BIT_BYTES = EightBitMoments.BYTES;

  /**
   * The constants.
   *
   * @param beta1 decay of the first moment
   * @param beta2 decay of the second moment
   * @param epsilon added to the root of the corrected second moment
   * @param maxNorm gradients are scaled down to this global norm; 0 for no clipping
   */
  public record Config(double beta1, double beta2, double epsilon, double maxNorm) {
    /** The paper's first stage: 0.9, 0.995, 1e-6, norm 1. */
    public static final Config STAGE_1 = new Config(0.9, 0.995, 1e-6, 1);

    /** PyTorch's defaults, norm 1: 0.9, 0.999, 1e-8. */
    public static final Config DEFAULT = new Config(0.9, 0.999, 1e-8, 1);
  }

  private final TorchSession session;
  private final Config config;
  private final List<ParameterGroup> groups;
  private final Predicate<String> decays;
  private final OptimizerScript script;

  /** Null if all moments are in 32 bits. */
  private final EightBitMoments eightBit;

  private long step;

  /**
   * An optimiser for the parameters of a session that learn.
   *
   * @param groups decide learning rate and weight decay by name; the first match wins
   * @param layerNorms names of the parameters of layer norms; they and biases never decay
   */
  public AdamW(
      TorchSession session, Config config, List<ParameterGroup> groups, Set<String> layerNorms) {
    this(session, config, groups, decaying(Set.copyOf(layerNorms)::contains));
  }

  /**
   * An optimiser for the parameters of a session that learn.
   *
   * @param groups decide learning rate and weight decay by name; the first match wins
   * @param decays which parameters decay at all; see {@link #decaying}
   */
  public AdamW(
      TorchSession session, Config config, List<ParameterGroup> groups, Predicate<String> decays) {
    this(session, config, groups, decays, false);
  }

  /**
   * An optimiser for the parameters of a session that learn.
   *
   * @param groups decide learning rate and weight decay by name; the first match wins
   * @param decays which parameters decay at all; see {@link #decaying}
   * @param eightBitMoments whether the moments of all but small parameters are kept in 8 bits
   */
  public AdamW(
      TorchSession session,
      Config config,
      List<ParameterGroup> groups,
      Predicate<String> decays,
      boolean eightBitMoments) {
    this.session = session;
    this.config = config;
    this.groups = List.copyOf(groups);
    this.decays = decays;
    this.script = new OptimizerScript(session);
    this.eightBit = eightBitMoments ? new EightBitMoments(session) : null;
  }

  /**
   * The usual rule for weight decay: all but biases and layer norms.
   *
   * @param layerNorm whether a name is that of a layer norm's parameter
   */
  public static Predicate<String> decaying(Predicate<String> layerNorm) {
    return name -> !name.contains("bias") && !layerNorm.test(name);
  }

  /** Steps taken. */
  @Override
  public long steps() {
    return step;
  }

  /**
   * Changes every parameter by its gradient, then sets the gradients to zero.
   *
   * @param rateFactor multiplies every learning rate; see {@link LearningRateSchedule#factor}
   * @return the global norm of the gradients before clipping; if it is not finite, nothing changes
   */
  @Override
  public double step(double rateFactor) {
    List<String> names = names();
    double norm = script.globalNorm(names);
    if (!Double.isFinite(norm)) {
      session.clearGradients();
      return norm;
    }
    step++;
    double clip = config.maxNorm > 0 ? Math.min(1, config.maxNorm / (norm + 1e-6)) : 1;
    Map<Rate, List<String>> byRate = new LinkedHashMap<>();
    for (String name : names) {
      byRate.computeIfAbsent(rate(name), key -> new ArrayList<>()).add(name);
    }
    byRate.forEach((rate, members) -> update(members, rate, rateFactor, clip));
    return norm;
  }

  /** The parameters that a gradient has reached at any time, sorted. */
  private List<String> names() {
    Set<String> names = new TreeSet<>(script.namesWithGradient());
    names.addAll(script.namesWithMoments());
    if (eightBit != null) {
      names.addAll(eightBit.namesWithMoments());
    }
    names.retainAll(new HashSet<>(session.trainableParams()));
    return List.copyOf(names);
  }

  private void update(List<String> names, Rate rate, double rateFactor, double clip) {
    OptimizerScript.Update update =
        new OptimizerScript.Update(
            rate.learningRate * rateFactor,
            config.beta1,
            config.beta2,
            config.epsilon,
            rate.weightDecay,
            step,
            clip);
    Map<Boolean, List<String>> small =
        names.stream().collect(Collectors.partitioningBy(name -> !inEightBits(name)));
    if (!small.get(true).isEmpty()) {
      script.adamW(small.get(true), update);
    }
    if (!small.get(false).isEmpty()) {
      eightBit.adamW(small.get(false), update);
    }
  }

  private boolean inEightBits(String name) {
    if (eightBit == null) {
      return false;
    }
    long size = 1;
    for (long extent : session.param(name).shape()) {
      size *= extent;
    }
    return size >= EightBitMoments.SMALLEST;
  }

  @Override
  public void write(SafetensorsWriter into) {
    script.write(into);
    if (eightBit != null) {
      eightBit.write(into);
    }
  }

  /**
   * Continues from saved moments.
   *
   * @throws IllegalArgumentException if they are in 8 bits and these are not
   */
  @Override
  public void restore(TensorSource moments, long steps) {
    for (String key : moments.names()) {
      if (!key.startsWith("m.") || (key.endsWith(".scale") && moments.contains(scaled(key)))) {
        continue;
      }
      String name = key.substring(2);
      if (!EightBitMoments.has(moments, name)) {
        script.restore(moments, name);
      } else if (eightBit != null) {
        eightBit.restore(moments, name);
      } else {
        throw new IllegalArgumentException(moments.origin() + " has moments in 8 bits");
      }
    }
    step = steps;
  }

  private static String scaled(String key) {
    return key.substring(0, key.length() - ".scale".length());
  }

  @Override
  public void close() {
    script.close();
    if (eightBit != null) {
      eightBit.close();
    }
  }

  private Rate rate(String name) {
    ParameterGroup group = ParameterGroup.of(groups, name);
    return new Rate(group.learningRate(), decays.test(name) ? group.weightDecay() : 0);
  }

  private record Rate(double learningRate, double weightDecay) {}
}
