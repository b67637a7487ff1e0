package io.deem.training.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Opens data sets. Annotation files are read once, when a data set is opened; pictures when they
 * are needed. Every method throws {@link IOException}, in one line that names the file, if a file
 * is missing, malformed as a whole or without a sample; an item that is broken by itself is
 * reported when it is asked for.
 */
public final class DataSets {

  /** The name of the file that describes a plain folder. */
  public static final String PLAIN_FILE = "data.jsonl";

  private static final Set<String> PICTURES =
      Set.of(".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp");

  private DataSets() {}

  /**
   * A plain folder: {@value #PLAIN_FILE} with a JSON object a line, or, where there is no such
   * file, every picture in the folder and those below it. What an item is follows from its entries;
   * {@code id} is optional, and names of pictures are relative to the folder:
   *
   * <pre>
   * {"image": "a.jpg"}
   * {"image": "a.jpg", "caption": "a red bus"}                 or "captions": [...]
   * {"image": "a.jpg", "question": "What is it?", "answer": "a bus"}
   *                           or "answers": [...]; optional "options": [...], "type": "..."
   * {"image": "a.jpg", "region": {"mask": "m.png"}, "description": "the bus"}
   *                           or {"polygon": [[x, y, ...], ...]}, {"rle": {"size": [h, w],
   *                           "counts": [...] or "..."}}, {"box": [left, top, width, height]}
   * {"image": "a.jpg", "regions": [...], "turns": [{"user": "&lt;mask&gt; What is &lt;mask&gt;?"},
   *                           {"assistant": "A bus."}]}
   * {"sentences": ["...", "..."], "images": [{"image": "a.jpg", "sentence": 0}]}
   * </pre>
   *
   * <p>In turns, the first {@code <mask>} stands for the picture and each further one for the next
   * region.
   */
  public static DataSet folder(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new NoSuchFileException(folder + ": no such folder");
    }
    Path file = folder.resolve(PLAIN_FILE);
    return Files.exists(file) ? jsonl(file, folder) : pictures(folder);
  }

  /** As {@link #folder}, with the file and the pictures' folder apart. */
  public static DataSet jsonl(Path file, Path imageFolder) throws IOException {
    return JsonlFolder.open(
        name(file),
        file,
        imageFolder,
        (id, fields, pictures) -> new PlainItem(id, fields, pictures::picture).sample());
  }

  private static DataSet pictures(Path folder) throws IOException {
    PictureFolder pictures = new PictureFolder(folder);
    ListedData.Builder data = new ListedData.Builder();
    List<String> names = new ArrayList<>();
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString().replace('\\', '/'))
          .filter(DataSets::isPicture)
          .sorted(Comparator.naturalOrder())
          .forEach(names::add);
    }
    if (names.isEmpty()) {
      throw new IOException(folder + ": has neither " + PLAIN_FILE + " nor pictures");
    }
    names.forEach(name -> data.add(() -> new Sample.Picture(name, pictures.picture(name))));
    return data.build(name(folder), List.of());
  }

  private static boolean isPicture(String name) {
    int dot = name.lastIndexOf('.');
    return dot >= 0 && PICTURES.contains(name.substring(dot).toLowerCase(Locale.ROOT));
  }

  /**
   * Tar archives in the WebDataset layout, uncompressed: a picture and {@code txt}, its caption, or
   * {@code json}, an item as in {@link #folder}, of the same name before the dot.
   */
  public static DataSet webDataset(List<Path> tars) throws IOException {
    return WebDataset.open(name(tars.get(0)), tars);
  }

  /** LLaVA's conversations, such as {@code llava_v1_5_mix665k.json}. */
  public static DataSet llava(Path file, Path imageFolder) throws IOException {
    return TextReaders.llava(file, imageFolder);
  }

  /** COCO's captions: a sample for each picture, with all its captions. */
  public static DataSet cocoCaptions(Path file, Path imageFolder) throws IOException {
    return CocoReaders.captions(file, imageFolder);
  }

  /**
   * COCO's instances: a region each, described by its category.
   *
   * @param crowds whether regions count too that hold several things together
   */
  public static DataSet cocoInstances(Path file, Path imageFolder, boolean crowds)
      throws IOException {
    return CocoReaders.instances(file, imageFolder, crowds);
  }

  /**
   * VQAv2 or OK-VQA.
   *
   * @param annotations nothing where the answers are not public
   */
  public static DataSet vqa(Path questions, Optional<Path> annotations, Path imageFolder)
      throws IOException {
    return QuestionReaders.vqa(questions, annotations, imageFolder);
  }

  /** A-OKVQA. */
  public static DataSet aOkVqa(Path file, Path imageFolder) throws IOException {
    return QuestionReaders.aOkVqa(file, imageFolder);
  }

  /** TextVQA. */
  public static DataSet textVqa(Path file, Path imageFolder) throws IOException {
    return QuestionReaders.textVqa(file, imageFolder);
  }

  /** GQA, such as {@code train_balanced_questions.json}. */
  public static DataSet gqa(Path file, Path imageFolder) throws IOException {
    return QuestionReaders.gqa(file, imageFolder);
  }

  /**
   * RefCOCO, RefCOCO+ or RefCOCOg.
   *
   * @param refs {@code refs(unc).p}, {@code refs(umd).p} or another published one, or the same as
   *     {@code .json}
   * @param split such as {@code train} or {@code testA}; nothing for all
   */
  public static DataSet refCoco(Path refs, Path instances, Path imageFolder, Optional<String> split)
      throws IOException {
    return RefCocoReader.read(refs, instances, imageFolder, split);
  }

  /** Visual Genome's {@code region_descriptions.json}; takes about 200 bytes of memory a region. */
  public static DataSet visualGenome(Path file, Path imageFolder) throws IOException {
    return TextReaders.visualGenome(file, imageFolder);
  }

  /** MMC4's documents, such as {@code docs_shard_0_v2.jsonl}; missing pictures are left out. */
  public static DataSet mmc4(Path file, Path imageFolder) throws IOException {
    return TextReaders.mmc4(file, imageFolder);
  }

  private static String name(Path path) {
    Path last = path.toAbsolutePath().normalize();
    Path folder = last.getParent();
    boolean plain = String.valueOf(last.getFileName()).equals(PLAIN_FILE) && folder != null;
    return String.valueOf((plain ? folder : last).getFileName());
  }
}
