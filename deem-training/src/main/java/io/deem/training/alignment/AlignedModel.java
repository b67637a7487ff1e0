package io.deem.training.alignment;

import io.deem.Alignment;
import io.deem.AlignmentReport;
import io.deem.model.ModelFolder;
import io.deem.text.TokenizerFile;
import io.deem.weights.ElementType;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** The result of an alignment of a model that is still open. */
final class AlignedModel implements Alignment {

  private static final String REPORT_FILE = "alignment.json";

  private final ModelFolder model;
  private final AlignmentReport report;
  private final TensorSource weights;
  private final ElementType type;
  private final Map<String, float[]> values;
  private final Consumer<Map<String, float[]>> apply;
  private final Runnable open;
  private volatile boolean closed;

  AlignedModel(
      ModelFolder model,
      AlignmentReport report,
      TensorSource weights,
      ElementType type,
      Map<String, float[]> values,
      Consumer<Map<String, float[]>> apply,
      Runnable open) {
    this.model = model;
    this.report = report;
    this.weights = weights;
    this.type = type;
    this.values = values;
    this.apply = apply;
    this.open = open;
  }

  @Override
  public AlignmentReport report() {
    return report;
  }

  @Override
  public void save(Path folder) throws IOException {
    requireOpen();
    if (Files.exists(folder) && Files.isSameFile(folder, model.folder())) {
      throw new IllegalArgumentException(
          folder + ": is the open model's own folder; choose another");
    }
    ModelFolder.Description old = model.description();
    Path name = folder.toAbsolutePath().normalize().getFileName();
    ModelFolder.write(
        folder,
        new ModelFolder.Description(
            name == null ? old.name() : name.toString(),
            old.architecture(),
            old.prompts(),
            old.headTied(),
            provenance(old)),
        weights,
        type,
        TokenizerFile.read(model.folder()));
    report.write(folder.resolve(REPORT_FILE));
  }

  /** Where the aligned model comes from; what its parent said of itself goes with it. */
  private Map<String, String> provenance(ModelFolder.Description old) {
    Map<String, String> provenance = new TreeMap<>();
    old.provenance().forEach((key, value) -> provenance.put("parent." + key, value));
    provenance.put("parent", report.parent());
    provenance.put("alignment", report.strategy().toString());
    provenance.put("seed", Long.toString(report.seed()));
    provenance.put("steps", report.bestStep() + " of " + report.steps());
    provenance.put("batchSize", Integer.toString(report.batchSize()));
    provenance.put("learningRate", Double.toString(report.learningRate()));
    provenance.put(
        "data",
        report.trainingImages()
            + " images learnt from and "
            + report.heldOutImages()
            + " held out, sha256:"
            + report.dataChecksum());
    return provenance;
  }

  @Override
  public void apply() {
    requireOpen();
    apply.accept(values);
  }

  @Override
  public void close() {
    closed = true;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the alignment is closed");
    }
    open.run();
  }
}
