package io.deem.imports;

import io.deem.graph.Param;
import io.deem.json.ErrorText;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelPart;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Decides which tensor of which checkpoint becomes which parameter. */
final class ImportPlan {

  /**
   * Where a parameter comes from.
   *
   * @param fit how the tensor becomes the parameter
   */
  record Origin(TensorSource source, String tensor, Fit fit) {}

  /** How a tensor becomes a parameter. */
  enum Fit {
    /** It is the parameter. */
    WHOLE,
    /** It is the first rows of the parameter, the rest being of added tokens. */
    FIRST_ROWS,
    /** It is position embeddings for another number of patches, which are interpolated. */
    RESIZED
  }

  private static final long MOST_POSITIONS = 1 << 17;

  private final Map<String, Param> params = new LinkedHashMap<>();
  private final Map<String, Origin> origins = new LinkedHashMap<>();
  private final List<ImportReport.LeftOver> leftOver = new ArrayList<>();

  ImportPlan(DeemNetwork network) {
    network.params().forEach(param -> params.put(param.name(), param));
  }

  /**
   * Takes the tensors of a checkpoint that the model has and that no checkpoint before it had.
   *
   * @param nameHere a tensor's name in the model, or null
   */
  ImportPlan add(TensorSource source, UnaryOperator<String> nameHere) throws ImportException {
    for (String tensor : source.names()) {
      String name = nameHere.apply(tensor);
      Param param = name == null ? null : params.get(name);
      boolean taken = param != null && origins.containsKey(name);
      if (param == null || taken) {
        leftOver.add(new ImportReport.LeftOver(tensor, source.origin(tensor), taken));
      } else {
        origins.put(name, fit(param, source, tensor));
      }
    }
    return this;
  }

  /** A LLaMA may have one table for what it reads and what it writes. */
  ImportPlan tieHead(TensorSource llama, String embeddings) throws ImportException {
    if (!origins.containsKey(TensorNames.HEAD) && llama.contains(embeddings)) {
      origins.put(TensorNames.HEAD, fit(params.get(TensorNames.HEAD), llama, embeddings));
    }
    return this;
  }

  /** Refuses checkpoints that lack a part of the networks that they are of. */
  ImportPlan requireOriginals(Map<ModelPart, String> nameOfCheckpoint) throws ImportException {
    for (String name : params.keySet()) {
      String checkpoint = nameOfCheckpoint.get(ModelPart.of(name));
      boolean original = !name.startsWith("text_decoder.") || name.equals(TensorNames.HEAD);
      if (checkpoint != null && original && !origins.containsKey(name)) {
        throw new ImportException(checkpoint + ": lacks the tensor for " + ErrorText.quote(name));
      }
    }
    return this;
  }

  Map<String, Param> params() {
    return params;
  }

  Map<String, Origin> origins() {
    return origins;
  }

  ImportReport report() {
    List<ImportReport.Used> used = new ArrayList<>();
    List<ImportReport.Missing> missing = new ArrayList<>();
    for (Param param : params.values()) {
      Origin origin = origins.get(param.name());
      if (origin == null) {
        missing.add(new ImportReport.Missing(param.name(), elements(param.shape().extents())));
      } else {
        used.add(
            new ImportReport.Used(
                param.name(),
                origin.tensor,
                origin.source.origin(origin.tensor),
                origin.source.info(origin.tensor).elements()));
      }
    }
    return new ImportReport(used, missing, leftOver);
  }

  private static Origin fit(Param param, TensorSource source, String tensor)
      throws ImportException {
    TensorInfo info = source.info(tensor);
    long[] wanted = param.shape().extents();
    long[] found = info.shape();
    boolean table =
        param.name().equals(TensorNames.EMBEDDINGS) || param.name().equals(TensorNames.HEAD);
    boolean firstRows =
        table && found.length == 2 && found[0] > 0 && found[0] < wanted[0] && found[1] == wanted[1];
    boolean same = Arrays.equals(withoutOnes(found), withoutOnes(wanted));
    boolean resized =
        param.name().equals(TensorNames.POSITIONS)
            && found.length == 2
            && found[1] == wanted[1]
            && isSquareAndOne(found[0]);
    if (!info.type().isFloating() || !(same || firstRows || resized)) {
      throw new ImportException(
          String.format(
              "%s: tensor %s is %s%s, but %s needs floating-point numbers of shape %s",
              source.origin(tensor),
              ErrorText.quote(tensor),
              info.type(),
              Arrays.toString(found),
              ErrorText.quote(param.name()),
              Arrays.toString(wanted)));
    }
    Fit apart = firstRows ? Fit.FIRST_ROWS : Fit.RESIZED;
    return new Origin(source, tensor, same ? Fit.WHOLE : apart);
  }

  /** Whether a table has a row for the class and one for each patch of a square image. */
  private static boolean isSquareAndOne(long rows) {
    long side = Math.round(Math.sqrt((double) rows - 1));
    return rows > 1 && rows <= MOST_POSITIONS && side * side == rows - 1;
  }

  /** Some checkpoints store a product by a matrix as a convolution whose kernel is one pixel. */
  private static long[] withoutOnes(long[] shape) {
    int length = shape.length;
    while (length > 1 && shape[length - 1] == 1) {
      length--;
    }
    return Arrays.copyOf(shape, length);
  }

  private static long elements(long[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }
}
