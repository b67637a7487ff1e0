package io.deem;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Settings while one of them is changed. */
final class TrainingSettingsEditor {

  Stage stage;
  final List<TrainingSettings.Data> data;
  Optional<TrainingSettings.Data> validation;
  Optional<Path> output;
  Optional<Path> recipe;
  OptionalInt steps;
  OptionalInt batch;
  OptionalInt accumulation;
  OptionalInt adapterRank;
  long seed;
  TrainingSettings.Precision precision;
  boolean gradientCheckpointing;
  boolean eightBitMoments;
  int checkpointEvery;
  int keptCheckpoints;
  int redraws;
  boolean resume;
  Optional<Path> cache;

  TrainingSettingsEditor(TrainingSettings s) {
    stage = s.stage();
    data = new ArrayList<>(s.data());
    validation = s.validation();
    output = s.output();
    recipe = s.recipe();
    steps = s.steps();
    batch = s.batch();
    accumulation = s.accumulation();
    adapterRank = s.adapterRank();
    seed = s.seed();
    precision = s.precision();
    gradientCheckpointing = s.gradientCheckpointing();
    eightBitMoments = s.eightBitMoments();
    checkpointEvery = s.checkpointEvery();
    keptCheckpoints = s.keptCheckpoints();
    redraws = s.redraws();
    resume = s.resume();
    cache = s.cache();
  }

  TrainingSettings settings() {
    return new TrainingSettings(
        stage,
        data,
        validation,
        output,
        recipe,
        steps,
        batch,
        accumulation,
        adapterRank,
        seed,
        precision,
        gradientCheckpointing,
        eightBitMoments,
        checkpointEvery,
        keptCheckpoints,
        redraws,
        resume,
        cache);
  }
}
