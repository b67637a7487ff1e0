package io.deem.training.verify;

import io.deem.graph.Engine;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.Freezing;
import io.deem.model.InterleavedBatch;
import io.deem.random.StoredDraws;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.AdamW;
import io.deem.training.ParameterGroup;
import io.deem.verify.CompleteModel;
import io.deem.verify.Fixture;
import io.deem.verify.FixtureCheck;
import io.deem.verify.Reference;
import io.deem.verify.Replay;
import io.deem.verify.Report;
import io.deem.verify.Sizes;
import io.deem.verify.Tolerance;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * The whole training step of a complete, reduced model: what freezes, the parameter groups, every
 * intermediate result, the losses, the gradients and the optimiser's steps.
 */
public final class DeemFullCheck implements FixtureCheck {

  /** One parameter has two names in checkpoints. */
  private static final String SHARED = "visual_tokenizer.neg_prompt_embeds";

  private static final String SHARED_AS = "image_decoder.neg_prompt_embeds";

  /** Data sets whose text counts only after an image. */
  private static final String IMAGE_FIRST = "dataset_to_ignore_noimage_cond_loss";

  /**
   * An update is about as large as the learning rate, at least 1e-5, so a wrong one shows. Adam
   * divides gradients by their own size: where one is little more than rounding, so is its update.
   */
  private static final Tolerance UPDATED = new Tolerance(4e-6, 0);

  /** Made by ServiceLoader. */
  public DeemFullCheck() {}

  @Override
  public String kind() {
    return "deem full";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("A.out.loss", "A.rand.sniffer.noise", "A.rand.imgdec.uncond_rand");
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    DeemNetwork network = new DeemNetwork(CompleteModel.of(fixture.config(), fixture.weights()));
    Runs runs = new Runs(network, fixture, engine, report);
    if (!(engine instanceof TorchEngine)) {
      runs.outputs();
      return;
    }
    freezing(fixture, report);
    groups(fixture, report);
    runs.first();
    runs.clipped();
    runs.regions();
    runs.normalisedOnce();
    runs.secondExample();
    runs.nothingFrozen();
  }

  // ---------------------------------------------------------------- names

  private static void freezing(Fixture fixture, Report report) {
    compare("trainable_pretrain", Freezing.PRETRAINING, fixture, report);
    compare("frozen_when_freeze_vfm", Freezing.EVERYTHING.negate(), fixture, report);
    compare("frozen_when_nothing_frozen", Freezing.NOTHING.negate(), fixture, report);
  }

  private static void compare(String list, Predicate<String> rule, Fixture fixture, Report report) {
    Set<String> actual = new TreeSet<>();
    for (String name : fixture.weights().names()) {
      boolean buffer = name.endsWith(".clip_mean") || name.endsWith(".clip_std");
      if (!buffer && !name.equals(SHARED_AS) && rule.test(name)) {
        actual.add(name);
      }
    }
    Set<String> expected = Set.copyOf(ConfigLists.names(fixture.config(), list));
    report.equal(list, "java", Set.of(), ConfigLists.difference(expected, actual));
  }

  private static void groups(Fixture fixture, Report report) {
    Predicate<String> decays = AdamW.decaying(Freezing::inLayerNorm);
    List<String> wrong = new ArrayList<>();
    for (Sizes group : optimizer(fixture).sections("groups")) {
      double rate = group.number("lr");
      double decay = group.number("weight_decay");
      for (String name : group.texts("names")) {
        ParameterGroup own = ParameterGroup.of(ParameterGroup.PRETRAINING, name);
        double ownDecay = decays.test(name) ? own.weightDecay() : 0;
        if (own.learningRate() != rate || ownDecay != decay) {
          wrong.add(name + " " + own.learningRate() + " " + ownDecay);
        }
      }
    }
    report.equal("optimizer.groups", "java", List.of(), wrong);
  }

  private static Sizes optimizer(Fixture fixture) {
    return new Sizes(fixture.config()).section("optimizer");
  }

  // ---------------------------------------------------------------- runs

  private static final class Runs {
    private static final String CLIPPED = "A.adamw_clipped_step1.";

    final DeemNetwork network;
    final Fixture fixture;
    final TensorSource io;
    final Engine engine;
    final Report report;
    final Reference reference;

    Runs(DeemNetwork network, Fixture fixture, Engine engine, Report report) {
      this.network = network;
      this.fixture = fixture;
      this.io = fixture.io();
      this.engine = engine;
      this.report = report;
      this.reference = report.against(io, engine.name());
    }

