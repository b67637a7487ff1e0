package io.deem.training.evaluation;

import io.deem.training.data.DataSet;
import io.deem.training.data.DataSets;
import io.deem.training.data.ImageSource;
import io.deem.training.data.Sample;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Pictures in a folder for each class, which is named after it, as in {@code birds/jay/1.jpg};
 * underscores are spaces.
 *
 * @param pictures in the order of their names
 * @param classes sorted, each once
 */
public record LabelledFolder(List<Picture> pictures, List<String> classes) {

  /**
   * A picture.
   *
   * @param image it
   * @param label its class
   */
  public record Picture(ImageSource image, String label) {}

  /** Copies the lists. */
  public LabelledFolder {
    pictures = List.copyOf(pictures);
    classes = List.copyOf(classes);
  }

  /**
   * Lists a folder's pictures.
   *
   * @throws IOException if there are none, or one lies in no folder of a class
   */
  public static LabelledFolder read(Path folder) throws IOException {
    List<Picture> pictures = new ArrayList<>();
    try (DataSet all = DataSets.folder(folder)) {
      for (long i = 0; i < all.size(); i++) {
        Sample sample = all.sample(i);
        pictures.add(new Picture(sample.images().get(0), label(sample)));
      }
    }
    if (pictures.isEmpty()) {
      throw new IOException(folder + ": has no pictures");
    }
    TreeSet<String> classes =
        pictures.stream().map(Picture::label).collect(Collectors.toCollection(TreeSet::new));
    return new LabelledFolder(pictures, List.copyOf(classes));
  }

  private static String label(Sample sample) throws IOException {
    String name = sample.images().get(0).name();
    int slash = name.indexOf('/');
    if (slash < 1) {
      throw new IOException(name + ": lies in no folder named after its class");
    }
    return name.substring(0, slash).replace('_', ' ');
  }
}
