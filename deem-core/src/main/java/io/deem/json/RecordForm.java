package io.deem.json;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The components of a record and the constructor that takes them. Android 26 does not know of
 * records: to it they are classes with fields, of which the canonical constructor takes all. The
 * parameters' names come from the class file, which the build has them written to; without them the
 * order of the fields counts, which a virtual machine for desktops keeps.
 */
final class RecordForm {

  private static final Map<Class<?>, RecordForm> KNOWN = new ConcurrentHashMap<>();

  private final Constructor<?> canonical;
  private final List<Component> components;

  private RecordForm(Constructor<?> canonical, List<Component> components) {
    this.canonical = canonical;
    this.components = List.copyOf(components);
  }

  /** A component: its name, its type, and the method that tells its value. */
  record Component(String name, Type type, Method accessor) {

    boolean isOptional() {
      return accessor.getReturnType() == Optional.class;
    }

    Object get(Object record) {
      try {
        return accessor.invoke(record);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("cannot read " + accessor, e);
      }
    }
  }

  /** The form of a record. */
  static RecordForm of(Class<?> type) {
    return KNOWN.computeIfAbsent(type, RecordForm::read);
  }

  List<Component> components() {
    return components;
  }

  boolean has(String name) {
    return components.stream().anyMatch(component -> component.name.equals(name));
  }

  /** Makes a record of its components' values. */
  Object make(Object... values) throws InvocationTargetException {
    try {
      return canonical.newInstance(values);
    } catch (InstantiationException | IllegalAccessException e) {
      throw new IllegalStateException("cannot make a " + canonical.getDeclaringClass(), e);
    }
  }

  private static RecordForm read(Class<?> type) {
    List<Field> fields = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Field field : type.getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
        fields.add(field);
        names.add(field.getName());
      }
    }
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      List<String> ordered = names(constructor, fields);
      if (ordered.size() == names.size() && names.containsAll(ordered)) {
        return new RecordForm(accessible(constructor), components(type, constructor, ordered));
      }
    }
    throw new IllegalStateException("no canonical constructor of " + type.getName());
  }

  /** The names of a constructor's parameters; empty if it cannot be the canonical one. */
  private static List<String> names(Constructor<?> constructor, List<Field> fields) {
    Parameter[] parameters = constructor.getParameters();
    List<String> names = new ArrayList<>();
    if (parameters.length != fields.size()) {
      return names;
    }
    for (int i = 0; i < parameters.length; i++) {
      if (parameters[i].isNamePresent()) {
        names.add(parameters[i].getName());
      } else if (parameters[i].getType() == fields.get(i).getType()) {
        names.add(fields.get(i).getName());
      }
    }
    return names;
  }

  private static List<Component> components(
      Class<?> type, Constructor<?> constructor, List<String> names) {
    Type[] types = constructor.getGenericParameterTypes();
    List<Component> components = new ArrayList<>();
    try {
      for (int i = 0; i < types.length; i++) {
        Method accessor = type.getDeclaredMethod(names.get(i));
        accessor.setAccessible(true);
        components.add(new Component(names.get(i), types[i], accessor));
      }
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException("not a record: " + type.getName(), e);
    }
    return components;
  }

  private static Constructor<?> accessible(Constructor<?> constructor) {
    constructor.setAccessible(true);
    return constructor;
  }
}