    /**
     * The model's own weights and dropout; SPEC section 9.6 has those of a model that says none.
     */
    private DeemNetwork.Options options(boolean normaliseTwice) {
      DeemNetwork.LossWeights paper = DeemNetwork.LossWeights.PAPER;
      Sizes model = new Sizes(fixture.config()).section("model");
      return new DeemNetwork.Options(
          new DeemNetwork.LossWeights(
              model.number("loss_txt_weight", paper.text()),
              model.number("loss_img_weight", paper.image()),
              model.number("loss_sniffer_weight", paper.consistency())),
          normaliseTwice,
          model
              .section("image_decoder_config")
              .number("uncond_prob", DeemNetwork.Options.PAPER.conditionDropout()));
    }

    private DeemNetwork.Options asReference() {
      return options(true);
    }

    /** Whether a fixture has a run beside the first one, which every fixture has. */
    private boolean stored(String run) {
      return io.contains(run + "out.loss");
    }

    /** What the forward pass gives, for an engine that has no other. */
    void outputs() {
      try (Session session = engine.open(fixture.weights())) {
        try (Scope scope = session.scope()) {
          firstStep(scope);
        }
        if (stored("B.")) {
          try (Scope scope = session.scope()) {
            secondStep(scope);
          }
        }
      }
      regions();
      normalisedOnce();
    }

    void first() {
      try (Session session = engine.open(fixture.weights())) {
        TorchSession training = training(session, Freezing.PRETRAINING);
        try (TrainingScope scope = training.trainingScope()) {
          scope.backward(firstStep(scope).total());
          gradients("A.grad.", scope);
        }
        for (String name : ConfigLists.names(fixture.config(), "trainable_without_grad_pretrain")) {
          boolean reached = training.trainableParams().contains(name);
          report.equal("no gradient reaches " + name, engine.name(), false, reached);
        }
        try (AdamW optimizer = adamW(training, 0)) {
          double norm = optimizer.step(1);
          reference.output("A.grad_norm", new float[] {(float) norm}, 1);
          parameters("A.adamw_step1.", training);
          repeatGradient(training);
          optimizer.step(1);
          parameters("A.adamw_step2.", training);
        }
      }
    }

    private DeemNetwork.Losses firstStep(Scope scope) {
      Replay replay = new Replay(io, scope, reference);
      DeemNetwork.Example example = example(replay, false);
      DeemNetwork.Step step = network.step(scope, example, asReference(), draws("A.rand."));
      new FullSteps(network, example, replay).compare(step);
      losses("A.", step.losses());
      return step.losses();
    }

    void clipped() {
      if (io.names().stream().noneMatch(name -> name.startsWith(CLIPPED))) {
        return;
      }
      try (Session session = engine.open(fixture.weights())) {
        TorchSession training = training(session, Freezing.PRETRAINING);
        backward(training, asReference());
        try (AdamW optimizer = adamW(training, 1)) {
          optimizer.step(1);
          parameters(CLIPPED, training);
        }
      }
    }

    void regions() {
      outcome("Amask.", true, asReference());
    }

    void normalisedOnce() {
      outcome("Anoinplace.", false, options(false));
    }

    void secondExample() {
      if (!stored("B.")) {
        return;
      }
      try (Session session = engine.open(fixture.weights())) {
        TorchSession training = training(session, Freezing.PRETRAINING);
        try (TrainingScope scope = training.trainingScope()) {
          scope.backward(secondStep(scope).total());
          gradients("B.grad.", scope);
        }
      }
    }

    private DeemNetwork.Losses secondStep(Scope scope) {
      Sizes run = new Sizes(fixture.config()).section("runB");
      Sizes model = new Sizes(fixture.config()).section("model");
      boolean onlyAfterImages =
          model.has(IMAGE_FIRST) && model.texts(IMAGE_FIRST).contains(run.text("dataset_name"));
      List<Integer> counted = run.integers("image_loss_mask");
      boolean[] imageLoss = new boolean[counted.size()];
      for (int i = 0; i < imageLoss.length; i++) {
        imageLoss[i] = counted.get(i) != 0;
      }
      DeemNetwork.LossWeights weights =
          new DeemNetwork.LossWeights(
              run.number("loss_txt_weight"),
              run.number("loss_img_weight"),
              run.number("loss_sniffer_weight"));
      Replay replay = new Replay(io, scope, reference);
      InterleavedBatch batch = batch();
      InterleavedBatch.TextTargets targets =
          batch.textTargets(
              ConfigLists.ints(run.config(), "ignore_prompt_token_offset"), onlyAfterImages);
      FullSteps.targets("B.gt_text_ids", batch, targets, reference);
      DeemNetwork.Example example =
          new DeemNetwork.Example(
              batch,
              input(replay, "image_tensors"),
              input(replay, "image_tensors_dec"),
              input(replay, "region_mask"),
              targets,
              imageLoss);
      DeemNetwork.Losses losses =
          network
              .step(
                  scope,
                  example,
                  new DeemNetwork.Options(weights, true, asReference().conditionDropout()),
                  draws("B.rand."))
              .losses();
      losses("B.", losses);
      return losses;
    }

