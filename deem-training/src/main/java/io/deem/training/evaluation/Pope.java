package io.deem.training.evaluation;

import io.deem.random.Permutations;
import io.deem.random.RandomSource;
import io.deem.training.data.DataSet;
import io.deem.training.data.ImageSource;
import io.deem.training.data.JsonFileItems;
import io.deem.training.data.Sample;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Questions whether things are in pictures that are not (Li et al. 2023, "POPE"): as many about
 * present as about absent ones.
 */
public final class Pope {

  /** The paper's: questions about as many present and as many absent things for each picture. */
  public static final int EACH = 3;

  private static final List<String> YES_NO = List.of("yes", "no");

  private Pope() {}

  /** How absent things are chosen. */
  public enum Way {
    /** Any. */
    RANDOM,
    /** The most frequent ones of the data set that the picture lacks. */
    POPULAR,
    /** Those that most often occur together with what the picture shows. */
    ADVERSARIAL;

    /** The name in results, such as {@code popular}. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Reads a published file: a JSON object a line with {@code question_id}, {@code image}, {@code
   * text} and {@code label}.
   *
   * @param kind what its questions are counted under
   * @throws IOException if it cannot be read, or a line of it is malformed
   */
  public static List<Item> read(Path file, Path imageFolder, String kind) throws IOException {
    List<Item> items = new ArrayList<>();
    for (JsonFileItems.Entry entry : JsonFileItems.lines(file, imageFolder)) {
      ImageSource image = entry.picture(entry.text("image"));
      items.add(
          item(entry.id("question_id"), kind, image, entry.text("text"), entry.text("label")));
    }
    return items;
  }

  private static Item item(String id, String kind, ImageSource image, String text, String label) {
    String answer = label.equals("no") ? "no" : "yes";
    return new Item(id, kind, image.name(), image::read, text, YES_NO, List.of(answer));
  }

  /**
   * Builds questions from annotated instances: for every picture with at least {@value #EACH}
   * different things, in the data set's order, {@value #EACH} of these and as many absent ones.
   *
   * @param instances regions whose description is the name of what they show
   * @param pictures at most so many
   * @param seed of what is chosen
   */
  public static List<Item> build(DataSet instances, Way way, int pictures, long seed)
      throws IOException {
    Map<String, Set<String>> shown = new LinkedHashMap<>();
    Map<String, ImageSource> images = new HashMap<>();
    for (long i = 0; i < instances.size(); i++) {
      if (instances.sample(i) instanceof Sample.Region region) {
        String image = region.image().name();
        images.putIfAbsent(image, region.image());
        shown
            .computeIfAbsent(image, name -> new LinkedHashSet<>())
            .add(region.descriptions().get(0));
      }
    }
    Counts counts = new Counts(shown);
    List<Item> items = new ArrayList<>();
    int asked = 0;
    for (Map.Entry<String, Set<String>> picture : shown.entrySet()) {
      List<String> present = List.copyOf(picture.getValue());
      if (present.size() < EACH || asked == pictures) {
        continue;
      }
      RandomSource random = RandomSource.seeded(seed * 1_000_003L + asked++);
      List<String> absent = counts.absent(picture.getValue(), way, random);
      int[] order = Permutations.shuffled(present.size(), random);
      for (int i = 0; i < Math.min(EACH, absent.size()); i++) {
        String id = picture.getKey() + " " + i;
        ImageSource image = images.get(picture.getKey());
        items.add(item(id + " yes", way.id(), image, question(present.get(order[i])), "yes"));
        items.add(item(id + " no", way.id(), image, question(absent.get(i)), "no"));
      }
    }
    return items;
  }

  private static String question(String thing) {
    String article = "aeiou".indexOf(thing.charAt(0)) >= 0 ? "an " : "a ";
    return "Is there " + article + thing + " in the image?";
  }

  /** How often things occur, and how often together. */
  private static final class Counts {
    private final Map<String, Integer> single = new TreeMap<>();
    private final Map<String, Map<String, Integer>> together = new HashMap<>();

    Counts(Map<String, Set<String>> shown) {
      for (Set<String> things : shown.values()) {
        for (String thing : things) {
          single.merge(thing, 1, Integer::sum);
          Map<String, Integer> others = together.computeIfAbsent(thing, name -> new HashMap<>());
          things.stream()
              .filter(o -> !o.equals(thing))
              .forEach(o -> others.merge(o, 1, Integer::sum));
        }
      }
    }

    /** Absent things, the ones to ask about first. */
    List<String> absent(Set<String> present, Way way, RandomSource random) {
      List<String> absent = new ArrayList<>(single.keySet());
      absent.removeAll(present);
      List<String> shuffled = new ArrayList<>();
      for (int i : Permutations.shuffled(absent.size(), random)) {
        shuffled.add(absent.get(i));
      }
      // Sorting is stable, so that ties stay in random order.
      switch (way) {
        case RANDOM -> {
          // Already in random order.
        }
        case POPULAR -> shuffled.sort(Comparator.comparing(thing -> -single.get(thing)));
        case ADVERSARIAL ->
            shuffled.sort(
                Comparator.comparing(
                    thing ->
                        -present.stream()
                            .mapToInt(p -> together.get(p).getOrDefault(thing, 0))
                            .sum()));
      }
      return shuffled;
    }
  }
}
