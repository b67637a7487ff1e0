package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.torch.TorchEngine;
import io.deem.training.verify.DeemFullCheck;
import io.deem.training.verify.TestTimeAdaptationCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The complete, reduced model: training step, generation and test-time adaptation. */
class DeemFixturesTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"deem_full, 560", "deem_generate, 30", "tta, 251"})
  void everyStoredResultIsReproduced(String fixture, int count) throws IOException {
    List<String> lines = new ArrayList<>();
    Report report = verify(FixtureFolders.of(fixture), lines);
    assertTrue(report.ok(), String.join("\n", lines));
    assertEquals(count, report.passed());
  }

  @Test
  void noStoredTensorIsOverlooked() throws IOException {
    assertEquals(Set.of(), unread("deem_full", new DeemFullCheck()));
    assertEquals(Set.of(), unread("deem_generate", new DeemGenerateCheck()));
    assertEquals(Set.of(), unread("tta", new TestTimeAdaptationCheck()));
  }

  private static Set<String> unread(String name, FixtureCheck check) throws IOException {
    try (Fixture fixture = Fixture.open(FixtureFolders.of(name))) {
      assertTrue(check.matches(fixture));
      check.run(fixture, new TorchEngine(), new Report(1, line -> {}));
      return fixture.unread();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "deem_full, A.mid.context_features, 1.01",
    "deem_full, A.mid.imgdec_unet_pred, 1.01",
    "deem_full, Anoinplace.out.loss_img, 1.01",
    "deem_full, Amask.out.loss_sniffer, 1.01",
    "deem_full, B.out.loss_txt, 1.01",
    "deem_full, A.grad.soi_token, 1.03",
    "deem_full, U.grad.mm_decoder.norm.weight, 1.03",
    // An update changes a parameter by 1e-4, which is far below 1 % of the parameter.
    "deem_full, A.adamw_step2.visual_tokenizer.proj_t.weight, 1.00001",
    "deem_full, A.adamw_clipped_step1.soi_token, 1.00001",
    "deem_generate, score.out.scores, 1.01",
    "deem_generate, img.ddim.latents_steps, 1.01",
    "deem_generate, img.ddpm.image, 0.99",
    "tta, Wfwd.losses, 1.01",
    "tta, V.delta_vis_embed, 1.02",
    "tta, W.grad_step1.visual_tokenizer.pos_ln.weight, 1.07"
  })
  void aResultThatIsOffFails(String fixture, String tensor, double factor) throws IOException {
    Path copy = Files.createDirectory(folder.resolve("copy"));
    Path original = FixtureFolders.of(fixture);
    FixtureFolders.corrupt(original, copy, "io.safetensors", tensor, factor);
    if (fixture.equals("deem_generate")) {
      Files.createSymbolicLink(
          folder.resolve("deem_full"), FixtureFolders.of("deem_full").toAbsolutePath());
    }
    Report report = verify(copy, new ArrayList<>());
    // Else the folder's end would warn of where it leads.
    Files.deleteIfExists(folder.resolve("deem_full"));
    List<String> failures =
        report.comparisons().stream()
            .filter(comparison -> !comparison.ok())
            .map(Comparison::name)
            .toList();
    assertEquals(List.of(tensor), failures);
  }

  private static Report verify(Path fixture, List<String> lines) throws IOException {
    return Verification.run(fixture, List.of(new TorchEngine()), 1, lines::add);
  }
}
