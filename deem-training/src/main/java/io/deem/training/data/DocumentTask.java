package io.deem.training.data;

import io.deem.random.RandomSource;
import io.deem.text.TokenBatch;
import io.deem.text.prompt.Document;
import io.deem.text.prompt.DocumentWriter;
import io.deem.text.prompt.MaskedImage;
import io.deem.text.prompt.PromptBatch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/** Learns text with pictures, both the text and the pictures. */
record DocumentTask(DocumentWriter.Options options, boolean captions)
    implements PreparedTask<Document<SeenImage>> {

  static DocumentTask interleaved(DocumentWriter.Options options) {
    return new DocumentTask(options, false);
  }

  static DocumentTask captioned(DocumentWriter.Options options) {
    return new DocumentTask(options, true);
  }

  @Override
  public Optional<Document<SeenImage>> prepare(Sample sample, Eyes eyes, RandomSource random)
      throws IOException {
    Optional<Document<ImageSource>> written = write(sample, eyes.format(), random);
    if (written.isEmpty()) {
      return Optional.empty();
    }
    Document<ImageSource> whole = cut(written.get(), eyes.format());
    List<SeenImage> images = new ArrayList<>();
    for (ImageSource source : whole.images()) {
      images.add(eyes.see(source, random));
    }
    return images.isEmpty() ? Optional.empty() : Optional.of(new Document<>(whole.ids(), images));
  }

  private Optional<Document<ImageSource>> write(
      Sample sample, BatchFormat format, RandomSource random) throws IOException {
    DocumentWriter writer = new DocumentWriter(format.prompts(), options);
    if (captions && sample instanceof Sample.Caption captioned) {
      List<String> all = captioned.captions();
      String caption = Texts.plain("caption", all.get(random.uniformInt(all.size())));
      return Optional.of(writer.captioned(captioned.image(), List.of(caption), random));
    }
    if (!captions && sample instanceof Sample.Document document) {
      for (String sentence : document.sentences()) {
        if (!sentence.isBlank()) {
          Texts.plain("sentence", sentence);
        }
      }
      List<DocumentWriter.Picture<ImageSource>> pictures =
          document.pictures().stream()
              .map(
                  each ->
                      new DocumentWriter.Picture<>(
                          each.image(), each.sentence(), each.similarity()))
              .toList();
      return writer.interleaved(document.sentences(), pictures, random);
    }
    return Optional.empty();
  }

  /** A document that fits a row, without a picture that is cut in two. */
  private static Document<ImageSource> cut(Document<ImageSource> document, BatchFormat format) {
    long[] ids = document.ids();
    int longest = format.prompts().longest();
    if (ids.length <= longest) {
      return document;
    }
    int images = 0;
    int length = longest;
    for (int i = 0; i < longest; i++) {
      if (ids[i] == format.special().imageStart()) {
        if (i + format.special().tokensPerImage() >= longest) {
          length = i;
          break;
        }
        images++;
      }
    }
    return new Document<>(Arrays.copyOf(ids, length), document.images().subList(0, images));
  }

  @Override
  public Rows rows(List<Document<SeenImage>> prepared, BatchFormat format, RandomSource random) {
    List<long[]> rows = new ArrayList<>();
    List<Integer> imagesPerRow = new ArrayList<>();
    List<MaskedImage<SeenImage>> images = new ArrayList<>();
    for (Document<SeenImage> document : prepared) {
      int last = rows.size() - 1;
      long[] ids = document.ids();
      boolean fits = last >= 0 && rows.get(last).length + ids.length <= format.prompts().longest();
      if (fits) {
        rows.set(
            last, LongStream.concat(LongStream.of(rows.get(last)), LongStream.of(ids)).toArray());
        imagesPerRow.set(last, imagesPerRow.get(last) + document.images().size());
      } else {
        rows.add(ids);
        imagesPerRow.add(document.images().size());
      }
      document.images().forEach(image -> images.add(new MaskedImage<>(image, Optional.empty())));
    }
    TokenBatch text = TokenBatch.of(rows, format.special().padding(), TokenBatch.Side.RIGHT);
    int[] counts = imagesPerRow.stream().mapToInt(Integer::intValue).toArray();
    PromptBatch<SeenImage> batch =
        new PromptBatch<>(
            text, text.mask(), images, counts, new int[0], new long[0], PromptBatch.Objective.TEXT);
    return new Rows(batch, true, true, captions);
  }
}
