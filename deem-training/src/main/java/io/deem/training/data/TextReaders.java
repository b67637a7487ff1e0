package io.deem.training.data;

import com.google.gson.JsonElement;
import io.deem.text.prompt.RegionConversations;
import io.deem.text.prompt.RegionConversations.Speaker;
import io.deem.text.prompt.RegionConversations.Turn;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** LLaVA's conversations, Visual Genome's regions and MMC4's documents. */
final class TextReaders {

  private static final String LLAVA_IMAGE = "<image>";

  private TextReaders() {}

  /**
   * LLaVA: a list of {@code id}, {@code image} and {@code conversations} with {@code from} and
   * {@code value}.
   */
  static DataSet llava(Path file, Path imageFolder) throws IOException {
    PictureFolder folder = new PictureFolder(imageFolder);
    ListedData.Builder data = new ListedData.Builder();
    JsonItems.ofAll(
        file,
        (key, item) ->
            data.addRead(
                "conversation",
                () -> {
                  Sample sample = conversation(JsonFields.of(item), folder);
                  return List.of(() -> sample);
                }));
    return data.build("llava", List.of(file));
  }

  private static Sample conversation(JsonFields fields, PictureFolder folder) throws IOException {
    String id = fields.id("id");
    Optional<ImageSource> image =
        fields.has("image") ? Optional.of(folder.picture(fields.text("image"))) : Optional.empty();
    List<Turn> turns = new ArrayList<>();
    boolean shown = false;
    for (JsonFields turn : fields.objects("conversations")) {
      String from = turn.text("from");
      Speaker speaker =
          switch (from) {
            case "human", "user" -> Speaker.HUMAN;
            case "gpt", "assistant" -> Speaker.MODEL;
            default -> throw new IOException(id + ": a turn from " + from);
          };
      String text = turn.text("value").replace(LLAVA_IMAGE, RegionConversations.REGION).strip();
      shown |= text.contains(RegionConversations.REGION);
      turns.add(new Turn(speaker, text));
    }
    if (image.isPresent() && !shown && !turns.isEmpty()) {
      Turn first = turns.get(0);
      turns.set(0, new Turn(first.speaker(), RegionConversations.REGION + "\n" + first.text()));
    }
    return new Sample.Conversation(id, image, List.of(), turns);
  }

  /**
   * Visual Genome: a list of pictures with {@code regions}, each with {@code phrase}, {@code x},
   * {@code y}, {@code width}, {@code height}. Pictures are {@code IMAGE_ID.jpg}, in the folder or
   * in its {@code VG_100K} or {@code VG_100K_2}.
   */
  static DataSet visualGenome(Path file, Path imageFolder) throws IOException {
    PictureFolder folder = new PictureFolder(imageFolder);
    ListedData.Builder data = new ListedData.Builder();
    JsonItems.ofAll(
        file,
        (key, item) ->
            data.addRead(
                "image",
                () -> {
                  JsonFields picture = JsonFields.of(item);
                  List<ListedData.Entry> entries = new ArrayList<>();
                  for (JsonFields region : picture.objects("regions")) {
                    entries.add(region(picture, region, folder));
                  }
                  return entries;
                }));
    return data.build("visual-genome", List.of(file));
  }

  private static ListedData.Entry region(
      JsonFields picture, JsonFields region, PictureFolder folder) throws IOException {
    String imageId = region.id(region.has("image_id") ? "image_id" : "id");
    String owner = picture.has("id") ? picture.id("id") : imageId;
    String id = "region " + region.id(region.has("region_id") ? "region_id" : "id");
    RegionShape.Box box =
        PlainItem.box(
            region.number("x"),
            region.number("y"),
            region.number("width"),
            region.number("height"));
    String phrase = region.text("phrase");
    String name = (region.has("image_id") ? imageId : owner) + ".jpg";
    return () -> new Sample.Region(id, genomePicture(folder, name), box, box, List.of(phrase));
  }

  private static ImageSource genomePicture(PictureFolder folder, String name) throws IOException {
    for (String part : List.of("VG_100K/", "VG_100K_2/")) {
      if (folder.has(part + name)) {
        return folder.picture(part + name);
      }
    }
    return folder.picture(name);
  }

  /**
   * MMC4, a document a line: {@code text_list} and {@code image_info} with {@code image_name},
   * {@code matched_text_index} and {@code matched_sim}. Pictures that are not in the folder are
   * left out, since many have vanished from the web.
   */
  static DataSet mmc4(Path file, Path imageFolder) throws IOException {
    return JsonlFolder.open(
        "mmc4",
        file,
        imageFolder,
        (id, fields, folder) -> {
          List<Sample.Placed> placed = new ArrayList<>();
          for (JsonElement each : fields.list("image_info")) {
            JsonFields image = JsonFields.of(each);
            String name = image.text("image_name");
            if (folder.has(name)) {
              int sentence =
                  (int)
                      Math.max(-1, Math.min(Integer.MAX_VALUE, image.whole("matched_text_index")));
              placed.add(
                  new Sample.Placed(folder.picture(name), sentence, image.number("matched_sim")));
            }
          }
          return new Sample.Document(id, fields.texts("text_list"), placed);
        });
  }
}
