package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecipeTest {

  @TempDir Path folder;

  /** The numbers of the paper's reference. */
  @Test
  void theStagesAreThePapers() {
    Recipe first = Recipe.of(Stage.IMAGE_TEXT_ALIGNMENT);
    assertEquals(10_000, first.steps());
    assertEquals(1_000, first.warmup());
    assertEquals(new AdamW.Config(0.9, 0.995, 1e-6, 1), first.optimizer());
    assertGroup(first, "mm_decoder.layers.3.llama_cross_attn.gate", 1e-4, 0);
    assertGroup(first, "a.llama_cross_attn.attn.sampling_offsets.weight", 1e-5, 0);
    assertGroup(first, "a.llama_cross_attn.attn.value_proj.weight", 1e-4, 0.05);
    assertGroup(first, "visual_tokenizer.encoder.unet.conv_in.weight", 1e-5, 0.05);
    assertGroup(first, "visual_tokenizer.sniffer.vision_model.visual.trunk.x", 2e-5, 0.05);
    assertGroup(first, "image_decoder.x", 1e-4, 0.05);
    assertFalse(first.freezing().test("mm_decoder.layers.0.mlp.up_proj.weight"));
    assertTrue(first.freezing().test("visual_tokenizer.sniffer.vision_model.visual.trunk.x"));
    Recipe second = Recipe.of(Stage.IMAGE_TEXT_TUNING);
    assertEquals(500, second.warmup());
    assertEquals(new AdamW.Config(0.9, 0.999, 1e-8, 1), second.optimizer());
    assertGroup(second, "mm_decoder.layers.0.mlp.up_proj.weight", 1e-6, 0);
    assertGroup(second, "mm_decoder.layers.3.llama_cross_attn.gate", 5e-6, 0);
    assertGroup(second, "visual_tokenizer.proj_t.weight", 1e-5, 0.05);
    assertTrue(second.freezing().test("mm_decoder.layers.0.mlp.up_proj.weight"));
    assertFalse(second.freezing().test("visual_tokenizer.sniffer.vision_model.visual.trunk.x"));
    assertFalse(second.freezing().test("visual_tokenizer.encoder.unet.conv_in.weight"));
  }

  private static void assertGroup(Recipe recipe, String name, double rate, double decay) {
    ParameterGroup group = ParameterGroup.of(recipe.groups(), name);
    assertEquals(rate, group.learningRate(), name);
    assertEquals(decay, group.weightDecay(), name);
  }

  @Test
  void aFileReplacesEntriesAtAnyDepth() throws IOException {
    Path file = folder.resolve("recipe.json");
    Files.writeString(
        file, "{\"warmup\": 3, \"losses\": {\"image\": 0}, \"freezing\": {\"encoder\": true}}");
    Recipe changed = Recipe.IMAGE_TEXT_ALIGNMENT.changedBy(file);
    assertEquals(3, changed.warmup());
    assertEquals(0, changed.losses().image());
    assertEquals(5, changed.losses().consistency());
    assertTrue(changed.freezing().encoder());
    assertEquals(Recipe.IMAGE_TEXT_ALIGNMENT.groups(), changed.groups());
  }

  @Test
  void whatIsNoRecipeIsRefusedByName() throws IOException {
    Path file = folder.resolve("recipe.json");
    Files.writeString(file, "{\"warmups\": 3}");
    assertRefused(file, "unknown entry \"warmups\"");
    Files.writeString(file, "{\"optimizer\": {\"beta1\": \"much\"}}");
    assertRefused(file, "optimizer.beta1");
    Files.writeString(file, "[]");
    assertRefused(file, "is not a recipe");
    Files.writeString(file, "{\"groups\": []}");
    assertRefused(file, "no parameter group");
  }

  private static void assertRefused(Path file, String reason) {
    IOException refused =
        assertThrows(IOException.class, () -> Recipe.IMAGE_TEXT_ALIGNMENT.changedBy(file));
    assertTrue(refused.getMessage().contains(reason), refused.getMessage());
    assertTrue(refused.getMessage().startsWith(file.toString()), refused.getMessage());
  }

  @Test
  void warmUpKeepsItsShare() {
    Recipe shorter = Recipe.IMAGE_TEXT_ALIGNMENT.withSteps(200);
    assertEquals(200, shorter.steps());
    assertEquals(20, shorter.warmup());
  }
}
