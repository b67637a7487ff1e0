package io.deem.training.data;

import io.deem.training.data.CocoFile.CocoAnnotation;
import io.deem.training.data.CocoFile.CocoPicture;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** COCO's captions and instances. */
final class CocoReaders {

  private CocoReaders() {}

  /** Captions: one sample for each picture, with all its captions. */
  static DataSet captions(Path file, Path imageFolder) throws IOException {
    CocoFile coco = CocoFile.read(file);
    PictureFolder folder = new PictureFolder(imageFolder);
    ListedData.Builder data = new ListedData.Builder();
    addBroken(coco, data);
    Map<Long, List<String>> byPicture = new LinkedHashMap<>();
    for (CocoAnnotation annotation : coco.annotations()) {
      data.addRead(
          "annotation " + annotation.id(),
          () -> {
            String caption = annotation.fields().text("caption").strip();
            byPicture.computeIfAbsent(annotation.picture(), id -> new ArrayList<>()).add(caption);
            return List.of();
          });
    }
    byPicture.forEach(
        (id, captions) ->
            data.addRead(
                "image " + id,
                () -> {
                  ImageSource image = folder.picture(coco.picture(id).fileName());
                  Sample sample = new Sample.Caption(Long.toString(id), image, captions);
                  return List.of(() -> sample);
                }));
    return data.build("coco-captions", List.of(file));
  }

  /**
   * Instances: one sample each, described by the name of its category.
   *
   * @param crowds whether those are samples too that stand for several things together
   */
  static DataSet instances(Path file, Path imageFolder, boolean crowds) throws IOException {
    CocoFile coco = CocoFile.read(file);
    PictureFolder folder = new PictureFolder(imageFolder);
    ListedData.Builder data = new ListedData.Builder();
    addBroken(coco, data);
    for (CocoAnnotation annotation : coco.annotations()) {
      String id = "annotation " + annotation.id();
      data.addRead(
          id,
          () -> {
            JsonFields fields = annotation.fields();
            if (CocoFile.isCrowd(fields) && !crowds) {
              return List.of();
            }
            Sample sample =
                region(
                    id,
                    folder,
                    coco.picture(annotation.picture()),
                    fields,
                    List.of(coco.category(fields)));
            return List.of(() -> sample);
          });
    }
    return data.build("coco-instances", List.of(file));
  }

  /** An instance with descriptions. */
  static Sample.Region region(
      String id,
      PictureFolder folder,
      CocoPicture picture,
      JsonFields annotation,
      List<String> descriptions)
      throws IOException {
    RegionShape shape = CocoFile.shape(annotation);
    ImageSource image = folder.picture(picture.fileName());
    RegionShape.Box box =
        annotation.has("bbox")
            ? PlainItem.box(annotation.numbers("bbox"))
            : ShapeBounds.of(shape, image);
    return new Sample.Region(id, image, shape, box, descriptions);
  }

  private static void addBroken(CocoFile coco, ListedData.Builder data) {
    for (String reason : coco.broken()) {
      data.addRead(
          "an annotation",
          () -> {
            throw new IOException(reason);
          });
    }
  }
}
