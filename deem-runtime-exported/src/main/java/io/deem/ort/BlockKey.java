package io.deem.ort;

import io.deem.graph.Block;
import io.deem.graph.Op;
import io.deem.graph.Tensor;
import io.deem.portable.Hex;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.stream.Collectors;

/**
 * What a block computes, as a name for a file: a hash of its operations, their operands, attributes
 * and shapes, its tables and the names of its parameters. Blocks that compute the same have the
 * same key, whatever they are called.
 */
public final class BlockKey {

  /** Changes whenever the models that the compiler writes do. */
  static final String VERSION = "deem-onnx/2";

  private static final int BYTES = 16;

  private BlockKey() {}

  /** The key of a block: 32 hexadecimal digits. */
  public static String of(Block block) {
    MessageDigest digest = sha256();
    put(digest, VERSION);
    for (Tensor node : block.nodes()) {
      put(digest, node.id() + " " + node.op() + node.shape() + node.type());
      put(digest, node.operands().stream().map(BlockKey::id).collect(Collectors.joining(",")));
      if (node.op() == Op.CONSTANT) {
        float[] values = node.attributes().get("values", float[].class);
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES));
        bytes.asFloatBuffer().put(values);
        digest.update(bytes);
      } else {
        put(digest, node.attributes().toString());
      }
    }
    put(digest, block.outputs().stream().map(BlockKey::id).collect(Collectors.joining(",")));
    return Hex.of(digest.digest(), BYTES);
  }

  private static String id(Tensor tensor) {
    return tensor == null ? "-" : Integer.toString(tensor.id());
  }

  private static void put(MessageDigest digest, String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) '\n');
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
