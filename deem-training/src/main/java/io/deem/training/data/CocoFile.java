package io.deem.training.data;

import com.google.gson.JsonElement;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A COCO annotation file, of instances or of captions: {@code images}, {@code annotations} and
 * {@code categories}.
 */
final class CocoFile {

  /** Pictures that annotations can have; a category's name for its id. */
  private static final int LARGEST_SIDE = 1 << 20;

  private final Path file;
  private final Map<Long, CocoPicture> pictures = new LinkedHashMap<>();
  private final Map<Long, String> categories = new HashMap<>();
  private final List<CocoAnnotation> annotations = new ArrayList<>();
  private final List<String> broken = new ArrayList<>();

  private CocoFile(Path file) {
    this.file = file;
  }

  /**
   * A picture.
   *
   * @param width in pixels; 0 where the file does not say
   */
  record CocoPicture(long id, String fileName, int width, int height) {}

  /** An annotation, not looked into yet. */
  record CocoAnnotation(long id, long picture, JsonFields fields) {}

  static CocoFile read(Path file) throws IOException {
    CocoFile coco = new CocoFile(file);
    JsonItems.ofObject(
        file,
        Map.of(
            "images", (key, item) -> coco.takePicture(item),
            "categories", (key, item) -> coco.takeCategory(item),
            "annotations", (key, item) -> coco.takeAnnotation(item)));
    if (coco.pictures.isEmpty() || coco.annotations.isEmpty()) {
      throw new IOException(file + ": has no images or no annotations");
    }
    return coco;
  }

  private void takePicture(JsonElement item) throws IOException {
    JsonFields fields = JsonFields.of(item);
    long id = fields.whole("id");
    int width = fields.has("width") ? side(fields, "width") : 0;
    int height = fields.has("height") ? side(fields, "height") : 0;
    pictures.put(id, new CocoPicture(id, fields.text("file_name"), width, height));
  }

  private static int side(JsonFields fields, String name) throws IOException {
    long side = fields.whole(name);
    if (side < 1 || side > LARGEST_SIDE) {
      throw new IOException("a picture whose " + name + " is " + side);
    }
    return (int) side;
  }

  private void takeCategory(JsonElement item) throws IOException {
    JsonFields fields = JsonFields.of(item);
    categories.put(fields.whole("id"), fields.text("name"));
  }

  private void takeAnnotation(JsonElement item) {
    try {
      JsonFields fields = JsonFields.of(item);
      annotations.add(new CocoAnnotation(fields.whole("id"), fields.whole("image_id"), fields));
    } catch (IOException e) {
      broken.add(e.getMessage());
    }
  }

  Path file() {
    return file;
  }

  List<CocoAnnotation> annotations() {
    return annotations;
  }

  /** What is wrong with the annotations that could not be read. */
  List<String> broken() {
    return broken;
  }

  Map<Long, CocoPicture> pictures() {
    return pictures;
  }

  Map<Long, String> categories() {
    return categories;
  }

  CocoPicture picture(long id) throws IOException {
    CocoPicture picture = pictures.get(id);
    if (picture == null) {
      throw new IOException("there is no image " + id);
    }
    return picture;
  }

  String category(JsonFields annotation) throws IOException {
    String name = categories.get(annotation.whole("category_id"));
    if (name == null) {
      throw new IOException("there is no category " + annotation.whole("category_id"));
    }
    return name;
  }

  /** Whether an annotation is of several things together. */
  static boolean isCrowd(JsonFields annotation) throws IOException {
    return annotation.has("iscrowd") && annotation.number("iscrowd") != 0;
  }

  /**
   * The shape of an instance: polygons, runs as numbers or as text, or its box where it has none.
   */
  static RegionShape shape(JsonFields annotation) throws IOException {
    JsonElement segmentation = annotation.json().get("segmentation");
    if (segmentation != null && segmentation.isJsonObject()) {
      return PlainItem.runs(JsonFields.of(segmentation));
    }
    if (segmentation != null
        && segmentation.isJsonArray()
        && !segmentation.getAsJsonArray().isEmpty()) {
      return PlainItem.polygons(segmentation.getAsJsonArray());
    }
    return PlainItem.box(annotation.numbers("bbox"));
  }
}
