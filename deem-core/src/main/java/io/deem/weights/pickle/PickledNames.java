package io.deem.weights.pickle;

import io.deem.json.ErrorText;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a pickle may name, and what each call of these stands for. Everything else is refused by its
 * name; nothing is looked up or loaded.
 */
final class PickledNames {

  private static final Set<String> STORAGES =
      Set.of(
          "DoubleStorage",
          "FloatStorage",
          "HalfStorage",
          "BFloat16Storage",
          "LongStorage",
          "IntStorage",
          "ShortStorage",
          "CharStorage",
          "ByteStorage",
          "BoolStorage");

  private static final Set<String> CALLABLE =
      Set.of(
          "collections.OrderedDict",
          "torch._utils._rebuild_tensor_v2",
          "torch._utils._rebuild_parameter",
          "torch.Size");

  private static final int MOST_DIMENSIONS = 64;

  /** Values that a pickle may make, copies included: a hundred times a large model's. */
  private static final long MOST_VALUES = 1L << 22;

  /** A name that a pickle refers to. */
  record Named(String name) {}

  /** What a persistent id stands for. */
  record Storage(String type, String key, long elements) {}

  private final String origin;
  private long values;

  PickledNames(String origin) {
    this.origin = origin;
  }

  /**
   * Counts values that are made. Each costs memory, and a few bytes of a pickle can repeat what
   * makes many.
   */
  void count(int made) throws MalformedPickleException {
    values += made;
    if (values > MOST_VALUES) {
      throw malformed("makes more than " + MOST_VALUES + " values");
    }
  }

  /** The name, if tensors need it. */
  Named find(String module, String name) throws MalformedPickleException {
    String full = module + "." + name;
    boolean storage = module.equals("torch") && STORAGES.contains(name);
    if (!storage && !CALLABLE.contains(full)) {
      throw new MalformedPickleException(
          origin
              + ": refers to "
              + ErrorText.quote(full)
              + "; only tensors and plain containers are read");
    }
    return new Named(full);
  }

  /** What a call gives. */
  Object call(Object callee, Object arguments) throws MalformedPickleException {
    if (!(callee instanceof Named named) || !(arguments instanceof List<?> given)) {
      throw malformed("calls what is not a name");
    }
    return switch (named.name) {
      case "collections.OrderedDict" -> dictionary(given);
      case "torch._utils._rebuild_tensor_v2" -> tensor(given);
      case "torch._utils._rebuild_parameter" -> parameter(given);
      case "torch.Size" -> given.size() == 1 ? given.get(0) : List.of();
      default -> throw malformed("calls " + ErrorText.quote(named.name));
    };
  }

  /** What a persistent id, {@code ('storage', type, key, device, elements)}, stands for. */
  Storage storage(Object id) throws MalformedPickleException {
    if (id instanceof List<?> parts
        && parts.size() == 5
        && "storage".equals(parts.get(0))
        && parts.get(1) instanceof Named type
        && type.name.endsWith("Storage")
        && parts.get(2) instanceof String key
        && parts.get(4) instanceof Long elements) {
      return new Storage(type.name.substring("torch.".length()), key, elements);
    }
    throw malformed("has a persistent id that is not a storage");
  }

  private Map<Object, Object> dictionary(List<?> arguments) throws MalformedPickleException {
    Map<Object, Object> made = new LinkedHashMap<>();
    if (arguments.isEmpty()) {
      return made;
    }
    // Python 2 hands over a list of pairs.
    if (arguments.size() == 1 && arguments.get(0) instanceof List<?> pairs) {
      for (Object each : pairs) {
        if (!(each instanceof List<?> pair) || pair.size() != 2) {
          throw malformed("makes a dictionary of what are not pairs");
        }
        put(made, pair.get(0), pair.get(1));
      }
      return made;
    }
    throw malformed("makes a dictionary of what are not pairs");
  }

  /** Adds an entry; only plain keys, whose hash is cheap and final. */
  void put(Map<Object, Object> map, Object key, Object value) throws MalformedPickleException {
    if (!(key instanceof String || key instanceof Long || key instanceof Boolean)) {
      throw malformed("has a dictionary key that is neither text nor a whole number");
    }
    count(1);
    map.put(key, value);
  }

  private StoredTensor tensor(List<?> arguments) throws MalformedPickleException {
    if (arguments.size() >= 4
        && arguments.get(0) instanceof Storage storage
        && arguments.get(1) instanceof Long offset) {
      long[] shape = longs(arguments.get(2));
      long[] stride = longs(arguments.get(3));
      if (shape.length == stride.length && shape.length <= MOST_DIMENSIONS) {
        return new StoredTensor(storage.type, storage.key, storage.elements, offset, shape, stride);
      }
    }
    throw malformed("describes a tensor in a way that is not PyTorch's");
  }

  private StoredTensor parameter(List<?> arguments) throws MalformedPickleException {
    if (!arguments.isEmpty() && arguments.get(0) instanceof StoredTensor tensor) {
      return tensor;
    }
    throw malformed("describes a parameter in a way that is not PyTorch's");
  }

  private long[] longs(Object list) throws MalformedPickleException {
    if (!(list instanceof List<?> numbers) || numbers.size() > MOST_DIMENSIONS) {
      throw malformed("describes a tensor in a way that is not PyTorch's");
    }
    count(numbers.size());
    long[] result = new long[numbers.size()];
    for (int i = 0; i < result.length; i++) {
      if (!(numbers.get(i) instanceof Long number)) {
        throw malformed("describes a tensor in a way that is not PyTorch's");
      }
      result[i] = number;
    }
    return result;
  }

  private MalformedPickleException malformed(String found) {
    return new MalformedPickleException(origin + ": " + found);
  }
}
