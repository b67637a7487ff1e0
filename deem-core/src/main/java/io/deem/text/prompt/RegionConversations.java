package io.deem.text.prompt;

import io.deem.text.SpecialTokens;
import io.deem.text.TokenBatch;
import io.deem.text.TokenBatch.Side;
import io.deem.text.prompt.PromptBatch.Objective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Conversations about regions of an image. The reference's marks are kept as checkpoints know them:
 * the model's turns begin with {@code ## asistant:}, sic.
 */
public final class RegionConversations {

  /** What stands in a turn's text where an image is meant. */
  public static final String REGION = "<mask>";

  private static final String HEADER = "You are a helpful assistant.\n\n";
  private static final String BEGIN = "## ";
  private static final String END = "\n";

  private final PromptFormat format;

  /**
   * Prepares conversations of a model.
   *
   * @param format with a tokenizer that has {@link SpecialTokens#GROUNDING}
   */
  public RegionConversations(PromptFormat format) {
    this.format = format;
  }

  /** Who speaks. */
  public enum Speaker {
    /** Asks. */
    HUMAN("user"),
    /** Answers. */
    MODEL("asistant");

    private final String mark;

    Speaker(String mark) {
      this.mark = mark;
    }

    /** What a turn is marked with in the text. */
    public String mark() {
      return mark;
    }
  }

  /**
   * What somebody says.
   *
   * @param text with {@value #REGION} where an image is meant: the first of a conversation means
   *     the whole image, each further one the next region
   */
  public record Turn(Speaker speaker, String text) {}

  /**
   * A conversation.
   *
   * @param image what it is about
   * @param regions its regions, of any size
   * @param turns questions and answers by turns
   */
  public record Conversation<I>(I image, List<RegionMask> regions, List<Turn> turns) {

    /** Checks that an answer follows a question. */
    public Conversation {
      regions = List.copyOf(regions);
      turns = List.copyOf(turns);
      if (!turns.isEmpty() && turns.get(0).speaker == Speaker.MODEL) {
        throw new IllegalArgumentException("a conversation begins with an answer");
      }
    }
  }

  /**
   * Conversations to learn from. A question with its answer is left out, and all that follows,
   * where the conversation would become too long; so are the images of what is left out.
   *
   * @param height of the images that the model sees; masks are resized to it
   * @param width of the images that the model sees
   * @return with labels: answers count, and of questions their mark
   */
  public <I> PromptBatch<I> batch(List<Conversation<I>> conversations, int height, int width) {
    List<long[]> texts = new ArrayList<>();
    List<long[]> labelled = new ArrayList<>();
    List<MaskedImage<I>> images = new ArrayList<>();
    int[] imagesPerRow = new int[conversations.size()];
    for (int row = 0; row < imagesPerRow.length; row++) {
      Conversation<I> conversation = conversations.get(row);
      Written written = write(conversation.turns);
      long[] ids = format.tokenizer().encode(written.text);
      texts.add(cut(ids));
      labelled.add(cut(labels(ids, written.lengths, conversation.turns)));
      List<MaskedImage<I>> ofRow = images(conversation, height, width);
      imagesPerRow[row] = Math.min(written.images, ofRow.size());
      images.addAll(ofRow.subList(0, imagesPerRow[row]));
    }
    TokenBatch text = TokenBatch.of(texts, SpecialTokens.PADDING_ID, Side.RIGHT);
    long[] mask =
        Arrays.stream(text.ids()).map(id -> id == SpecialTokens.PADDING_ID ? 0 : 1).toArray();
    long[] labels = TokenBatch.of(labelled, PromptBatch.IGNORED, Side.RIGHT).ids();
    return new PromptBatch<>(text, mask, images, imagesPerRow, new int[0], labels, Objective.TEXT);
  }

  /**
   * A conversation as text.
   *
   * @param lengths of the header and of each turn that is in it, each encoded alone with its
   *     begin-of-sequence token
   */
  private record Written(String text, List<Integer> lengths, int images) {}

  private Written write(List<Turn> turns) {
    StringBuilder text = new StringBuilder(HEADER);
    List<Integer> lengths = new ArrayList<>();
    lengths.add(format.length(HEADER));
    int total = lengths.get(0);
    String question = "";
    for (Turn turn : turns) {
      String spoken =
          BEGIN + turn.speaker.mark + ": " + turn.text.replace(REGION, format.image()) + END;
      lengths.add(format.length(spoken));
      total += lengths.get(lengths.size() - 1);
      if (total > format.longest()) {
        int dropped = turn.speaker == Speaker.MODEL ? 2 : 1;
        lengths = lengths.subList(0, lengths.size() - dropped);
        break;
      }
      if (turn.speaker == Speaker.MODEL) {
        text.append(question).append(spoken);
      }
      question = spoken;
    }
    String whole = text.append(SpecialTokens.END).toString();
    return new Written(whole, lengths, count(whole, SpecialTokens.START_OF_IMAGE));
  }

  private static int count(String text, String part) {
    int count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }

  private long[] labels(long[] ids, List<Integer> lengths, List<Turn> turns) {
    // Both without the begin-of-sequence token.
    int mark = format.length(BEGIN) - 1 + format.length(Speaker.HUMAN.mark) - 1;
    long[] labels = ids.clone();
    int at = Math.min(lengths.get(0), labels.length);
    Arrays.fill(labels, 0, at, PromptBatch.IGNORED);
    for (int turn = 0; turn + 1 < lengths.size(); turn++) {
      int end = Math.min(at + lengths.get(turn + 1) - 1, labels.length);
      if (turns.get(turn).speaker == Speaker.HUMAN && at + mark < end) {
        Arrays.fill(labels, at + mark, end, PromptBatch.IGNORED);
      }
      at = end;
    }
    return labels;
  }

  private static <I> List<MaskedImage<I>> images(
      Conversation<I> conversation, int height, int width) {
    List<MaskedImage<I>> images = new ArrayList<>();
    images.add(new MaskedImage<>(conversation.image, Optional.of(RegionMask.whole(height, width))));
    for (RegionMask region : conversation.regions) {
      images.add(new MaskedImage<>(conversation.image, Optional.of(region.resized(height, width))));
    }
    return images;
  }

  private long[] cut(long[] ids) {
    return ids.length <= format.longest() ? ids : Arrays.copyOf(ids, format.longest());
  }
}
