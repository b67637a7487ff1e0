package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.torch.TorchEngine;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

class UNetCheckTest {

  @Test
  void libtorchComputesTheStoredNumbers() throws Exception {
    Path folder = Path.of(getClass().getResource("/fixtures/unet").toURI());
    StringBuilder lines = new StringBuilder();
    try (Fixture fixture = Fixture.open(folder)) {
      Report report = new Report(1, line -> lines.append(line).append('\n'));
      UNetCheck check = new UNetCheck();
      assertTrue(check.matches(fixture));
      check.run(fixture, new TorchEngine(), report);
      assertTrue(report.ok(), lines.toString());
      assertEquals(Set.of(), fixture.unread());
    }
  }
}
