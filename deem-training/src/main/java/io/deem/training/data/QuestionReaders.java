package io.deem.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** VQAv2 and OK-VQA, A-OKVQA, TextVQA and GQA. */
final class QuestionReaders {

  private QuestionReaders() {}

  private record Answered(List<String> answers, String type) {}

  /**
   * VQAv2, and OK-VQA, which has the same layout.
   *
   * @param questions {@code questions} with {@code image_id}, a text and {@code question_id}, and
   *     {@code data_subtype}, after which the pictures are named
   * @param annotations {@code annotations} with {@code question_id} and {@code answers}; none where
   *     the answers are not public
   */
  static DataSet vqa(Path questions, Optional<Path> annotations, Path imageFolder)
      throws IOException {
    Map<String, Answered> answers = new HashMap<>();
    ListedData.Builder data = new ListedData.Builder();
    if (annotations.isPresent()) {
      JsonItems.ofObject(
          annotations.get(),
          Map.of(
              "annotations",
              (key, item) -> {
                JsonFields fields = JsonFields.of(item);
                data.addRead(
                    "annotation",
                    () -> {
                      answers.put(fields.id("question_id"), answered(fields));
                      return List.of();
                    });
              }));
    }
    PictureFolder folder = new PictureFolder(imageFolder);
    String[] subtype = {""};
    List<JsonFields> asked = new ArrayList<>();
    JsonItems.ofObject(
        questions,
        Map.of(
            "data_subtype", (key, item) -> subtype[0] = item.getAsString(),
            "questions", (key, item) -> asked.add(JsonFields.of(item))));
    for (JsonFields fields : asked) {
      data.addRead(
          "question " + fields.json().get("question_id"),
          () -> {
            String id = fields.id("question_id");
            Answered given = answers.getOrDefault(id, new Answered(List.of(), ""));
            if (annotations.isPresent() && given.answers.isEmpty()) {
              throw new IOException("has no answers");
            }
            String prefix = subtype[0].isEmpty() ? "" : "COCO_" + subtype[0] + "_";
            ImageSource image = folder.picture(prefix + coco(fields.whole("image_id")));
            Sample sample =
                new Sample.Question(
                    id, image, fields.text("question"), given.answers, List.of(), given.type);
            return List.of(() -> sample);
          });
    }
    List<Path> files = new ArrayList<>(List.of(questions));
    annotations.ifPresent(files::add);
    return data.build("vqa", files);
  }

  private static Answered answered(JsonFields fields) throws IOException {
    List<String> answers = new ArrayList<>();
    for (JsonFields answer : fields.objects("answers")) {
      answers.add(answer.text("answer"));
    }
    return new Answered(answers, fields.optionalText("answer_type").orElse(""));
  }

  /** The file name of a COCO picture since 2017. */
  private static String coco(long id) {
    return String.format(Locale.ROOT, "%012d.jpg", id);
  }

  /** A-OKVQA: a list of questions with {@code choices} and ten {@code direct_answers}. */
  static DataSet aOkVqa(Path file, Path imageFolder) throws IOException {
    PictureFolder folder = new PictureFolder(imageFolder);
    ListedData.Builder data = new ListedData.Builder();
    JsonItems.ofAll(
        file,
        (key, item) ->
            data.addRead(
                "question",
                () -> {
                  JsonFields fields = JsonFields.of(item);
                  List<String> choices =
                      fields.has("choices") ? fields.texts("choices") : List.of();
                  List<String> answers =
                      fields.has("direct_answers") ? fields.texts("direct_answers") : List.of();
                  if (answers.isEmpty() && fields.has("correct_choice_idx")) {
                    long right = fields.whole("correct_choice_idx");
                    if (right < 0 || right >= choices.size()) {
                      throw new IOException("choice " + right + " of " + choices.size());
                    }
                    answers = List.of(choices.get((int) right));
                  }
                  ImageSource image = folder.picture(coco(fields.whole("image_id")));
                  Sample sample =
                      new Sample.Question(
                          fields.id("question_id"),
                          image,
                          fields.text("question"),
                          answers,
                          choices,
                          "");
                  return List.of(() -> sample);
                }));
    return data.build("a-okvqa", List.of(file));
  }

  /** TextVQA: {@code data} with {@code image_id}, {@code question} and ten {@code answers}. */
  static DataSet textVqa(Path file, Path imageFolder) throws IOException {
    PictureFolder folder = new PictureFolder(imageFolder);
    ListedData.Builder data = new ListedData.Builder();
    JsonItems.ofObject(
        file,
        Map.of(
            "data",
            (key, item) ->
                data.addRead(
                    "question",
                    () -> {
                      JsonFields fields = JsonFields.of(item);
                      List<String> answers =
                          fields.has("answers") ? fields.texts("answers") : List.of();
                      ImageSource image = folder.picture(fields.text("image_id") + ".jpg");
                      Sample sample =
                          new Sample.Question(
                              fields.id("question_id"),
                              image,
                              fields.text("question"),
                              answers,
                              List.of(),
                              "");
                      return List.of(() -> sample);
                    })));
    return data.build("textvqa", List.of(file));
  }

  /**
   * GQA: an object of questions by their ids, with {@code imageId}, {@code question}, {@code
   * answer}.
   */
  static DataSet gqa(Path file, Path imageFolder) throws IOException {
    PictureFolder folder = new PictureFolder(imageFolder);
    ListedData.Builder data = new ListedData.Builder();
    JsonItems.ofAll(
        file,
        (key, item) ->
            data.addRead(
                "question " + key,
                () -> {
                  JsonFields fields = JsonFields.of(item);
                  List<String> answers =
                      fields.has("answer") ? List.of(fields.text("answer")) : List.of();
                  String type =
                      fields.has("types")
                          ? fields.object("types").optionalText("structural").orElse("")
                          : "";
                  ImageSource image = folder.picture(fields.id("imageId") + ".jpg");
                  Sample sample =
                      new Sample.Question(
                          key, image, fields.text("question"), answers, List.of(), type);
                  return List.of(() -> sample);
                }));
    return data.build("gqa", List.of(file));
  }
}
