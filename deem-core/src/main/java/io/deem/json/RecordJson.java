package io.deem.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Records as JSON objects, entry by entry of the same name. Reading is strict: every entry must be
 * there, none may be unknown, and each must have its type; Gson alone would fill gaps with zeros.
 *
 * <p>Components may be {@code int}, {@code double}, {@code boolean}, {@code String}, enums,
 * records, interfaces with {@link Alternatives}, lists of these, and maps from text to these. Only
 * the entry of an {@code Optional} of these may be left out, and is if it is empty.
 */
public final class RecordJson {

  /** Whole numbers describe sizes; what is larger is a mistake, or an attempt to exhaust memory. */
  private static final int LARGEST = 1 << 24;

  private RecordJson() {}

  /** The JSON of a record, or of any value that a record may hold. */
  public static JsonElement write(Object value) {
    if (value instanceof Record) {
      JsonObject object = new JsonObject();
      for (RecordForm.Component component : RecordForm.of(value.getClass()).components()) {
        Object inner = component.get(value);
        if (inner instanceof Optional<?> optional) {
          optional.ifPresent(present -> object.add(component.name(), write(present)));
        } else {
          object.add(component.name(), write(inner));
        }
      }
      return object;
    }
    if (value instanceof List<?> list) {
      JsonArray array = new JsonArray();
      list.forEach(element -> array.add(write(element)));
      return array;
    }
    if (value instanceof Map<?, ?> map) {
      JsonObject object = new JsonObject();
      map.forEach((key, element) -> object.add((String) key, write(element)));
      return object;
    }
    if (value instanceof Number number) {
      return new JsonPrimitive(number);
    }
    return value instanceof Boolean truth
        ? new JsonPrimitive(truth)
        : new JsonPrimitive(value instanceof Enum<?> constant ? constant.name() : (String) value);
  }

  /**
   * Reads a record.
   *
   * @throws IllegalArgumentException in one line that begins with the path of the entry that is
   *     missing, unknown, of the wrong type, or refused by its record
   */
  public static <T extends Record> T read(Class<T> type, JsonObject json) {
    return type.cast(record(type, json, ""));
  }

  private static Object value(Type type, JsonElement json, String path) {
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      if (generic.getRawType() == Optional.class) {
        return Optional.of(value(arguments[0], json, path));
      }
      return generic.getRawType() == List.class
          ? list(arguments[0], json, path)
          : map(arguments[1], json, path);
    }
    Class<?> wanted = (Class<?>) type;
    if (Record.class.isAssignableFrom(wanted)) {
      return record(wanted, json, path);
    }
    if (wanted.isAnnotationPresent(Alternatives.class)) {
      check(json.isJsonObject(), path, json, "an object");
      return record(alternative(wanted, json.getAsJsonObject()), json, path);
    }
    JsonPrimitive primitive = json.isJsonPrimitive() ? json.getAsJsonPrimitive() : null;
    if (wanted == String.class) {
      check(primitive != null && primitive.isString(), path, json, "a text");
      return primitive.getAsString();
    }
    if (wanted == boolean.class || wanted == Boolean.class) {
      check(primitive != null && primitive.isBoolean(), path, json, "true or false");
      return primitive.getAsBoolean();
    }
    if (wanted.isEnum()) {
      return constant(wanted, json, path);
    }
    boolean number = primitive != null && primitive.isNumber();
    if (wanted == double.class || wanted == Double.class) {
      check(number && Double.isFinite(primitive.getAsDouble()), path, json, "a number");
      return primitive.getAsDouble();
    }
    if (wanted == int.class || wanted == Integer.class) {
      double size = number ? primitive.getAsDouble() : -1;
      boolean whole = size >= 0 && size <= LARGEST && size == Math.rint(size);
      check(whole, path, json, "a whole number from 0 to " + LARGEST);
      return (int) size;
    }
    throw new IllegalStateException("no JSON form for " + type);
  }

  private static Object record(Class<?> type, JsonElement json, String path) {
    check(json.isJsonObject(), path, json, "an object");
    JsonObject object = json.getAsJsonObject();
    RecordForm form = RecordForm.of(type);
    for (String name : object.keySet()) {
      if (!form.has(name)) {
        throw new IllegalArgumentException("unknown entry " + ErrorText.quote(at(path, name)));
      }
    }
    List<RecordForm.Component> components = form.components();
    Object[] values = new Object[components.size()];
    for (int i = 0; i < values.length; i++) {
      RecordForm.Component component = components.get(i);
      String inner = at(path, component.name());
      JsonElement entry = object.get(component.name());
      if (entry == null && component.isOptional()) {
        values[i] = Optional.empty();
        continue;
      }
      if (entry == null || entry.isJsonNull()) {
        throw new IllegalArgumentException("has no entry " + ErrorText.quote(inner));
      }
      values[i] = value(component.type(), entry, inner);
    }
    return construct(form, values, path);
  }

  /** Of the records that an entry may be, the one that knows most of what is there. */
  private static Class<?> alternative(Class<?> open, JsonObject object) {
    Class<?> best = null;
    long most = -1;
    for (Class<?> permitted : open.getAnnotation(Alternatives.class).value()) {
      RecordForm form = RecordForm.of(permitted);
      long known = object.keySet().stream().filter(form::has).count();
      if (known > most) {
        most = known;
        best = permitted;
      }
    }
    return best;
  }

  private static Object construct(RecordForm form, Object[] values, String path) {
    try {
      return form.make(values);
    } catch (InvocationTargetException e) {
      String reason = String.valueOf(e.getCause().getMessage());
      boolean placed = path.isEmpty() || reason.startsWith(path + ".");
      throw new IllegalArgumentException(placed ? reason : path + ": " + reason, e.getCause());
    }
  }

  private static Object list(Type type, JsonElement json, String path) {
    check(json.isJsonArray(), path, json, "a list");
    List<Object> values = new ArrayList<>();
    for (JsonElement element : json.getAsJsonArray()) {
      values.add(value(type, element, path + "[" + values.size() + "]"));
    }
    return List.copyOf(values);
  }

  private static Object map(Type type, JsonElement json, String path) {
    check(json.isJsonObject(), path, json, "an object");
    Map<String, Object> values = new LinkedHashMap<>();
    json.getAsJsonObject()
        .entrySet()
        .forEach(e -> values.put(e.getKey(), value(type, e.getValue(), at(path, e.getKey()))));
    return values;
  }

  private static Object constant(Class<?> type, JsonElement json, String path) {
    for (Object constant : type.getEnumConstants()) {
      if (json.equals(new JsonPrimitive(((Enum<?>) constant).name()))) {
        return constant;
      }
    }
    String names = Arrays.toString(type.getEnumConstants());
    throw wrong(path, json, "one of " + names.substring(1, names.length() - 1));
  }

  private static String at(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  private static void check(boolean holds, String path, JsonElement found, String wanted) {
    if (!holds) {
      throw wrong(path, found, wanted);
    }
  }

  private static IllegalArgumentException wrong(String path, JsonElement found, String wanted) {
    return new IllegalArgumentException(
        "entry "
            + ErrorText.quote(path)
            + " is not "
            + wanted
            + ": "
            + ErrorText.quote(found.toString()));
  }
}
