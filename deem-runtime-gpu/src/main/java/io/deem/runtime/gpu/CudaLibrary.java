package io.deem.runtime.gpu;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * libtorch for CUDA: finds it on the class path, unpacks it once, together with the library that
 * connects it to Java, and tells DJL to take it.
 *
 * <p>The files are unpacked beside their place, checked against the archive's checksums and moved
 * there whole, under a lock, so that a process that is killed meanwhile or a second one leave
 * nothing half done.
 */
final class CudaLibrary {

  /** What brings it. */
  static final String ARTIFACT = "ai.djl.pytorch:pytorch-native-cu124:2.5.1:linux-x86_64";

  private static final Logger LOG = LoggerFactory.getLogger(CudaLibrary.class);
  private static final String PATH = "PYTORCH_LIBRARY_PATH";
  private static final String PROPERTIES = "native/lib/pytorch.properties";
  private static final String JNI = "libdjl_torch.so";
  private static final String EMBEDDED_JNI = "io/deem/runtime/gpu/native/" + JNI;
  private static final String MANIFEST = "files.txt";
  private static final String CUDA = "cu124";
  private static final String DRIVER_PART = "libcaffe2_nvrtc.so";

  private final ClassLoader loader;
  private final String version;
  private final List<String> names;

  private CudaLibrary(ClassLoader loader, String version, List<String> names) {
    this.loader = loader;
    this.version = version;
    this.names = names;
  }

  /**
   * Why libtorch for CUDA is missing.
   *
   * @return null if it is there
   */
  static String missing(ClassLoader loader) {
    if (chosenByHand() != null) {
      return null;
    }
    try {
      return find(loader) != null
          ? null
          : "libtorch for CUDA is not on the class path; add the dependency " + ARTIFACT;
    } catch (IOException e) {
      return "libtorch for CUDA cannot be read: " + e.getMessage();
    }
  }

  /**
   * Makes DJL load libtorch for CUDA; without effect once a libtorch is loaded.
   *
   * @param cache folder under which it is unpacked
   * @throws IOException if it is not there or cannot be unpacked
   */
  static void choose(ClassLoader loader, Path cache) throws IOException {
    if (chosenByHand() != null) {
      return;
    }
    CudaLibrary library = find(loader);
    if (library == null) {
      throw new IOException(missing(loader));
    }
    Path folder = library.unpack(cache);
    System.setProperty(PATH, folder.toString());
    System.setProperty("PYTORCH_VERSION", library.version.replaceAll("-.*", ""));
    // By another flavour's name DJL loads the same files but for the one that links to the driver,
    // without which all of libtorch would fail to load.
    System.setProperty("PYTORCH_FLAVOR", "cpu");
  }

  /**
   * Loads the file that links to the driver. libtorch would do so when it first needs it, and then
   * say less about why it cannot.
   *
   * @throws UnsatisfiedLinkError if there is no driver
   */
  static void loadDriverPart() {
    String folder = chosenByHand();
    if (folder != null && Files.exists(Path.of(folder, DRIVER_PART))) {
      System.load(Path.of(folder, DRIVER_PART).toAbsolutePath().toString());
    }
  }

  /** Where DJL keeps unpacked libraries. */
  static Path defaultCache() {
    return ai.djl.util.Utils.getEngineCacheDir("pytorch");
  }

  private static String chosenByHand() {
    return ai.djl.util.Utils.getEnvOrSystemProperty(PATH);
  }

  /** Null if it is not on the class path. */
  static CudaLibrary find(ClassLoader loader) throws IOException {
    // libtorch for processors brings a file of the same name.
    List<URL> found = new ArrayList<>();
    loader.getResources(PROPERTIES).asIterator().forEachRemaining(found::add);
    for (URL url : found) {
      Properties properties = new Properties();
      try (InputStream in = url.openStream()) {
        properties.load(in);
      }
      if (CUDA.equals(properties.getProperty("flavor"))) {
        String version = properties.getProperty("version", "");
        List<String> names = List.of(properties.getProperty("libraries", "").split(",", -1));
        if (!version.matches("[0-9][0-9A-Za-z.-]*")
            || names.stream().anyMatch(name -> !name.matches("[A-Za-z0-9_+.-]*\\.so[0-9.]*"))) {
          throw new IOException(url + ": does not list a libtorch");
        }
        return new CudaLibrary(loader, version, names);
      }
    }
    return null;
  }

  /**
   * Unpacks the files, if they are not there yet.
   *
   * @return the folder that holds them all
   */
  Path unpack(Path cache) throws IOException {
    Path folder = cache.resolve("deem-" + version + "-" + CUDA + "-linux-x86_64").toAbsolutePath();
    if (isWhole(folder)) {
      return folder;
    }
    Files.createDirectories(cache);
    Path lock = folder.resolveSibling(folder.getFileName() + ".lock");
    try (FileChannel channel =
            FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock held = channel.lock()) {
      if (held.isValid() && !isWhole(folder)) {
        unpackAnew(folder);
      }
    }
    return folder;
  }

  private void unpackAnew(Path folder) throws IOException {
    LOG.info("unpacking libtorch {} for CUDA to {}; this is done once", version, folder);
    Path beside = Files.createTempDirectory(folder.getParent(), "unpacking");
    try {
      StringBuilder manifest = new StringBuilder();
      for (Map.Entry<String, String> file : files().entrySet()) {
        Path target = beside.resolve(file.getKey());
        try (InputStream in = loader.getResourceAsStream(file.getValue())) {
          if (in == null) {
            throw new IOException(file.getValue() + ": is missing in " + ARTIFACT);
          }
          // Reading an archive's entry to its end checks its checksum.
          Files.copy(in, target);
        }
        manifest.append(Files.size(target)).append(' ').append(file.getKey()).append('\n');
      }
      Files.writeString(beside.resolve(MANIFEST), manifest);
      delete(folder);
      Files.move(beside, folder, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new IOException(
          "libtorch for CUDA cannot be unpacked to "
              + folder.getParent()
              + " (it needs about 4 GB there, and "
              + (folder.getParent().toFile().getUsableSpace() >> 20)
              + " MiB are free): "
              + e.getMessage(),
          e);
    } finally {
      delete(beside);
    }
  }

  /** Resources by the name of their file. */
  private Map<String, String> files() {
    Map<String, String> files = new LinkedHashMap<>();
    names.forEach(name -> files.put(name, "pytorch/" + CUDA + "/linux-x86_64/" + name));
    files.put(JNI, EMBEDDED_JNI);
    return files;
  }

  /** Whether every file is there in its full length. */
  private boolean isWhole(Path folder) throws IOException {
    Path manifest = folder.resolve(MANIFEST);
    if (!Files.exists(manifest)) {
      return false;
    }
    List<String> listed = new ArrayList<>();
    for (String line : Files.readAllLines(manifest)) {
      String[] parts = line.split(" ", 2);
      Path file = folder.resolve(parts[parts.length - 1]);
      if (!Files.exists(file) || !Long.toString(Files.size(file)).equals(parts[0])) {
        return false;
      }
      listed.add(parts[1]);
    }
    return listed.containsAll(files().keySet());
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
