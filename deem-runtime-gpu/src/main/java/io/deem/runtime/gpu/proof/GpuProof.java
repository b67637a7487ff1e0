package io.deem.runtime.gpu.proof;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.model.DeemConfig;
import io.deem.torch.Precision;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchOptions;
import io.deem.verify.Report;
import io.deem.verify.Verification;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.GZIPOutputStream;

/**
 * Writes the folder that proves elsewhere, on a GPU, what this machine can prove on a processor
 * alone.
 *
 * <p>For each fixture it holds a tape: every script that a GPU would run, in order, what each is
 * given and what must come out, gradients included, as this machine computed them and the fixture
 * confirmed. For a model's full size it holds the steps with shapes alone. {@code gpu_proof.py} in
 * the folder plays both in any PyTorch.
 */
public final class GpuProof {

  static final String INDEX = "proof.json.gz";
  static final String RUNNER = "gpu_proof.py";

  private static final int FORMAT = 1;
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private GpuProof() {}

  /**
   * Writes a proof.
   *
   * @param out a folder that is made, or is empty
   * @param fixtures folders of fixtures
   * @param fullSize the architecture that is timed
   * @param lines takes a line for each part
   * @throws IOException if a fixture cannot be read, does not verify here, or the folder not be
   *     written
   */
  public static void write(
      Path out, List<Path> fixtures, DeemConfig fullSize, Consumer<String> lines)
      throws IOException {
    Files.createDirectories(out);
    try (var there = Files.list(out)) {
      if (there.findAny().isPresent()) {
        throw new IOException(out + ": is not empty");
      }
    }
    ProofStore store = new ProofStore();
    JsonArray tapes = new JsonArray();
    for (Path fixture : fixtures) {
      JsonArray steps = record(fixture, store);
      if (!steps.isEmpty()) {
        JsonObject tape = new JsonObject();
        tape.addProperty("name", String.valueOf(fixture.getFileName()));
        tape.add("steps", steps);
        tapes.add(tape);
      }
      lines.accept(fixture.getFileName() + ": " + steps.size() + " steps");
    }
    JsonArray workloads = new FullSizeWorkloads(store, fullSize).all();
    workloads.forEach(
        each -> {
          JsonObject workload = each.getAsJsonObject();
          lines.accept(
              String.format(
                  java.util.Locale.ROOT,
                  "%s at full size: %.3g operations, %.3g bytes of weights and cache",
                  workload.get("name").getAsString(),
                  workload.get("operations").getAsDouble(),
                  workload.get("bytes").getAsDouble()));
        });
    JsonObject index = new JsonObject();
    index.addProperty("format", FORMAT);
    index.add("scripts", store.write(out));
    index.add("tapes", tapes);
    index.add("workloads", workloads);
    try (Writer writer =
        new OutputStreamWriter(
            new GZIPOutputStream(Files.newOutputStream(out.resolve(INDEX))),
            StandardCharsets.UTF_8)) {
      GSON.toJson(index, writer);
    }
    try (InputStream runner = GpuProof.class.getResourceAsStream(RUNNER)) {
      Files.copy(runner, out.resolve(RUNNER));
    }
  }

  /** What is computed for a fixture, in 32 bits and otherwise as on a GPU. */
  private static JsonArray record(Path fixture, ProofStore store) throws IOException {
    TapeRecorder recorder = new TapeRecorder(store);
    TorchOptions options = TorchOptions.accelerated(TorchOptions.CPU).withPrecision(Precision.FP32);
    StringBuilder failures = new StringBuilder();
    Report report =
        Verification.run(
            fixture,
            List.of(new TorchEngine(options, recorder)),
            1,
            line -> failures.append(line.contains(" FAIL") ? line + "; " : ""));
    if (!report.ok()) {
      throw new IOException(fixture + ": does not verify here: " + failures);
    }
    return recorder.steps();
  }
}
