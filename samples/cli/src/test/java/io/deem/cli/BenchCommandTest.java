package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

/** What {@code deem bench} refuses before it measures anything. */
class BenchCommandTest {

  private static String refused(String... arguments) {
    StringWriter err = new StringWriter();
    int code =
        DeemCommand.run(new PrintWriter(new StringWriter()), new PrintWriter(err, true), arguments);
    assertEquals(2, code, err.toString());
    return err.toString();
  }

  @Test
  void refusesWhatItCannotMeasure() {
    assertTrue(refused("bench", "dance").contains("nothing to measure is named dance"));
    assertTrue(refused("bench", "--precision", "fp7").contains("--precision is fp32, bf16, int8"));
    assertTrue(refused("bench", "--threads", "-1").contains("--threads must be at least 0"));
    assertTrue(refused("bench", "--shape", "none").contains("none is neither a model folder"));
  }
}
