package io.deem.training.evaluation;

import io.deem.Cancellation;
import io.deem.Perceiver;
import io.deem.training.data.DataSet;
import io.deem.training.data.Sample;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** What the samples of a data set ask. */
public final class DataSetItems {

  private DataSetItems() {}

  /**
   * The answered questions of a data set, counted by their type.
   *
   * @param most at most so many
   * @throws IOException if there are none
   */
  public static List<Item> questions(DataSet data, int most) throws IOException {
    List<Item> items = new ArrayList<>();
    for (long i = 0; i < data.size() && items.size() < most; i++) {
      if (data.sample(i) instanceof Sample.Question question && !question.answers().isEmpty()) {
        items.add(
            new Item(
                question.id(),
                question.type().isEmpty() ? data.name() : question.type(),
                question.image().name(),
                question.image()::read,
                question.text(),
                question.options(),
                question.answers()));
      }
    }
    if (items.isEmpty()) {
      throw new IOException(data.name() + ": has no answered questions");
    }
    return items;
  }

  /**
   * Lets a model describe the captioned pictures of a data set, in tokens ready to be scored.
   *
   * @param most at most so many
   * @throws IOException if there are none
   */
  public static List<CaptionScores.Item> captions(
      Perceiver perceiver, DataSet data, int most, Cancellation cancellation) throws IOException {
    List<CaptionScores.Item> items = new ArrayList<>();
    for (long i = 0; i < data.size() && items.size() < most; i++) {
      cancellation.check();
      if (data.sample(i) instanceof Sample.Caption caption) {
        String written = perceiver.describe(caption.image().read()).text();
        items.add(CaptionScores.Item.ofText(written, caption.captions()));
      }
    }
    if (items.isEmpty()) {
      throw new IOException(data.name() + ": has no captioned pictures");
    }
    return items;
  }
}
