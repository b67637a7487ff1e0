package io.deem.weights.quantized;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.ProgressListener;
import io.deem.weights.ElementType;
import io.deem.weights.MalformedWeightsException;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Quantised weights beside their model: made once, made again when they must be. */
class QuantizationCacheTest {
  private static final Quantization HOW = new Quantization(4, 32, false);
  private static final int COLUMNS = 100;
  private static final List<StackedMatrix> MATRICES =
      List.of(new StackedMatrix("qkv", List.of("q", "k", "v")), StackedMatrix.of("head"));

  @TempDir Path parent;
  private Path folder;
  private Path users;
  private String propertyBefore;

  @BeforeEach
  void prepare() throws IOException {
    folder = Files.createDirectory(parent.resolve("model"));
    users = parent.resolve("users");
    propertyBefore = System.getProperty("deem.cache");
    System.setProperty("deem.cache", users.toString());
    model(ElementType.F32, 1);
  }

  @AfterEach
  void restore() {
    if (propertyBefore == null) {
      System.clearProperty("deem.cache");
    } else {
      System.setProperty("deem.cache", propertyBefore);
    }
  }

  private void model(ElementType type, long seed) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    int at = 0;
    for (String name : List.of("q", "k", "v", "head")) {
      int rows = 3 + 5 * at;
      float[] x = values(rows, seed + at++);
      writer.floats(name, type, new long[] {rows, COLUMNS}, () -> x);
    }
    writer.floats("bias", type, new long[] {4}, () -> new float[4]);
    writer.write(folder.resolve(ModelWeights.SINGLE_FILE));
  }

  private static float[] values(int rows, long seed) {
    Random random = new Random(seed);
    float[] x = new float[rows * COLUMNS];
    for (int i = 0; i < x.length; i++) {
      // 1/64ths are exact in every type.
      x[i] = (random.nextInt(127) - 63) / 64f;
    }
    return x;
  }

  private QuantizedWeights open(ProgressListener listener) throws IOException {
    return open(HOW, MATRICES, 2, listener);
  }

  private QuantizedWeights open(
      Quantization how, List<StackedMatrix> matrices, int threads, ProgressListener listener)
      throws IOException {
    try (ModelWeights source = ModelWeights.open(folder)) {
      return QuantizationCache.of(folder).open(source, how, matrices, threads, listener);
    }
  }

  private static ProgressListener mustNotQuantize() {
    return progress -> {
      throw new AssertionError("quantises again");
    };
  }

  private Path file() {
    return folder.resolve("quantized").resolve(HOW.name() + ".safetensors");
  }

  private void assertOpens(Path where) throws IOException {
    try (QuantizedWeights weights = open(ProgressListener.NONE)) {
      assertEquals(where, weights.file());
      float[] all = weights.dequantize("qkv", 0, 3 + 8 + 13);
      float[] k = values(8, 2);
      for (int i = 0; i < k.length; i++) {
        assertEquals(k[i], all[3 * COLUMNS + i], 2f / 15, "k " + i);
      }
    }
  }

  private void assertOpensWithoutWork() throws IOException {
    try (QuantizedWeights weights = open(mustNotQuantize())) {
      assertEquals(2, weights.matrices().size());
    }
  }

  private List<String> cacheFiles() throws IOException {
    try (Stream<Path> files = Files.list(file().getParent())) {
      return files.map(each -> each.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void quantisesOnceAndTellsProgress() throws IOException {
    List<String> told = new ArrayList<>();
    try (QuantizedWeights weights =
        open(progress -> told.add(progress.stage() + " of " + progress.totalSteps()))) {
      assertEquals(file(), weights.file());
      QuantizedMatrix matrix = weights.matrix("qkv");
      assertEquals(24, matrix.rows());
      assertEquals(COLUMNS, matrix.columns());
      assertArrayEquals(new long[] {24, 4, 16}, matrix.codes().shape());
      assertArrayEquals(new long[] {24, 4}, matrix.scales().shape());
      assertArrayEquals(new long[] {24, 2}, matrix.zeroPoints().orElseThrow().shape());
      assertThrows(IllegalArgumentException.class, () -> weights.matrix("bias"));
      assertThrows(IndexOutOfBoundsException.class, () -> weights.dequantize("qkv", 20, 5));
    }
    assertTrue(told.contains("quantising weights of 4"), told.toString());
    assertOpensWithoutWork();
    assertEquals(List.of(file().getFileName().toString()), cacheFiles());
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "F64"})
  void readsEveryType(ElementType type) throws IOException {
    float[] fromFloats;
    try (QuantizedWeights weights = open(ProgressListener.NONE)) {
      fromFloats = weights.dequantize("head", 0, 18);
    }
    model(type, 1);
    try (QuantizedWeights weights = open(ProgressListener.NONE)) {
      assertArrayEquals(fromFloats, weights.dequantize("head", 0, 18));
    }
  }

  @Test
  void writesTheSameBytesWithAnyNumberOfThreads() throws IOException {
    open(HOW, MATRICES, 1, ProgressListener.NONE).close();
    byte[] one = Files.readAllBytes(file());
    Files.delete(file());
    open(HOW, MATRICES, 5, ProgressListener.NONE).close();
    assertArrayEquals(one, Files.readAllBytes(file()));
  }

  @Test
  void noticesOtherWeights() throws IOException {
    open(ProgressListener.NONE).close();
    byte[] before = Files.readAllBytes(file());
    Path source = folder.resolve(ModelWeights.SINGLE_FILE);
    FileTime time = Files.getLastModifiedTime(source);
    model(ElementType.F32, 2);
    // The same size, and a tool that sets the time back.
    Files.setLastModifiedTime(source, time);
    open(ProgressListener.NONE).close();
    assertFalse(Arrays.equals(before, Files.readAllBytes(file())));
  }

  @Test
  void noticesOneNumberChangedInPlace() throws IOException {
    open(ProgressListener.NONE).close();
    Path source = folder.resolve(ModelWeights.SINGLE_FILE);
    FileTime time = Files.getLastModifiedTime(source);
    try (RandomAccessFile file = new RandomAccessFile(source.toFile(), "rw")) {
      // In the middle of the last matrix, between the samples.
      file.seek(file.length() - 4 * 4 - 4 * 18 * COLUMNS / 4 * 2 - 1200);
      file.write(new byte[] {0, 0, 0, 0});
    }
    Files.setLastModifiedTime(source, FileTime.fromMillis(time.toMillis() + 5000));
    boolean[] worked = new boolean[1];
    open(progress -> worked[0] = true).close();
    assertTrue(worked[0]);
  }

  @Test
  void isGoodForACopyOfTheModel() throws IOException {
    open(ProgressListener.NONE).close();
    Path source = folder.resolve(ModelWeights.SINGLE_FILE);
    Files.setLastModifiedTime(source, FileTime.fromMillis(1_000_000_000_000L));
    assertOpensWithoutWork();
  }

  @Test
  void noticesOtherMatrices() throws IOException {
    open(ProgressListener.NONE).close();
    List<StackedMatrix> others =
        List.of(new StackedMatrix("qkv", List.of("q", "v", "k")), StackedMatrix.of("head"));
    boolean[] worked = new boolean[1];
    open(HOW, others, 1, progress -> worked[0] = true).close();
    assertTrue(worked[0]);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5, 300, -1})
  void replacesATruncatedFile(int left) throws IOException {
    open(ProgressListener.NONE).close();
    byte[] whole = Files.readAllBytes(file());
    try (RandomAccessFile cut = new RandomAccessFile(file().toFile(), "rw")) {
      cut.setLength(left < 0 ? whole.length + left : left);
    }
    assertOpens(file());
    assertArrayEquals(whole, Files.readAllBytes(file()));
  }

  @Test
  void doesNotTrustAFileBecauseOfItsMetadata() throws IOException {
    open(ProgressListener.NONE).close();
    byte[] whole = Files.readAllBytes(file());
    String text = new String(whole, StandardCharsets.ISO_8859_1);
    // All the right metadata over tensors of another shape.
    String other = text.replaceFirst("\\[24,4,16\\]", "[4,24,16]");
    assertNotEquals(text, other);
    Files.write(file(), other.getBytes(StandardCharsets.ISO_8859_1));
    assertOpens(file());
    assertArrayEquals(whole, Files.readAllBytes(file()));
  }

  @Test
  void goesToTheUsersCacheWhenTheModelCannotBeWrittenTo() throws IOException {
    // A file where the folder should be stops even a user who may write anywhere.
    Files.writeString(folder.resolve("quantized"), "in the way");
    Path instead = QuantizationCache.of(folder).files(HOW).get(1);
    assertTrue(instead.startsWith(users), instead.toString());
    assertOpens(instead);
    assertOpensWithoutWork();

    Files.delete(instead);
    Files.delete(instead.getParent());
    Files.writeString(instead.getParent(), "in the way");
    IOException e = assertThrows(IOException.class, () -> open(ProgressListener.NONE));
    assertTrue(e.getMessage().contains("-Ddeem.cache="), e.getMessage());
  }

  @Test
  void leavesNothingBehindWhenANumberIsNotFinite() throws IOException {
    float[] x = values(6, 9);
    x[2 * COLUMNS + 7] = Float.NaN;
    Path source = folder.resolve(ModelWeights.SINGLE_FILE);
    new SafetensorsWriter()
        .floats("w", ElementType.F32, new long[] {6, COLUMNS}, () -> x)
        .write(source);
    MalformedWeightsException e =
        assertThrows(
            MalformedWeightsException.class,
            () -> open(HOW, List.of(StackedMatrix.of("w")), 3, ProgressListener.NONE));
    assertEquals(
        source + ": tensor \"w\" holds NaN at [2, 7], which cannot be quantised", e.getMessage());
    assertEquals(List.of(), cacheFiles());
  }

  @Test
  void refusesWhatIsNoMatrix() {
    for (List<String> parts : List.of(List.of("bias"), List.of("absent"), List.of("q", "bias"))) {
      assertThrows(
          IllegalArgumentException.class,
          () -> open(HOW, List.of(new StackedMatrix("m", parts)), 1, ProgressListener.NONE));
    }
  }

  @Test
  void stopsWhenInterruptedAndClearsAwayWhatAKilledProcessLeft() throws IOException {
    assertThrows(
        InterruptedIOException.class, () -> open(progress -> Thread.currentThread().interrupt()));
    assertTrue(Thread.interrupted());
    assertEquals(List.of(), cacheFiles());
    Path left = file().resolveSibling("." + file().getFileName() + ".killed.tmp");
    Files.writeString(left, "unfinished");
    Files.setLastModifiedTime(left, FileTime.fromMillis(0));
    assertOpens(file());
    assertEquals(List.of(file().getFileName().toString()), cacheFiles());
  }

  @Test
  void manyMayOpenItAtOnce() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(6);
    try {
      List<Callable<float[]>> calls = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        calls.add(
            () -> {
              try (QuantizedWeights weights = open(ProgressListener.NONE)) {
                return weights.dequantize("qkv", 0, 24);
              }
            });
      }
      List<Future<float[]>> results = threads.invokeAll(calls);
      for (Future<float[]> result : results) {
        assertArrayEquals(results.get(0).get(), result.get());
      }
    } finally {
      threads.shutdownNow();
    }
    assertEquals(List.of(file().getFileName().toString()), cacheFiles());
  }
}
