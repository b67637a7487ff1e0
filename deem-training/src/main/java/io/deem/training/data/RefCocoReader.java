package io.deem.training.data;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.json.ErrorText;
import io.deem.training.data.CocoFile.CocoAnnotation;
import io.deem.weights.pickle.MalformedPickleException;
import io.deem.weights.pickle.Unpickler;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * RefCOCO, RefCOCO+ and RefCOCOg: the published {@code refs(unc).p} or {@code refs(umd).p}, a
 * pickle of plain dictionaries, or the same as JSON, beside COCO's {@code instances.json}.
 */
final class RefCocoReader {

  private static final long LARGEST = 512L << 20;

  private RefCocoReader() {}

  /**
   * Reads references.
   *
   * @param split such as {@code train}; nothing for all
   */
  static DataSet read(Path refs, Path instances, Path imageFolder, Optional<String> split)
      throws IOException {
    CocoFile coco = CocoFile.read(instances);
    Map<Long, CocoAnnotation> annotations = new HashMap<>();
    coco.annotations().forEach(each -> annotations.put(each.id(), each));
    PictureFolder folder = new PictureFolder(imageFolder);
    ListedData.Builder data = new ListedData.Builder();
    for (JsonFields ref : refs(refs)) {
      String id = "ref " + ref.json().get("ref_id");
      data.addRead(
          id,
          () -> {
            if (split.isPresent() && !ref.text("split").equals(split.get())) {
              return List.of();
            }
            List<String> sentences = new ArrayList<>();
            for (JsonFields sentence : ref.objects("sentences")) {
              sentences.add(sentence.text(sentence.has("sent") ? "sent" : "raw"));
            }
            CocoAnnotation annotation = annotations.get(ref.whole("ann_id"));
            if (annotation == null) {
              throw new IOException("there is no annotation " + ref.whole("ann_id"));
            }
            Sample sample =
                CocoReaders.region(
                    id, folder, coco.picture(annotation.picture()), annotation.fields(), sentences);
            return List.of(() -> sample);
          });
    }
    return data.build("refcoco", List.of(refs, instances));
  }

  private static List<JsonFields> refs(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    List<JsonFields> refs = new ArrayList<>();
    if (file.getFileName().toString().endsWith(".json")) {
      JsonItems.ofAll(file, (key, item) -> refs.add(JsonFields.of(item)));
      return refs;
    }
    if (Files.size(file) > LARGEST) {
      throw new IOException(file + ": is larger than " + (LARGEST >> 20) + " MiB");
    }
    try {
      Object list = Unpickler.readPlain(file.toString(), ByteBuffer.wrap(Files.readAllBytes(file)));
      if (!(list instanceof List<?> items)) {
        throw new IOException(file + ": is no list of references");
      }
      for (Object item : items) {
        if (!(item instanceof Map<?, ?> entries)) {
          throw new IOException(
              file + ": has a reference that is no dictionary: " + ErrorText.quote("" + item));
        }
        refs.add(new JsonFields(plain(entries)));
      }
    } catch (MalformedPickleException e) {
      throw new IOException(e.getMessage(), e);
    }
    return refs;
  }

  /** The few entries that are used. */
  private static JsonObject plain(Map<?, ?> entries) {
    JsonObject json = new JsonObject();
    if (entries.get("ref_id") instanceof Number number) {
      json.addProperty("ref_id", number);
    }
    if (entries.get("ann_id") instanceof Number number) {
      json.addProperty("ann_id", number);
    }
    if (entries.get("split") instanceof String text) {
      json.addProperty("split", text);
    }
    if (entries.get("sentences") instanceof List<?> sentences) {
      JsonArray texts = new JsonArray();
      for (Object each : sentences) {
        texts.add(sentence(each));
      }
      json.add("sentences", texts);
    }
    return json;
  }

  private static JsonObject sentence(Object given) {
    JsonObject sentence = new JsonObject();
    if (given instanceof Map<?, ?> map) {
      for (String name : List.of("sent", "raw")) {
        if (map.get(name) instanceof String text) {
          sentence.addProperty(name, text);
        }
      }
    }
    return sentence;
  }
}
