package io.deem.graph;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The constants of one operation, by name: axes, strides, epsilon. */
public final class Attributes {

  static final Attributes NONE = new Attributes(Map.of());

  private final Map<String, Object> values;

  private Attributes(Map<String, Object> values) {
    this.values = values;
  }

  /** Attributes from alternating names and values. */
  static Attributes of(Object... namesAndValues) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      values.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    return new Attributes(values);
  }

  /** An integer attribute. */
  public int integer(String name) {
    return (Integer) get(name);
  }

  /** A floating-point attribute. */
  public double number(String name) {
    return (Double) get(name);
  }

  /** A yes-or-no attribute. */
  public boolean flag(String name) {
    return (Boolean) get(name);
  }

  /** An attribute that is an extent. */
  public Dim dim(String name) {
    return (Dim) get(name);
  }

  /** An attribute that is a list of integers. */
  @SuppressWarnings("unchecked")
  public List<Integer> integers(String name) {
    return (List<Integer>) get(name);
  }

  /** An attribute of any type. */
  public <T> T get(String name, Class<T> type) {
    return type.cast(get(name));
  }

  private Object get(String name) {
    Object value = values.get(name);
    if (value == null) {
      throw new IllegalStateException("no attribute " + name + " in " + values);
    }
    return value;
  }

  @Override
  public String toString() {
    return values.toString();
  }
}
