package io.deem.training.evaluation;

import io.deem.Image;
import io.deem.text.prompt.QuestionPrompts;
import io.deem.text.prompt.RobustQuestions;
import io.deem.training.data.DataSet;
import io.deem.training.data.DataSets;
import io.deem.training.data.ImageSource;
import io.deem.training.data.JsonFileItems;
import io.deem.training.data.Sample;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/**
 * Questions about pictures that a contrastive model takes for something else (Luo et al. 2025,
 * "DEEM"): is the true thing its main object, and is what it was taken for.
 */
public final class RobustVqa {

  private static final List<String> YES_NO = List.of("yes", "no");

  private RobustVqa() {}

  /** Scores how well texts fit a picture, as CLIP does. */
  @FunctionalInterface
  public interface ContrastiveModel {
    /** The logits of texts for a picture. */
    double[] score(Image image, List<String> texts) throws IOException;
  }

  /**
   * Reads a published file: a list of {@code file_name}, {@code gt_caption} and {@code
   * error_caption}.
   *
   * @return questions in the reference's words and order
   */
  public static List<Item> read(Path file, Path imageFolder) throws IOException {
    List<RobustQuestions.Labelled<ImageSource>> images = new ArrayList<>();
    for (JsonFileItems.Entry entry : JsonFileItems.list(file, imageFolder)) {
      images.add(
          new RobustQuestions.Labelled<>(
              entry.picture(entry.text("file_name")),
              entry.text("gt_caption"),
              entry.text("error_caption")));
    }
    return questions(images);
  }

  /**
   * Builds questions from a folder with a folder of pictures for each class, named after it.
   *
   * @param model takes the texts {@code A photo of a CLASS}; pictures that it classifies right are
   *     left out
   */
  public static List<Item> build(Path folder, ContrastiveModel model) throws IOException {
    List<RobustQuestions.Labelled<ImageSource>> confused = new ArrayList<>();
    try (DataSet pictures = DataSets.folder(folder)) {
      TreeSet<String> names = new TreeSet<>();
      for (long i = 0; i < pictures.size(); i++) {
        names.add(label(pictures.sample(i)));
      }
      List<String> labels = List.copyOf(names);
      List<String> texts = labels.stream().map(name -> "A photo of a " + name).toList();
      for (long i = 0; i < pictures.size(); i++) {
        Sample sample = pictures.sample(i);
        ImageSource image = sample.images().get(0);
        double[] logits = model.score(image.read(), texts);
        double most = Arrays.stream(logits).max().orElseThrow();
        int best = 0;
        while (logits[best] < most) {
          best++;
        }
        if (!labels.get(best).equals(label(sample))) {
          confused.add(new RobustQuestions.Labelled<>(image, label(sample), labels.get(best)));
        }
      }
    }
    if (confused.isEmpty()) {
      throw new IOException(folder + ": the contrastive model classifies every picture right");
    }
    return questions(confused);
  }

  private static String label(Sample sample) throws IOException {
    String name = sample.images().get(0).name();
    int slash = name.indexOf('/');
    if (slash < 1) {
      throw new IOException(name + ": lies in no folder named after its class");
    }
    return name.substring(0, slash).replace('_', ' ');
  }

  private static List<Item> questions(List<RobustQuestions.Labelled<ImageSource>> images) {
    List<Item> items = new ArrayList<>();
    for (QuestionPrompts.Question<ImageSource> question : RobustQuestions.presence(images)) {
      ImageSource image = question.image();
      items.add(
          new Item(
              image.name() + " " + question.answer(),
              "robustvqa",
              image.name(),
              image::read,
              question.text(),
              YES_NO,
              List.of(question.answer())));
    }
    return items;
  }
}
