package io.deem.training.evaluation;

import io.deem.Image;
import io.deem.text.prompt.QuestionPrompts;
import io.deem.text.prompt.RobustQuestions;
import io.deem.training.data.ImageSource;
import io.deem.training.data.JsonFileItems;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

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
    LabelledFolder labelled = LabelledFolder.read(folder);
    List<String> labels = labelled.classes();
    List<String> texts = labels.stream().map(name -> "A photo of a " + name).toList();
    for (LabelledFolder.Picture picture : labelled.pictures()) {
      double[] logits = model.score(picture.image().read(), texts);
      double most = Arrays.stream(logits).max().orElseThrow();
      int best = 0;
      while (logits[best] < most) {
        best++;
      }
      if (!labels.get(best).equals(picture.label())) {
        confused.add(
            new RobustQuestions.Labelled<>(picture.image(), picture.label(), labels.get(best)));
      }
    }
    return questions(folder, confused);
  }

  /**
   * Builds questions from a folder as above and what a contrastive model elsewhere took its
   * pictures for.
   *
   * @param predictions a JSON list of {@code file_name}, such as {@code jay/1.jpg}, and {@code
   *     prediction}, the name of a class; pictures that it leaves out or has right are left out
   * @throws IOException if it names a picture that is not in the folder
   */
  public static List<Item> build(Path folder, Path predictions) throws IOException {
    Map<String, LabelledFolder.Picture> pictures = new HashMap<>();
    for (LabelledFolder.Picture picture : LabelledFolder.read(folder).pictures()) {
      pictures.put(picture.image().name(), picture);
    }
    List<RobustQuestions.Labelled<ImageSource>> confused = new ArrayList<>();
    for (JsonFileItems.Entry entry : JsonFileItems.list(predictions, folder)) {
      LabelledFolder.Picture picture = pictures.get(entry.text("file_name"));
      if (picture == null) {
        throw new IOException(
            predictions + ": " + entry.text("file_name") + " is no picture in " + folder);
      }
      String taken = entry.text("prediction").replace('_', ' ');
      if (!taken.equals(picture.label())) {
        confused.add(new RobustQuestions.Labelled<>(picture.image(), picture.label(), taken));
      }
    }
    return questions(folder, confused);
  }

  private static List<Item> questions(
      Path folder, List<RobustQuestions.Labelled<ImageSource>> confused) throws IOException {
    if (confused.isEmpty()) {
      throw new IOException(folder + ": the contrastive model classifies every picture right");
    }
    return questions(confused);
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
