package io.deem.training.data;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import io.deem.text.prompt.RegionConversations.Speaker;
import io.deem.text.prompt.RegionConversations.Turn;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An item of the plain layout, {@code data.jsonl}; {@link DataSets#jsonl} describes it. What an
 * item is follows from the entries that it has.
 */
final class PlainItem {

  private final String id;
  private final JsonFields fields;
  private final Pictures pictures;

  /** Finds pictures by name. */
  @FunctionalInterface
  interface Pictures {
    ImageSource picture(String name) throws IOException;
  }

  PlainItem(String id, JsonFields fields, Pictures pictures) {
    this.id = id;
    this.fields = fields;
    this.pictures = pictures;
  }

  Sample sample() throws IOException {
    if (fields.has("sentences")) {
      return document();
    }
    if (fields.has("turns")) {
      return conversation();
    }
    ImageSource image = pictures.picture(fields.text("image"));
    if (fields.has("question")) {
      return new Sample.Question(
          id,
          image,
          fields.text("question"),
          oneOrMore("answer", "answers"),
          fields.has("options") ? fields.texts("options") : List.of(),
          fields.optionalText("type").orElse(""));
    }
    if (fields.has("region")) {
      return region(image);
    }
    List<String> captions = oneOrMore("caption", "captions");
    captions = captions.isEmpty() ? oneOrMore("text", "texts") : captions;
    return captions.isEmpty()
        ? new Sample.Picture(id, image)
        : new Sample.Caption(id, image, captions);
  }

  private List<String> oneOrMore(String one, String more) throws IOException {
    if (fields.has(more)) {
      return fields.texts(more);
    }
    return fields.has(one) ? List.of(fields.text(one)) : List.of();
  }

  private Sample region(ImageSource image) throws IOException {
    List<String> descriptions = oneOrMore("description", "descriptions");
    JsonFields region = fields.object("region");
    RegionShape shape = shape(region, pictures);
    RegionShape.Box box =
        region.has("box") ? box(region.numbers("box")) : ShapeBounds.of(shape, image);
    return new Sample.Region(id, image, shape, box, descriptions);
  }

  private Sample conversation() throws IOException {
    Optional<ImageSource> image =
        fields.has("image")
            ? Optional.of(pictures.picture(fields.text("image")))
            : Optional.empty();
    List<RegionShape> regions = new ArrayList<>();
    if (fields.has("regions")) {
      for (JsonFields each : fields.objects("regions")) {
        regions.add(shape(each, pictures));
      }
    }
    List<Turn> turns = new ArrayList<>();
    for (JsonFields each : fields.objects("turns")) {
      boolean asks = each.has("user");
      turns.add(
          new Turn(asks ? Speaker.HUMAN : Speaker.MODEL, each.text(asks ? "user" : "assistant")));
    }
    return new Sample.Conversation(id, image, regions, turns);
  }

  private Sample document() throws IOException {
    List<Sample.Placed> placed = new ArrayList<>();
    for (JsonFields each : fields.objects("images")) {
      int sentence =
          Math.toIntExact(Math.max(-1, Math.min(Integer.MAX_VALUE, each.whole("sentence"))));
      double similarity = each.has("similarity") ? each.number("similarity") : 1;
      placed.add(new Sample.Placed(pictures.picture(each.text("image")), sentence, similarity));
    }
    return new Sample.Document(id, fields.texts("sentences"), placed);
  }

  /** The region of {@code mask}, {@code rle}, {@code polygon} or {@code box}. */
  static RegionShape shape(JsonFields region, Pictures pictures) throws IOException {
    if (region.has("mask")) {
      return new RegionShape.MaskPicture(pictures.picture(region.text("mask")));
    }
    if (region.has("rle")) {
      return runs(region.object("rle"));
    }
    if (region.has("polygon")) {
      return polygons(region.list("polygon"));
    }
    if (region.has("box")) {
      return box(region.numbers("box"));
    }
    throw new IOException("a region has no mask, rle, polygon or box: " + region.json().keySet());
  }

  /** Runs in COCO's form: {@code size}, height first, and {@code counts} as numbers or text. */
  static RegionShape.Runs runs(JsonFields rle) throws IOException {
    double[] size = rle.numbers("size");
    if (size.length != 2 || size[0] > 1 << 20 || size[1] > 1 << 20) {
      throw new IOException("runs whose size is not height and width");
    }
    int height = (int) size[0];
    int width = (int) size[1];
    JsonElement counts = rle.json().get("counts");
    if (counts != null && counts.isJsonArray()) {
      double[] numbers = rle.numbers("counts");
      int[] whole = new int[numbers.length];
      for (int i = 0; i < whole.length; i++) {
        whole[i] = (int) numbers[i];
      }
      return new RegionShape.Runs(whole, width, height);
    }
    return RegionShape.Runs.ofText(rle.text("counts"), width, height);
  }

  /** Polygons in COCO's form: a list of rings, or one ring. */
  static RegionShape.Polygons polygons(JsonArray list) throws IOException {
    List<double[]> rings = new ArrayList<>();
    boolean oneRing = !list.isEmpty() && list.get(0).isJsonPrimitive();
    if (oneRing) {
      rings.add(JsonFields.numbers("polygon", list));
    } else {
      for (JsonElement ring : list) {
        if (!ring.isJsonArray()) {
          throw new IOException("a polygon that is not a list of numbers");
        }
        rings.add(JsonFields.numbers("polygon", ring.getAsJsonArray()));
      }
    }
    if (rings.isEmpty()) {
      throw new IOException("a region without polygons");
    }
    return new RegionShape.Polygons(rings);
  }

  /** A box in COCO's form: left, top, width, height. */
  static RegionShape.Box box(double... numbers) throws IOException {
    if (numbers.length != 4) {
      throw new IOException("a box of " + numbers.length + " numbers, not 4");
    }
    return new RegionShape.Box(numbers[0], numbers[1], numbers[2], numbers[3]);
  }

  /** The item's own name, or another one where it has none. */
  static String id(JsonFields fields, String otherwise) throws IOException {
    return fields.has("id") ? fields.id("id") : otherwise;
  }
}
