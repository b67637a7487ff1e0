package io.deem.training.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Image;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each layout as its publisher documents it, in small. */
class DataSetsTest {

  @TempDir Path folder;

  @BeforeEach
  void pictures() throws IOException {
    picture("a.png");
  }

  private void picture(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Image.ofRgb(4, 3, new byte[36]).write(file);
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static <T extends Sample> T only(Class<T> type, DataSet data) throws IOException {
    assertEquals(1, data.size());
    return type.cast(data.sample(0));
  }

  @Test
  void aPlainFolderHoldsEveryKindOfItem() throws IOException {
    byte[] inside = new byte[36];
    Arrays.fill(inside, 0, 6, (byte) 255);
    Image.ofRgb(4, 3, inside).write(folder.resolve("mask.png"));
    file(
        "data.jsonl",
        """
        {"image": "a.png"}
        {"id": "b", "image": "a.png", "caption": "a bus"}

        {"image": "a.png", "question": "What is it?", "answers": ["bus", "a bus"], "options": ["bus", "car"]}
        {"image": "a.png", "region": {"mask": "mask.png"}, "description": "the bus"}
        {"image": "a.png", "region": {"rle": {"size": [3, 4], "counts": [3, 3, 6]}}, "description": "x"}
        {"image": "a.png", "region": {"polygon": [0, 0, 2, 0, 2, 2]}, "description": "x"}
        {"image": "a.png", "regions": [{"box": [0, 0, 1, 1]}], "turns": [{"user": "<mask> <mask>?"}, {"assistant": "x"}]}
        {"sentences": ["one", "two"], "images": [{"image": "a.png", "sentence": 1, "similarity": 0.3}]}
        """);
    try (DataSet data = DataSets.folder(folder)) {
      assertEquals(8, data.size());
      assertEquals(4, ((Sample.Picture) data.sample(0)).image().read().width());
      assertEquals("b", data.sample(1).id());
      Sample.Question question = (Sample.Question) data.sample(2);
      assertEquals(List.of("bus", "a bus"), question.answers());
      assertEquals(List.of("bus", "car"), question.options());
      Sample.Region masked = (Sample.Region) data.sample(3);
      assertEquals(new RegionShape.Box(0, 0, 2, 1), masked.box());
      assertEquals(new RegionShape.Box(1, 0, 1, 3), ((Sample.Region) data.sample(4)).box());
      assertEquals(new RegionShape.Box(0, 0, 2, 2), ((Sample.Region) data.sample(5)).box());
      assertEquals(1, ((Sample.Conversation) data.sample(6)).regions().size());
      assertEquals(1, ((Sample.Document) data.sample(7)).pictures().get(0).sentence());
    }
  }

  @Test
  void aFolderWithoutAFileIsAllItsPictures() throws IOException {
    picture("below/b.png");
    file("notes.txt", "no picture");
    try (DataSet data = DataSets.folder(folder)) {
      assertEquals(2, data.size());
      assertEquals(
          List.of("a.png", "below/b.png"), List.of(data.sample(0).id(), data.sample(1).id()));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"image\": \"../a.png\"}",
        "{\"image\": \"/etc/hostname\"}",
        "{\"image\": 3}",
        "{\"image\": \"a.png\", \"region\": {}, \"description\": \"x\"}",
        "{\"image\": \"a.png\", \"region\": {\"rle\": {\"size\": [3, 4], \"counts\": [1]}}}",
        "{\"sentences\": [\"x\"], \"images\": [{\"image\": \"a.png\", \"sentence\": 9}]}",
        "not JSON",
        "[1]"
      })
  void aBrokenItemIsNamedAndTheOthersAreWhole(String line) throws IOException {
    file("data.jsonl", "{\"image\": \"a.png\"}\n" + line + "\n");
    try (DataSet data = DataSets.folder(folder)) {
      data.sample(0);
      IOException e = assertThrows(IOException.class, () -> data.sample(1));
      assertTrue(e.getMessage().contains("data.jsonl item 2: "), e.getMessage());
      assertEquals(1, e.getMessage().lines().count());
    }
  }

  @Test
  void deepNestingIsRefused() throws IOException {
    file("data.jsonl", "{\"image\": " + "[".repeat(100_000) + "\n");
    try (DataSet data = DataSets.folder(folder)) {
      IOException e = assertThrows(IOException.class, () -> data.sample(0));
      assertTrue(e.getMessage().contains("nested more than 64 deep"), e.getMessage());
    }
  }

  @Test
  void webDatasetArchivesAreReadWithoutUnpacking() throws IOException {
    byte[] png = Files.readAllBytes(folder.resolve("a.png"));
    Tar tar = new Tar();
    tar.add("x/1.png", png).add("x/1.txt", "a bus\n".getBytes(StandardCharsets.UTF_8));
    tar.add("x/2.png", png)
        .add("x/2.json", "{\"label\": \"car\"}".getBytes(StandardCharsets.UTF_8));
    tar.add("y".repeat(150) + ".png", png);
    Path file = tar.write(folder.resolve("d.tar"));
    try (DataSet data = DataSets.webDataset(List.of(file))) {
      assertEquals(3, data.size());
      assertEquals(List.of("a bus"), ((Sample.Caption) data.sample(0)).captions());
      assertEquals(List.of("car"), ((Sample.Caption) data.sample(1)).captions());
      Sample.Picture named = (Sample.Picture) data.sample(2);
      assertEquals("y".repeat(150), named.id());
      assertEquals(4, named.image().read().width());
    }
  }

  @Test
  void hostileArchivesAreRefused() throws IOException {
    Path escape = new Tar().add("../x.png", new byte[1]).write(folder.resolve("e.tar"));
    IOException e = assertThrows(IOException.class, () -> DataSets.webDataset(List.of(escape)));
    assertTrue(e.getMessage().contains("leads out of the archive"), e.getMessage());
    byte[] bytes =
        Files.readAllBytes(new Tar().add("x.png", new byte[900]).write(folder.resolve("f.tar")));
    Path cut = Files.write(folder.resolve("cut.tar"), Arrays.copyOf(bytes, 1024));
    e = assertThrows(IOException.class, () -> DataSets.webDataset(List.of(cut)));
    assertTrue(e.getMessage().contains("is cut off"), e.getMessage());
    bytes[3] ^= 1;
    Path damaged = Files.write(folder.resolve("damaged.tar"), bytes);
    e = assertThrows(IOException.class, () -> DataSets.webDataset(List.of(damaged)));
    assertTrue(e.getMessage().contains("no tar archive, or damaged"), e.getMessage());
  }

  /** Writes tar archives, with GNU's long names where they are needed. */
  private static final class Tar {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Tar add(String name, byte[] content) {
      if (name.length() > 99) {
        entry("././@LongLink", 'L', (name + "\0").getBytes(StandardCharsets.UTF_8));
      }
      entry(name.substring(0, Math.min(99, name.length())), '0', content);
      return this;
    }

    private void entry(String name, char type, byte[] content) {
      byte[] header = new byte[512];
      put(header, 0, name);
      put(header, 100, "0000644\0");
      put(header, 124, String.format(Locale.ROOT, "%011o\0", content.length));
      header[156] = (byte) type;
      put(header, 257, "ustar\0" + "00");
      Arrays.fill(header, 148, 156, (byte) ' ');
      int sum = 0;
      for (byte b : header) {
        sum += b & 0xff;
      }
      put(header, 148, String.format(Locale.ROOT, "%06o\0 ", sum));
      out.writeBytes(header);
      out.writeBytes(content);
      out.writeBytes(new byte[(512 - content.length % 512) % 512]);
    }

    private static void put(byte[] header, int at, String text) {
      byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
      System.arraycopy(bytes, 0, header, at, bytes.length);
    }

    Path write(Path file) throws IOException {
      out.writeBytes(new byte[1024]);
      return Files.write(file, out.toByteArray());
    }
  }

  @Test
  void cocoCaptionsAndInstances() throws IOException {
    Path captions =
        file(
            "captions.json",
            """
            {"info": {}, "images": [{"id": 9, "file_name": "a.png", "width": 4, "height": 3}],
             "annotations": [{"id": 1, "image_id": 9, "caption": "a bus "}, {"id": 2, "image_id": 9, "caption": "a car"}]}
            """);
    try (DataSet data = DataSets.cocoCaptions(captions, folder)) {
      assertEquals(List.of("a bus", "a car"), only(Sample.Caption.class, data).captions());
    }
    try (DataSet data = DataSets.cocoInstances(instances(), folder, true)) {
      assertEquals(4, data.size());
      assertTrue(((Sample.Region) data.sample(0)).shape() instanceof RegionShape.Polygons);
      assertTrue(((Sample.Region) data.sample(1)).shape() instanceof RegionShape.Runs);
      Sample.Region compressed = (Sample.Region) data.sample(2);
      assertArrayEquals(new int[] {0, 12}, ((RegionShape.Runs) compressed.shape()).counts());
      assertEquals(List.of("bus"), compressed.descriptions());
      assertThrows(IOException.class, () -> data.sample(3));
    }
    try (DataSet data = DataSets.cocoInstances(instances(), folder, false)) {
      assertEquals(3, data.size());
    }
  }

  private Path instances() throws IOException {
    return file(
        "instances.json",
        """
        {"images": [{"id": 9, "file_name": "a.png", "width": 4, "height": 3}],
         "categories": [{"id": 6, "name": "bus", "supercategory": "vehicle"}],
         "annotations": [
          {"id": 1, "image_id": 9, "category_id": 6, "iscrowd": 0, "bbox": [0, 0, 2, 2], "area": 4,
           "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]},
          {"id": 2, "image_id": 9, "category_id": 6, "iscrowd": 1, "bbox": [0, 0, 1, 3],
           "segmentation": {"size": [3, 4], "counts": [0, 3, 9]}},
          {"id": 3, "image_id": 9, "category_id": 6, "iscrowd": 0, "bbox": [0, 0, 4, 3],
           "segmentation": {"size": [3, 4], "counts": "0<"}},
          {"id": 4, "image_id": 8, "category_id": 6, "bbox": [0, 0, 4, 3], "segmentation": []}]}
        """);
  }

  @Test
  void vqaAndOkVqa() throws IOException {
    Path questions =
        file(
            "q.json",
            """
            {"data_type": "mscoco", "data_subtype": "val2014", "questions":
             [{"image_id": 42, "question": "What?", "question_id": 420}]}
            """);
    Path annotations =
        file(
            "n.json",
            """
            {"annotations": [{"question_id": 420, "image_id": 42, "answer_type": "other",
             "multiple_choice_answer": "bus", "answers": [{"answer": "bus", "answer_id": 1,
             "answer_confidence": "yes"}, {"answer": "car", "answer_id": 2}]}]}
            """);
    try (DataSet data = DataSets.vqa(questions, Optional.of(annotations), folder)) {
      Sample.Question question = only(Sample.Question.class, data);
      assertEquals("420", question.id());
      assertEquals("COCO_val2014_000000000042.jpg", question.image().name());
      assertEquals(List.of("bus", "car"), question.answers());
      assertEquals("other", question.type());
    }
    try (DataSet data = DataSets.vqa(questions, Optional.empty(), folder)) {
      assertEquals(List.of(), only(Sample.Question.class, data).answers());
    }
  }

  @Test
  void aOkVqaTextVqaAndGqa() throws IOException {
    Path a =
        file(
            "a.json",
            """
            [{"split": "val", "image_id": 5, "question_id": "q", "question": "What?",
              "choices": ["bus", "car"], "correct_choice_idx": 0, "direct_answers": ["bus", "bus", "van"],
              "difficult_direct_answer": false, "rationales": []}]
            """);
    try (DataSet data = DataSets.aOkVqa(a, folder)) {
      Sample.Question question = only(Sample.Question.class, data);
      assertEquals("000000000005.jpg", question.image().name());
      assertEquals(List.of("bus", "car"), question.options());
    }
    Path text =
        file(
            "t.json",
            """
            {"dataset_type": "train", "data": [{"question": "What?", "image_id": "0cd", "question_id": 3,
             "answers": ["x", "y"], "image_width": 4}]}
            """);
    try (DataSet data = DataSets.textVqa(text, folder)) {
      assertEquals("0cd.jpg", only(Sample.Question.class, data).image().name());
    }
    Path gqa =
        file(
            "g.json",
            """
            {"02930152": {"semantic": [], "imageId": "2354786", "question": "Is it?", "answer": "yes",
             "fullAnswer": "Yes, it is.", "types": {"structural": "verify"}}}
            """);
    try (DataSet data = DataSets.gqa(gqa, folder)) {
      Sample.Question question = only(Sample.Question.class, data);
      assertEquals("02930152", question.id());
      assertEquals("2354786.jpg", question.image().name());
      assertEquals("verify", question.type());
    }
  }

  /** The pickle is what Python 2 writes, in protocol 0. */
  @Test
  void refCocoReferencesArePicklesOrJson() throws IOException {
    String text =
        """
        (lp0
        (dp1
        S'ref_id'
        p2
        I7
        sS'ann_id'
        p3
        I1
        sS'split'
        p4
        S'testA'
        p5
        sS'sentences'
        p6
        (lp7
        (dp8
        S'sent'
        p9
        S"the bus's left"
        p10
        sS'raw'
        p11
        Vthe b\\u00fcs
        p12
        sasa.\
        """;
    Path zero = file("refs(unc).p", text);
    Path json =
        file(
            "refs.json",
            """
            [{"ref_id": 7, "ann_id": 1, "split": "testA", "sentences": [{"sent": "the bus's left"}]}]
            """);
    String protocol2 =
        "80025d71007d71012858060000007265665f696471024b075806000000616e6e5f696471034b01580500000073"
            + "706c69747104580500000074657374417105580900000073656e74656e63657371065d71077d71082858"
            + "0400000073656e747109580e000000746865206275732773206c656674710a5803000000726177710b58"
            + "0100000078710c756175612e";
    Path two = Files.write(folder.resolve("refs(umd).p"), HexFormat.of().parseHex(protocol2));
    for (Path refs : List.of(zero, two, json)) {
      try (DataSet data = DataSets.refCoco(refs, instances(), folder, Optional.of("testA"))) {
        Sample.Region region = only(Sample.Region.class, data);
        assertEquals(List.of("the bus's left"), region.descriptions());
        assertEquals(new RegionShape.Box(0, 0, 2, 2), region.box());
      }
      assertThrows(
          IOException.class,
          () -> DataSets.refCoco(refs, instances(), folder, Optional.of("train")));
    }
    Path hostile = file("hostile.p", "cos\nsystem\n(S'true'\ntR.");
    IOException e =
        assertThrows(
            IOException.class,
            () -> DataSets.refCoco(hostile, instances(), folder, Optional.empty()));
    assertTrue(e.getMessage().contains("unsupported opcode 0x63"), e.getMessage());
  }

  @Test
  void llavaVisualGenomeAndMmc4() throws IOException {
    Path llava =
        file(
            "llava.json",
            """
            [{"id": "000", "image": "a.png", "conversations": [
              {"from": "human", "value": "<image>\\nWhat?"}, {"from": "gpt", "value": "A bus."}]},
             {"id": "001", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hi"}]}]
            """);
    try (DataSet data = DataSets.llava(llava, folder)) {
      assertEquals(2, data.size());
      Sample.Conversation first = (Sample.Conversation) data.sample(0);
      assertEquals("<mask>\nWhat?", first.turns().get(0).text());
      assertTrue(((Sample.Conversation) data.sample(1)).image().isEmpty());
    }
    picture("VG_100K_2/7.jpg");
    Path genome =
        file(
            "regions.json",
            """
            [{"id": 7, "regions": [{"region_id": 1, "image_id": 7, "x": 1, "y": 0, "width": 2,
              "height": 2, "phrase": "a bus"}, {"region_id": 2, "image_id": 7, "x": 0, "y": 0,
              "width": 1, "height": 1, "phrase": "a wheel"}]}]
            """);
    try (DataSet data = DataSets.visualGenome(genome, folder)) {
      assertEquals(2, data.size());
      Sample.Region region = (Sample.Region) data.sample(0);
      assertEquals(new RegionShape.Box(1, 0, 2, 2), region.box());
      assertEquals("VG_100K_2/7.jpg", region.image().name());
    }
    Path mmc4 =
        file(
            "docs.jsonl",
            """
            {"url": "u", "text_list": ["One.", "Two."], "image_info": [
             {"image_name": "a.png", "raw_url": "r", "matched_text_index": 1, "matched_sim": 0.27},
             {"image_name": "gone.png", "raw_url": "r", "matched_text_index": 0, "matched_sim": 0.3}],
             "similarity_matrix": [[0.1, 0.27]], "could_have_url_duplicate": 0}
            """
                .replace("\n ", " "));
    try (DataSet data = DataSets.mmc4(mmc4, folder)) {
      Sample.Document document = only(Sample.Document.class, data);
      assertEquals(1, document.pictures().size());
      assertEquals(0.27, document.pictures().get(0).similarity());
    }
  }

  @Test
  void theChecksumIsOfTheContent() throws IOException {
    file("data.jsonl", "{\"image\": \"a.png\"}\n{\"image\": \"missing.png\"}\n");
    String before;
    try (DataSet data = DataSets.folder(folder)) {
      before = data.checksum(ChecksumDepth.CONTENTS);
      assertEquals(before, data.checksum(ChecksumDepth.CONTENTS));
      assertEquals(64, before.length());
      byte[] other = new byte[36];
      other[0] = 1;
      Image.ofRgb(4, 3, other).write(folder.resolve("a.png"));
      assertNotEquals(before, data.checksum(ChecksumDepth.CONTENTS));
    }
  }

  @Test
  void formatsOpenByName() throws IOException {
    for (DataFormat format : DataFormat.values()) {
      assertEquals(format, DataFormat.of(format.id()));
    }
    try (DataSet data =
        DataFormat.of("folder").open(List.of(folder), Optional.empty(), Optional.empty())) {
      assertEquals(1, data.size());
    }
    assertThrows(IllegalArgumentException.class, () -> DataFormat.of("csv"));
    assertThrows(
        IllegalArgumentException.class,
        () -> DataFormat.GQA.open(List.of(folder), Optional.empty(), Optional.empty()));
  }
}
