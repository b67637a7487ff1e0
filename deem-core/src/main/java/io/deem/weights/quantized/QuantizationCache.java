package io.deem.weights.quantized;

import io.deem.ProgressListener;
import io.deem.portable.Hex;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Quantises a model once and finds the result again: a file for each {@link Quantization}, such as
 * {@code int4-block64-symmetric.safetensors}, in the folder {@code quantized} of the model, or,
 * when nothing can be written there, below the folder that the system property {@code deem.cache}
 * names, else {@code .cache/deem} in the user's home.
 *
 * <pre>{@code
 * try (ModelWeights source = ModelWeights.open(folder);
 *     QuantizedWeights weights =
 *         QuantizationCache.of(folder)
 *             .open(source, new Quantization(4, 64, true), matrices, 2, ProgressListener.NONE)) {
 *   QuantizedMatrix head = weights.matrix("lm_head.weight");
 * }
 * }</pre>
 *
 * <p>A file is used only if it was made from these matrices with the numbers that they have now
 * (see {@link SourceFingerprint}) and has exactly the tensors that it should have; any other is
 * replaced. Files are moved into place whole, so any number of threads and processes may open one
 * model at once; threads of one process wait for each other, two processes at worst do the same
 * work twice.
 */
public final class QuantizationCache {
  private static final Logger LOG = LoggerFactory.getLogger(QuantizationCache.class);

  private static final String FOLDER = "quantized";

  /** Raised whenever other bytes would be written for the same source. */
  private static final String FORMAT = "2";

  private static final String FORMAT_KEY = "deem.quantization.format";
  private static final String NAME_KEY = "deem.quantization.name";
  private static final String CONTENT_KEY = "deem.quantization.source";
  private static final String STAMP_KEY = "deem.quantization.stamp";

  /** A file that nobody has written to for that long was left by a process that died. */
  private static final Duration ABANDONED = Duration.ofHours(1);

  private static final Map<Path, Object> LOCKS = new ConcurrentHashMap<>();

  private final List<Path> folders;

  private QuantizationCache(List<Path> folders) {
    this.folders = folders;
  }

  /**
   * The cache of a model.
   *
   * @param model its folder, or its weights file
   */
  public static QuantizationCache of(Path model) {
    Path absolute = model.toAbsolutePath().normalize();
    Path folder = Files.isDirectory(absolute) ? absolute : absolute.getParent();
    List<Path> folders = new ArrayList<>();
    folders.add(folder.resolve(FOLDER));
    Path own = usersFolder();
    if (own != null) {
      byte[] name = absolute.toString().getBytes(StandardCharsets.UTF_8);
      String hash = Hex.of(SourceFingerprint.sha256().digest(name), 8);
      folders.add(own.resolve(FOLDER).resolve(hash));
    }
    return new QuantizationCache(folders);
  }

