package io.deem.training.data;

import io.deem.spi.ImageCodec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Tar archives in the WebDataset layout: the files of a sample share the part of their name before
 * the first dot of its last part. Read are a picture, {@code txt} (its caption) and {@code json}
 * (an item of the plain layout, whose {@code label} counts as a caption too).
 */
final class WebDataset implements DataSet {

  private static final Set<String> PICTURES = Set.of("jpg", "jpeg", "png", "webp", "gif", "bmp");
  private static final long LARGEST_PICTURE = ImageCodec.Limits.DEFAULT.maxBytes();
  private static final long LARGEST_TEXT = 16L << 20;

  private record Group(TarIndex tar, String key, Map<String, TarIndex.Member> members) {}

  private record TarPicture(String name, TarIndex tar, TarIndex.Member member)
      implements ImageSource {

    @Override
    public long length() {
      return member.length();
    }

    @Override
    public byte[] bytes() throws IOException {
      return tar.read(member, LARGEST_PICTURE);
    }
  }

  private final String name;
  private final List<TarIndex> tars;
  private final List<Group> groups;

  private WebDataset(String name, List<TarIndex> tars, List<Group> groups) {
    this.name = name;
    this.tars = tars;
    this.groups = groups;
  }

  static WebDataset open(String name, List<Path> files) throws IOException {
    List<TarIndex> tars = new ArrayList<>();
    List<Group> groups = new ArrayList<>();
    for (Path file : files) {
      TarIndex tar = TarIndex.open(file);
      tars.add(tar);
      groups.addAll(groups(tar));
    }
    if (groups.isEmpty()) {
      throw new IOException(files + ": have no samples");
    }
    return new WebDataset(name, tars, groups);
  }

  private static Collection<Group> groups(TarIndex tar) {
    Map<String, Group> byKey = new LinkedHashMap<>();
    for (TarIndex.Member member : tar.members()) {
      int dot = member.name().indexOf('.', member.name().lastIndexOf('/') + 1);
      if (dot >= 0) {
        String key = member.name().substring(0, dot);
        String extension = member.name().substring(dot + 1).toLowerCase(Locale.ROOT);
        byKey
            .computeIfAbsent(key, k -> new Group(tar, k, new LinkedHashMap<>()))
            .members
            .put(extension, member);
      }
    }
    return byKey.values();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long size() {
    return groups.size();
  }

  @Override
  public Sample sample(long index) throws IOException {
    Group group = groups.get(Math.toIntExact(index));
    try {
      return sample(group);
    } catch (IOException | IllegalArgumentException e) {
      throw new IOException(group.tar.file() + " " + group.key + ": " + e.getMessage(), e);
    }
  }

  private static Sample sample(Group group) throws IOException {
    TarIndex.Member picture =
        group.members.entrySet().stream()
            .filter(entry -> PICTURES.contains(entry.getKey()))
            .map(Map.Entry::getValue)
            .findFirst()
            .orElseThrow(() -> new IOException("has no picture"));
    ImageSource image =
        new TarPicture(group.tar.file().getFileName() + "/" + picture.name(), group.tar, picture);
    TarIndex.Member caption = group.members.get("txt");
    if (caption != null) {
      return new Sample.Caption(group.key, image, List.of(text(group, caption).strip()));
    }
    TarIndex.Member json = group.members.get("json");
    if (json == null) {
      return new Sample.Picture(group.key, image);
    }
    JsonFields fields = JsonFields.parse(text(group, json));
    fields.json().addProperty("image", picture.name());
    if (fields.has("label") && !fields.has("caption") && !fields.has("question")) {
      fields.json().add("caption", fields.json().get("label"));
    }
    return new PlainItem(group.key, fields, name -> named(group, name, picture, image)).sample();
  }

  /** The group's own picture, or another file of the group, such as its mask. */
  private static ImageSource named(
      Group group, String name, TarIndex.Member picture, ImageSource image) throws IOException {
    if (name.equals(picture.name())) {
      return image;
    }
    for (TarIndex.Member member : group.members.values()) {
      if (member.name().equals(name) || member.name().endsWith("/" + name)) {
        return new TarPicture(
            group.tar.file().getFileName() + "/" + member.name(), group.tar, member);
      }
    }
    throw new IOException("has no file " + name);
  }

  private static String text(Group group, TarIndex.Member member) throws IOException {
    return new String(group.tar.read(member, LARGEST_TEXT), StandardCharsets.UTF_8);
  }

  @Override
  public List<Path> annotations() {
    return tars.stream().map(TarIndex::file).toList();
  }
}
