package io.deem.runtime.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NvidiaDriverTest {

  @TempDir Path root;

  private String reason(Map<String, String> environment) {
    return new NvidiaDriver(root, environment, "Linux", "amd64").unusableBecause();
  }

  private void driver(String version) throws IOException {
    Path file = root.resolve("proc/driver/nvidia/version");
    Files.createDirectories(file.getParent());
    Files.writeString(file, version + "\nGCC version:  gcc version 12.2.0\n");
  }

  private void device() throws IOException {
    Files.createDirectories(root.resolve("dev"));
    Files.createFile(root.resolve("dev/nvidia0"));
  }

  @ParameterizedTest
  @CsvSource({
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024",
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.133.20  Release Build",
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  525.60.13  Wed Nov 30 06:39:21 UTC 2022"
  })
  void aDriverAndADeviceAreUsable(String version) throws IOException {
    driver(version);
    device();
    assertNull(reason(Map.of()));
    assertNull(reason(Map.of("CUDA_VISIBLE_DEVICES", "0,1")));
  }

  @Test
  void withoutADriver() {
    assertEquals(
        "no NVIDIA driver is loaded (/proc/driver/nvidia/version is missing); install version"
            + " 525.60.13 or newer",
        reason(Map.of()));
  }

  @ParameterizedTest
  @CsvSource({"470.199.02", "525.60.11", "390.157", "525"})
  void aDriverThatIsTooOld(String version) throws IOException {
    driver("NVRM version: NVIDIA UNIX x86_64 Kernel Module  " + version + "  Thu May 11 2023");
    device();
    // A number alone is no version.
    if (version.contains(".")) {
      assertEquals(
          "the NVIDIA driver "
              + version
              + " is too old for CUDA 12.4, which needs 525.60.13 or newer",
          reason(Map.of()));
    } else {
      assertNull(reason(Map.of()));
    }
  }

  @Test
  void aDriverWithoutADevice() throws IOException {
    driver("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22");
    assertTrue(reason(Map.of()).contains("no GPU is visible"), reason(Map.of()));
  }

  @ParameterizedTest
  @CsvSource({"''", "-1"})
  void hiddenDevices(String visible) throws IOException {
    driver("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22");
    device();
    assertEquals(
        "CUDA_VISIBLE_DEVICES hides every GPU", reason(Map.of("CUDA_VISIBLE_DEVICES", visible)));
  }

  @ParameterizedTest
  @CsvSource({"Mac OS X, aarch64", "Linux, aarch64", "Windows 11, amd64"})
  void otherMachines(String system, String architecture) {
    assertEquals(
        "libtorch for CUDA is built for Linux on x86-64, and this is "
            + system
            + " on "
            + architecture,
        new NvidiaDriver(root, Map.of(), system, architecture).unusableBecause());
  }

  @Test
  void windowsSubsystem() throws IOException {
    Files.createDirectories(root.resolve("dev"));
    Files.createFile(root.resolve("dev/dxg"));
    Files.createDirectories(root.resolve("usr/lib/wsl/lib"));
    Files.createFile(root.resolve("usr/lib/wsl/lib/libcuda.so.1"));
    assertNull(reason(Map.of()));
  }
}