  private static Path usersFolder() {
    try {
      String chosen = System.getProperty("deem.cache");
      if (chosen != null) {
        return Paths.get(chosen).toAbsolutePath();
      }
      Path home = Paths.get(System.getProperty("user.home", ""));
      // A user without a home, as in some containers, has "?" or nothing here.
      return home.isAbsolute() ? home.resolve(".cache").resolve("deem") : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /** Where a file may lie, the best place first. */
  public List<Path> files(Quantization quantization) {
    return folders.stream()
        .map(folder -> folder.resolve(quantization.name() + ".safetensors"))
        .collect(Collectors.toList());
  }

  /**
   * Opens the quantised matrices, quantising them first unless that was done before.
   *
   * @param source the model's weights; not needed any more once this returns
   * @param matrices what to quantise, in whatever order
   * @param threads for quantising, at least 1
   * @param listener told of the progress while quantising; not called when there is nothing to do
   * @throws IllegalArgumentException if a matrix is missing or cannot be quantised, in one line
   * @throws InterruptedIOException if the thread is interrupted while quantising
   * @throws IOException if reading fails, a matrix holds a number that is not finite, or the result
   *     can be written nowhere; in one line
   */
  public QuantizedWeights open(
      TensorSource source,
      Quantization quantization,
      List<StackedMatrix> matrices,
      int threads,
      ProgressListener listener)
      throws IOException {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, not " + threads);
    }
    // Mistakes in the request are told as such, not taken for a bad cache.
    for (StackedMatrix matrix : matrices) {
      matrix.size(source);
    }
    Opening opening =
        new Opening(
            source,
            quantization,
            List.copyOf(matrices),
            threads,
            listener,
            new SourceFingerprint(source, matrices, threads));
    synchronized (LOCKS.computeIfAbsent(files(quantization).get(0), key -> new Object())) {
      QuantizedWeights found = opening.find();
      return found != null ? found : opening.make();
    }
  }

  /** One call of open. */
  private final class Opening {
    private final TensorSource source;
    private final Quantization quantization;
    private final List<StackedMatrix> matrices;
    private final int threads;
    private final ProgressListener listener;
    private final SourceFingerprint fingerprint;
    private String content;

    Opening(
        TensorSource source,
        Quantization quantization,
        List<StackedMatrix> matrices,
        int threads,
        ProgressListener listener,
        SourceFingerprint fingerprint) {
      this.source = source;
      this.quantization = quantization;
      this.matrices = matrices;
      this.threads = threads;
      this.listener = listener;
      this.fingerprint = fingerprint;
    }

    /** A file that is there and right, or null. */
    QuantizedWeights find() throws IOException {
      for (Path file : files(quantization)) {
        if (!Files.exists(file)) {
          continue;
        }
        try {
          QuantizedWeights weights = openFile(file, Map.of());
          boolean current = false;
          try {
            current = isCurrent(weights);
          } finally {
            if (!current) {
              weights.close();
            }
          }
          if (current) {
            return weights;
          }
          LOG.info("{}: made from other weights", file);
        } catch (InterruptedIOException e) {
          throw e;
        } catch (IOException e) {
          LOG.info("not used: {}", e.getMessage());
        }
      }
      return null;
    }

    private QuantizedWeights openFile(Path file, Map<String, String> more) throws IOException {
      Map<String, String> wanted = new LinkedHashMap<>();
      wanted.put(FORMAT_KEY, FORMAT);
      wanted.put(NAME_KEY, quantization.name());
      wanted.putAll(more);
      return QuantizedWeights.open(file, quantization, matrices, source, wanted);
    }

    private boolean isCurrent(QuantizedWeights weights) throws IOException {
      Map<String, String> metadata = weights.metadata();
      return fingerprint.stamp().equals(metadata.get(STAMP_KEY))
          || content().equals(metadata.get(CONTENT_KEY));
    }

    private String content() throws IOException {
      if (content == null) {
        content = fingerprint.content();
      }
      return content;
    }

    /** Quantises into the first folder that can be written. */
    QuantizedWeights make() throws IOException {
      String stamp = fingerprint.stamp();
      Map<String, String> metadata = new LinkedHashMap<>();
      metadata.put(FORMAT_KEY, FORMAT);
      metadata.put(NAME_KEY, quantization.name());
      metadata.put(CONTENT_KEY, content());
      metadata.put(STAMP_KEY, stamp);
      for (Path file : files(quantization)) {
        if (!prepare(file)) {
          continue;
        }
        LOG.info("quantising to {}", file);
        try {
          new WeightQuantizer(source, quantization, matrices, threads, listener)
              .write(file, metadata);
        } catch (ClosedByInterruptException e) {
          InterruptedIOException interrupted =
              new InterruptedIOException(source.origin() + ": quantising was interrupted");
          interrupted.initCause(e);
          throw interrupted;
        }
        if (!fingerprint.stamp().equals(stamp)) {
          Files.deleteIfExists(file);
          throw new IOException(source.origin() + ": changed while it was being quantised");
        }
        return openFile(file, metadata);
      }
      throw new IOException(
          "quantised weights can be written to none of "
              + folders
              + "; name a folder with -Ddeem.cache=FOLDER");
    }
  }

  /** Makes the file's folder; whether a file can be written there. */
  private static boolean prepare(Path file) {
    Path folder = file.getParent();
    try {
      Files.createDirectories(folder);
      Path probe = Files.createTempFile(folder, ".writable", ".tmp");
      Files.delete(probe);
      removeAbandoned(folder, file.getFileName().toString());
      return true;
    } catch (IOException e) {
      LOG.debug("{}: cannot be written to", folder, e);
      return false;
    }
  }

  /** A killed process leaves its unfinished file, which can be large. */
  private static void removeAbandoned(Path folder, String name) throws IOException {
    FileTime before = FileTime.from(Instant.now().minus(ABANDONED));
    try (DirectoryStream<Path> left = Files.newDirectoryStream(folder, "." + name + ".*.tmp")) {
      for (Path each : left) {
        if (Files.getLastModifiedTime(each).compareTo(before) < 0) {
          Files.deleteIfExists(each);
        }
      }
    }
  }
}
