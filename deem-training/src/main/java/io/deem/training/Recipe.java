package io.deem.training;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.Stage;
import io.deem.graph.BlockRewriting;
import io.deem.json.RecordJson;
import io.deem.lora.LowRankAdaptation;
import io.deem.model.DeemNetwork;
import io.deem.model.Freezing;
import io.deem.torch.Regularization;
import io.deem.training.data.Augmentation;
import io.deem.training.data.Wording;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * How a stage is trained: everything but the data and the seed.
 *
 * @param steps of the optimiser
 * @param warmup steps until the full learning rate, from 0
 * @param finalRate what half a cosine leaves of the learning rate at the end, from 0 to 1
 * @param batch samples of one forward pass
 * @param accumulation forward passes of one step, whose gradients are averaged
 * @param longest most tokens of a row; what is longer is cut
 * @param freezing which parts stay as they are
 * @param groups learning rate and weight decay by a part of the parameter's name; the first counts
 * @param optimizer AdamW's constants and the gradient's largest norm
 * @param losses weights of the three losses
 * @param conditionDropout probability that an image is drawn without what the text says of it
 * @param normaliseTwice whether the image decoder learns as the reference's does; see {@link
 *     DeemNetwork.Options}
 * @param regularization dropout and stochastic depth
 * @param wording which prompts texts are put into
 * @param augmentation how pictures are varied
 * @param adapters low-rank factors that learn in place of whole matrices; empty for none
 */
