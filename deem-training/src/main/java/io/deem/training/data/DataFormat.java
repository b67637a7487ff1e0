package io.deem.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The layouts that {@link DataSets} reads, by the names that recipes and commands use. */
public enum DataFormat {
  /** {@link DataSets#folder}; files: the folder. */
  FOLDER(1, 1, false),
  /** {@link DataSets#webDataset}; files: the archives. */
  WEBDATASET(1, 1 << 16, false),
  /** {@link DataSets#llava}. */
  LLAVA(1, 1, true),
  /** {@link DataSets#cocoCaptions}. */
  COCO_CAPTIONS(1, 1, true),
  /** {@link DataSets#cocoInstances}, without crowds. */
  COCO_INSTANCES(1, 1, true),
  /** {@link DataSets#vqa}; files: the questions and, if public, the annotations. */
  VQA(1, 2, true),
  /** {@link DataSets#aOkVqa}. */
  A_OKVQA(1, 1, true),
  /** {@link DataSets#textVqa}. */
  TEXTVQA(1, 1, true),
  /** {@link DataSets#gqa}. */
  GQA(1, 1, true),
  /** {@link DataSets#refCoco}; files: the references and the instances. */
  REFCOCO(2, 2, true),
  /** {@link DataSets#visualGenome}. */
  VISUAL_GENOME(1, 1, true),
  /** {@link DataSets#mmc4}. */
  MMC4(1, 1, true);

  private final int fewestFiles;
  private final int mostFiles;
  private final boolean needsImages;

  DataFormat(int fewestFiles, int mostFiles, boolean needsImages) {
    this.fewestFiles = fewestFiles;
    this.mostFiles = mostFiles;
    this.needsImages = needsImages;
  }

  /** The name on the command line and in recipes, such as {@code coco-captions}. */
  public String id() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The format of this {@link #id}.
   *
   * @throws IllegalArgumentException if there is none; the message lists all
   */
  public static DataFormat of(String id) {
    return Arrays.stream(values())
        .filter(format -> format.id().equals(id))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no data format "
                        + id
                        + "; there are "
                        + String.join(", ", Arrays.stream(values()).map(DataFormat::id).toList())));
  }

  /**
   * Opens a data set.
   *
   * @param files as the format wants them
   * @param imageFolder where its pictures are; where pictures lie in the files or beside them,
   *     nothing
   * @param split only samples of this split, where the format marks them
   * @throws IOException if it cannot be read
   * @throws IllegalArgumentException if there are too few or too many files, or no folder is given
   *     and one is needed
   */
  public DataSet open(List<Path> files, Optional<Path> imageFolder, Optional<String> split)
      throws IOException {
    if (files.size() < fewestFiles || files.size() > mostFiles) {
      throw new IllegalArgumentException(
          id() + " takes " + fewestFiles + " to " + mostFiles + " files, not " + files.size());
    }
    if (needsImages && imageFolder.isEmpty()) {
      throw new IllegalArgumentException(id() + " needs the folder of its pictures");
    }
    Path first = files.get(0);
    Path images = imageFolder.orElse(first);
    return switch (this) {
      case FOLDER -> DataSets.folder(first);
      case WEBDATASET -> DataSets.webDataset(files);
      case LLAVA -> DataSets.llava(first, images);
      case COCO_CAPTIONS -> DataSets.cocoCaptions(first, images);
      case COCO_INSTANCES -> DataSets.cocoInstances(first, images, false);
      case VQA ->
          DataSets.vqa(
              first, files.size() == 2 ? Optional.of(files.get(1)) : Optional.empty(), images);
      case A_OKVQA -> DataSets.aOkVqa(first, images);
      case TEXTVQA -> DataSets.textVqa(first, images);
      case GQA -> DataSets.gqa(first, images);
      case REFCOCO -> DataSets.refCoco(first, files.get(1), images, split);
      case VISUAL_GENOME -> DataSets.visualGenome(first, images);
      case MMC4 -> DataSets.mmc4(first, images);
    };
  }
}
