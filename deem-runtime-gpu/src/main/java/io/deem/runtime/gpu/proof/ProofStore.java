package io.deem.runtime.gpu.proof;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.graph.Block;
import io.deem.torch.Precision;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchOptions;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** The tensors and scripts of a proof, each kept once. */
final class ProofStore {

  static final String TENSORS = "tensors.safetensors";
  static final String SCRIPTS = "scripts.zip";
  private static final TorchOptions BF16 = TorchOptions.accelerated(TorchOptions.CPU);
  private static final TorchOptions FP32 = BF16.withPrecision(Precision.FP32);
  private static final int KEY_BYTES = 10;

  private record Stored(ElementType type, long[] shape, byte[] bytes) {}

  private record Script(String name, byte[] fp32, byte[] bf16, List<Integer> narrow) {}

  private final Map<String, Stored> tensors = new LinkedHashMap<>();
  private final Map<String, Integer> scriptOf = new LinkedHashMap<>();
  private final List<Script> scripts = new ArrayList<>();

  /** Keeps numbers; the same numbers have the same key. */
  String floats(float[] values, long... shape) {
    byte[] bytes = new byte[Math.multiplyExact(values.length, Float.BYTES)];
    littleEndian(bytes).asFloatBuffer().put(values);
    return keep(new Stored(ElementType.F32, shape, bytes));
  }

  /** Keeps integers. */
  String longs(long[] values, long... shape) {
    byte[] bytes = new byte[Math.multiplyExact(values.length, Long.BYTES)];
    littleEndian(bytes).asLongBuffer().put(values);
    return keep(new Stored(ElementType.I64, shape, bytes));
  }

  /** Keeps truth values. */
  String bools(boolean[] values, long... shape) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) (values[i] ? 1 : 0);
    }
    return keep(new Stored(ElementType.BOOL, shape, bytes));
  }

  /** The number of a block's script; blocks of equal structure share one. */
  int script(Block block) {
    byte[] fp32 = TorchEngine.archive(block, FP32);
    byte[] bf16 = TorchEngine.archive(block, BF16);
    Set<String> names = TorchEngine.narrowParams(block);
    List<Integer> narrow = new ArrayList<>();
    for (int i = 0; i < block.params().size(); i++) {
      if (names.contains(block.params().get(i).name())) {
        narrow.add(i);
      }
    }
    return scriptOf.computeIfAbsent(
        digest(fp32, bf16),
        key -> {
          scripts.add(new Script(block.name(), fp32, bf16, narrow));
          return scripts.size() - 1;
        });
  }

  /** Writes the tensors and scripts; returns the scripts' descriptions. */
  JsonArray write(Path folder) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    tensors.forEach(
        (key, each) -> writer.bytes(key, each.type, each.shape, () -> littleEndian(each.bytes)));
    writer.write(folder.resolve(TENSORS));
    JsonArray list = new JsonArray();
    try (ZipOutputStream zip =
        new ZipOutputStream(Files.newOutputStream(folder.resolve(SCRIPTS)))) {
      for (int i = 0; i < scripts.size(); i++) {
        Script script = scripts.get(i);
        JsonObject json = new JsonObject();
        json.addProperty("name", script.name);
        json.addProperty("fp32", entry(zip, i, "fp32", script.fp32));
        json.addProperty("bf16", entry(zip, i, "bf16", script.bf16));
        JsonArray narrow = new JsonArray();
        script.narrow.forEach(narrow::add);
        json.add("narrow", narrow);
        list.add(json);
      }
    }
    return list;
  }

  private static String entry(ZipOutputStream zip, int number, String precision, byte[] archive)
      throws IOException {
    String name = String.format("%04d-%s.pt", number, precision);
    ZipEntry entry = new ZipEntry(name);
    entry.setTime(0);
    zip.putNextEntry(entry);
    zip.write(archive);
    zip.closeEntry();
    return name;
  }

  private String keep(Stored stored) {
    byte[] shape = new byte[stored.shape.length * Long.BYTES];
    littleEndian(shape).asLongBuffer().put(stored.shape);
    String key =
        digest(
            stored.type.name().getBytes(java.nio.charset.StandardCharsets.US_ASCII),
            shape,
            stored.bytes);
    tensors.putIfAbsent(key, stored);
    return key;
  }

  private static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static String digest(byte[]... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (byte[] part : parts) {
        digest.update(part);
      }
      return HexFormat.of().formatHex(digest.digest(), 0, KEY_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