public record Recipe(
    int steps,
    int warmup,
    double finalRate,
    int batch,
    int accumulation,
    int longest,
    Freezing freezing,
    List<ParameterGroup> groups,
    AdamW.Config optimizer,
    DeemNetwork.LossWeights losses,
    double conditionDropout,
    boolean normaliseTwice,
    Regularization regularization,
    Wording wording,
    Augmentation augmentation,
    Optional<Adapters> adapters) {

  private static final long LARGEST_FILE = 1L << 20;

  private static final List<ParameterGroup> TUNING_GROUPS =
      List.of(
          new ParameterGroup("llama_cross_attn.gate", 5e-6, 0),
          new ParameterGroup("sampling_offsets", 5e-6, 0),
          new ParameterGroup("llama_cross_attn", 5e-6, 0.05),
          new ParameterGroup(".encoder.unet.", 1e-5, 0.05),
          new ParameterGroup("sniffer.vision_model.visual", 5e-6, 0.05),
          new ParameterGroup("mm_decoder.", 1e-6, 0),
          new ParameterGroup("", 1e-5, 0.05));

  /** Image-text alignment: PAPER's first stage. */
  public static final Recipe IMAGE_TEXT_ALIGNMENT =
      new Recipe(
          10_000,
          1_000,
          0,
          4,
          32,
          2048,
          Freezing.PRETRAINING,
          List.of(
              new ParameterGroup("llama_cross_attn.gate", 1e-4, 0),
              new ParameterGroup("sampling_offsets", 1e-5, 0),
              new ParameterGroup("llama_cross_attn", 1e-4, 0.05),
              new ParameterGroup(".encoder.unet.", 1e-5, 0.05),
              new ParameterGroup("sniffer.vision_model.visual", 2e-5, 0.05),
              new ParameterGroup("", 1e-4, 0.05)),
          AdamW.Config.STAGE_1,
          DeemNetwork.LossWeights.PAPER,
          0.1,
          false,
          Regularization.PAPER,
          Wording.MODEL,
          Augmentation.NONE,
          Optional.empty());

  /**
   * Image-text tuning, and mask-text tuning, which differs by its data: the language model learns.
   */
  public static final Recipe TUNING =
      new Recipe(
          10_000,
          500,
          0,
          4,
          32,
          2048,
          new Freezing(false, true, true),
          TUNING_GROUPS,
          AdamW.Config.DEFAULT,
          DeemNetwork.LossWeights.PAPER,
          0.1,
          false,
          Regularization.PAPER,
          Wording.MODEL,
          Augmentation.NONE,
          Optional.empty());

  public Recipe {
    groups = List.copyOf(groups);
    require(
        steps >= 1 && batch >= 1 && accumulation >= 1, "steps, batch, accumulation", "at least 1");
    require(longest >= 2, "longest", "at least 2");
    require(finalRate >= 0 && finalRate <= 1, "finalRate", "from 0 to 1");
    require(conditionDropout >= 0 && conditionDropout <= 1, "conditionDropout", "from 0 to 1");
    ParameterGroup.of(groups, "");
  }

  private static void require(boolean holds, String name, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(name + " must be " + rule);
    }
  }

  /** The paper's recipe of a stage. */
  public static Recipe of(Stage stage) {
    return stage == Stage.IMAGE_TEXT_ALIGNMENT ? IMAGE_TEXT_ALIGNMENT : TUNING;
  }

  /** With another number of steps; warm-up keeps its share of them. */
  public Recipe withSteps(int number) {
    JsonObject changes = new JsonObject();
    changes.addProperty("steps", number);
    changes.addProperty("warmup", (int) Math.round((double) warmup * number / steps));
    return changed(changes);
  }

  /** With another number of samples of one forward pass. */
  public Recipe withBatch(int samples) {
    JsonObject changes = new JsonObject();
    changes.addProperty("batch", samples);
    return changed(changes);
  }

  /** With another number of forward passes of one step. */
  public Recipe withAccumulation(int passes) {
    JsonObject changes = new JsonObject();
    changes.addProperty("accumulation", passes);
    return changed(changes);
  }

  /**
   * With a language model that stays as it is, whose linear layers get low-rank adapters; see
   * {@link Adapters#ofLanguageModel}.
   */
  public Recipe withAdapters(int rank) {
    JsonObject stays = new JsonObject();
    stays.addProperty("languageModel", true);
    JsonObject changes = new JsonObject();
    changes.add("freezing", stays);
    changes.add("adapters", RecordJson.write(Adapters.ofLanguageModel(rank)));
    return changed(changes);
  }

  /** Which parameters learn: what is not frozen, with factors in place of adapted matrices. */
  public Predicate<String> learns() {
    if (adapters.isEmpty()) {
      return freezing;
    }
    LowRankAdaptation lora = adaptation().get();
    Predicate<String> factors = lora.learnt(false);
    return name -> factors.test(name) || (freezing.test(name) && lora.layer(name) == null);
  }

  /** What happens to the model's blocks. */
  BlockRewriting rewriting() {
    return adaptation().<BlockRewriting>map(lora -> lora).orElse(BlockRewriting.NONE);
  }

  /** What the adapters amount to. */
  Optional<LowRankAdaptation> adaptation() {
    return adapters.map(Adapters::adaptation);
  }

  /**
   * With the entries of a JSON file in place of its own, at any depth; a list is replaced whole.
   *
   * @throws IOException if the file is no recipe, in one line that names the entry
   */
  public Recipe changedBy(Path file) throws IOException {
    if (Files.size(file) > LARGEST_FILE) {
      throw new IOException(file + ": " + Files.size(file) + " bytes are too many for a recipe");
    }
    try {
      return changed(JsonParser.parseString(Files.readString(file)).getAsJsonObject());
    } catch (RuntimeException e) {
      String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw new IOException(file + ": is not a recipe: " + reason, e);
    }
  }

  /** The recipe as JSON, with every entry. */
  public JsonObject json() {
    return RecordJson.write(this).getAsJsonObject();
  }

  /** The rate's factor at each step. */
  public LearningRateSchedule schedule() {
    return new LearningRateSchedule(warmup, steps, finalRate);
  }

  private Recipe changed(JsonObject changes) {
    JsonObject json = json();
    merge(json, changes);
    return RecordJson.read(Recipe.class, json);
  }

  private static void merge(JsonObject into, JsonObject changes) {
    for (Map.Entry<String, JsonElement> change : changes.entrySet()) {
      JsonElement old = into.get(change.getKey());
      if (old != null && old.isJsonObject() && change.getValue().isJsonObject()) {
        merge(old.getAsJsonObject(), change.getValue().getAsJsonObject());
      } else {
        into.add(change.getKey(), change.getValue());
      }
    }
  }
}
