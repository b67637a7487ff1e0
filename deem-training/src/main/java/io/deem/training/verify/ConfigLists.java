package io.deem.training.verify;

import com.google.gson.JsonObject;
import io.deem.verify.Sizes;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Lists of names and numbers in a fixture's configuration. */
final class ConfigLists {

  private ConfigLists() {}

  static List<String> names(JsonObject config, String list) {
    return new Sizes(config).texts(list);
  }

  static int[] ints(JsonObject config, String list) {
    return new Sizes(config).integers(list).stream().mapToInt(Integer::intValue).toArray();
  }

  static int[] ints(long[] values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }

  /** What only one of the two has. */
  static Set<String> difference(Collection<String> a, Collection<String> b) {
    Set<String> difference = new TreeSet<>(a);
    difference.addAll(b);
    difference.removeIf(name -> a.contains(name) && b.contains(name));
    return difference;
  }
}