    void nothingFrozen() {
      if (!stored("U.")) {
        return;
      }
      try (Session session = engine.open(fixture.weights())) {
        TorchSession training = training(session, Freezing.NOTHING);
        try (TrainingScope scope = training.trainingScope()) {
          Replay replay = new Replay(io, scope, reference);
          DeemNetwork.Losses losses =
              network.step(scope, example(replay, false), asReference(), draws("A.rand.")).losses();
          losses("U.", losses);
          scope.backward(losses.total());
          gradients("U.grad.", scope);
        }
      }
    }

    /** The losses of the first example with other options. */
    private void outcome(String run, boolean regions, DeemNetwork.Options options) {
      if (!stored(run)) {
        return;
      }
      try (Session session = engine.open(fixture.weights());
          Scope scope = session.scope()) {
        DeemNetwork.Example example = example(new Replay(io, scope, reference), regions);
        losses(run, network.step(scope, example, options, draws("A.rand.")).losses());
      }
    }

    private void backward(TorchSession training, DeemNetwork.Options options) {
      try (TrainingScope scope = training.trainingScope()) {
        DeemNetwork.Example example = example(new Replay(io, scope, reference), false);
        scope.backward(network.step(scope, example, options, draws("A.rand.")).losses().total());
      }
    }

    /** Gathers the first step's gradient again, as the reference takes its second step with it. */
    private void repeatGradient(TorchSession training) {
      Map<String, float[]> updated = new HashMap<>();
      for (String name : training.trainableParams()) {
        updated.put(name, training.param(name).floats());
        training.set(name, fixture.weights().floats(name));
      }
      backward(training, asReference());
      updated.forEach(training::set);
    }

    private InterleavedBatch batch() {
      return CompleteModel.batch(network.config().special(), io, "text_ids", "attention_mask");
    }

    private DeemNetwork.Example example(Replay replay, boolean regions) {
      InterleavedBatch batch = batch();
      return new DeemNetwork.Example(
          batch,
          input(replay, "image_tensors"),
          input(replay, "image_tensors_dec"),
          regions ? input(replay, "region_mask") : null,
          batch.textTargets(null, false),
          null);
    }

    /** An input that gathers no gradient. */
    private Value input(Replay replay, String name) {
      return replay.scope().floats(io.floats(name), io.info(name).shape());
    }

    private TorchSession training(Session session, Predicate<String> learns) {
      if (!(session instanceof TorchSession training)) {
        throw new IllegalStateException(engine.name() + " cannot train");
      }
      training.trainable(learns);
      return training;
    }

    private AdamW adamW(TorchSession training, double maxNorm) {
      Sizes optimizer = optimizer(fixture);
      List<Double> betas = optimizer.numbers("betas");
      return new AdamW(
          training,
          new AdamW.Config(betas.get(0), betas.get(1), optimizer.number("eps"), maxNorm),
          ParameterGroup.PRETRAINING,
          AdamW.decaying(Freezing::inLayerNorm));
    }

    private StoredDraws draws(String run) {
      String feedback = run + "sniffer.";
      String drawing = run + "imgdec.";
      return new StoredDraws()
          .thenGaussian(io.floats(feedback + "vae_noise"))
          .thenGaussian(io.floats(feedback + "noise"))
          .thenInts(ConfigLists.ints(io.longs(feedback + "timesteps_raw")))
          .thenUniform(io.floats(drawing + "uncond_rand"))
          .thenGaussian(io.floats(drawing + "vae_noise"))
          .thenGaussian(io.floats(drawing + "noise"))
          .thenInts(ConfigLists.ints(io.longs(drawing + "timesteps")));
    }

    private void losses(String run, DeemNetwork.Losses losses) {
      Map<String, Value> parts =
          Map.of(
              "loss", losses.total(),
              "loss_txt", losses.text(),
              "loss_img", losses.image(),
              "loss_sniffer", losses.consistency());
      parts.forEach(
          (name, loss) -> reference.output(run + "out." + name, new float[] {loss.scalar()}, 1));
    }

    private void gradients(String prefix, TrainingScope scope) {
      for (String name : io.names()) {
        if (name.startsWith(prefix)) {
          Value gradient = scope.gradient(own(name.substring(prefix.length())));
          if (gradient == null) {
            report.fail(name, engine.name(), "no gradient");
          } else {
            reference.gradient(name, gradient.floats(), gradient.shape());
          }
        }
      }
    }

    private void parameters(String prefix, TorchSession training) {
      for (String name : io.names()) {
        if (name.startsWith(prefix)) {
          Value value = training.param(own(name.substring(prefix.length())));
          reference.floats(name, UPDATED, i -> true, value.floats(), value.shape());
        }
      }
    }

    private static String own(String name) {
      return name.equals(SHARED) ? SHARED_AS : name;
    }
  }
}
