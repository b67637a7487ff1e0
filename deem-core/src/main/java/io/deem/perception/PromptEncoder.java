package io.deem.perception;

import io.deem.Image;
import io.deem.Prompt;
import io.deem.Turn;
import io.deem.model.DeemConfig;
import io.deem.model.InterleavedBatch;
import io.deem.model.InterleavedDecoder;
import io.deem.model.Prompts;
import io.deem.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Turns prompts into token ids with places for images. What users write is text, never a special
 * token.
 */
final class PromptEncoder {

  /** Tokens that a piece of text that a user writes may have. */
  static final int LONGEST_TEXT = 1024;

  /** No token is longer; what has more characters need not be tokenized to be refused. */
  private static final int LONGEST_TOKEN = 16;

  private static final Pattern PLACE_OF_IMAGE =
      Pattern.compile(Pattern.quote(Prompts.IMAGE) + "|" + Pattern.quote(Prompts.REGION));

  private final Tokenizer tokenizer;
  private final Prompts prompts;
  private final InterleavedBatch.Special special;
  private final int originalVocabulary;

  /** Images that the model can tell apart. */
  private final int mostImages;

  /** Stands where the image to be drawn will be; the reference's is grey, too. */
  private final Image placeholder;

  PromptEncoder(Tokenizer tokenizer, Prompts prompts, DeemConfig config) {
    this.tokenizer = tokenizer;
    this.prompts = prompts;
    this.special = config.special();
    this.originalVocabulary = config.originalVocabulary();
    this.mostImages =
        config.languageModel().crossAttentionFrequency() > 0
            ? InterleavedDecoder.MOST_IMAGES
            : Integer.MAX_VALUE;
    int side = config.imageSize();
    byte[] grey = new byte[Math.multiplyExact(3 * side, side)];
    Arrays.fill(grey, (byte) 128);
    this.placeholder = Image.ofRgb(side, side, grey);
  }

  /** What the description of an image, or of a region of one, continues. */
  EncodedPrompt description(Image image) {
    Row row = new Row();
    if (image.region().isPresent() && prompts.region().isPresent()) {
      Image whole = Image.ofRgb(image.width(), image.height(), image.toRgb());
      row.fill(prompts.region().get(), "", "", whole, image);
    } else {
      row.fill(prompts.caption(), "", "", image, image);
    }
    return row.prompt();
  }

  /** What the answer to a question continues. */
  EncodedPrompt question(Image image, String question) {
    text("question", question);
    Row row = new Row();
    row.fill(prompts.question(), Prompts.QUESTION, question.strip(), image, image);
    return row.prompt();
  }

  /** What an image is drawn from; its place is the last image's. */
  EncodedPrompt drawing(Prompt prompt) {
    List<Prompt.Part> parts = prompt.parts();
    Row row = new Row();
    if (prompt.images().isEmpty()) {
      parts.forEach(part -> text("text", ((Prompt.Words) part).text()));
      String caption =
          String.join(
              " ", parts.stream().map(part -> ((Prompt.Words) part).text().strip()).toList());
      row.fill(prompts.drawing(), Prompts.CAPTION, caption, placeholder, placeholder);
      return row.prompt();
    }
    for (Prompt.Part part : parts) {
      if (part instanceof Prompt.Words words) {
        row.add(text("text", words.text().strip()));
      } else {
        row.image(((Prompt.Picture) part).image());
      }
    }
    row.image(placeholder);
    return row.prompt();
  }

  /**
   * What the reply to a message continues: each turn as a question of its own, the messages in the
   * places of image and question, each reply with an end after it. The first message about one
   * image is therefore what {@link #question} gives.
   */
  EncodedPrompt conversation(List<Turn> history, Prompt message) {
    Row row = new Row();
    for (Turn turn : history) {
      message(row, turn.message());
      if (!turn.reply().isBlank()) {
        row.add(text("reply", turn.reply().strip()));
      }
      row.add(special.end());
    }
    message(row, message);
    return row.prompt();
  }

  private void message(Row row, Prompt message) {
    String template = prompts.question();
    int question = template.indexOf(Prompts.QUESTION);
    String between = template.substring(Prompts.before(template).length(), question);
    between = between.substring(Prompts.IMAGE.length());
    // The template's own words and, between them, what the user wrote since the last image.
    String words = Prompts.before(template);
    String own = words;
    List<Prompt.Part> parts = message.parts();
    for (int i = 0; i < parts.size(); i++) {
      if (parts.get(i) instanceof Prompt.Picture picture) {
        row.text("message", words, own);
        row.image(picture.image());
        words = "";
        own = "";
        continue;
      }
      String text = ((Prompt.Words) parts.get(i)).text().strip();
      text("message", text);
      boolean follows = i > 0 && parts.get(i - 1) instanceof Prompt.Words;
      boolean last = i == parts.size() - 1;
      words += (follows ? " " : "") + (last ? between : "") + text;
      own += last ? between : "";
    }
    String end = template.substring(question + Prompts.QUESTION.length());
    row.text("message", words + end, own + end);
  }

  /**
   * The ids of a text that a user wrote.
   *
   * @param name of the argument, for errors
   * @throws IllegalArgumentException if it is blank or too long, or contains a special token
   */
  int[] text(String name, String text) {
    if (text == null || text.isBlank()) {
      throw new IllegalArgumentException(name + " must not be empty");
    }
    int[] ids = text.length() > LONGEST_TEXT * LONGEST_TOKEN ? new int[0] : encode(text);
    if (ids.length == 0 || ids.length > LONGEST_TEXT) {
      throw new IllegalArgumentException(
          name
              + " must have 1 to "
              + LONGEST_TEXT
              + " tokens, and has "
              + (ids.length == 0 ? text.length() + " characters" : Integer.toString(ids.length)));
    }
    for (int id : ids) {
      if (isSpecial(id)) {
        throw new IllegalArgumentException(
            name
                + " must not contain the special token "
                + tokenizer.decode(new long[] {id}, true));
      }
    }
    return ids;
  }

  /**
   * Makes sure that the model can read a prompt and what is to follow it.
   *
   * @param newTokens most tokens that follow
   */
  void requireRoom(EncodedPrompt prompt, int newTokens) {
    if (prompt.images().size() > mostImages) {
      throw new IllegalArgumentException(
          String.format(
              "the prompt has %d images, but the model tells at most %d apart: show fewer",
              prompt.images().size(), mostImages));
    }
    int length = prompt.ids().length;
    if ((long) length + newTokens > prompts.longest()) {
      throw new IllegalArgumentException(
          String.format(
              "the prompt has %d tokens and up to %d may follow, but the model reads only %d in"
                  + " all: say less, or lower maxNewTokens",
              length, newTokens, prompts.longest()));
    }
  }

  static int[] join(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  /** A prompt in the making. */
  private final class Row {
    private final List<int[]> parts = new ArrayList<>(List.of(new int[] {special.beginning()}));
    private final List<Image> images = new ArrayList<>();

    void add(int... ids) {
      parts.add(ids);
    }

    void image(Image image) {
      int[] ids = new int[1 + special.tokensPerImage()];
      Arrays.fill(ids, special.image());
      ids[0] = special.imageStart();
      add(ids);
      images.add(image);
    }

    /**
     * Adds text between two images.
     *
     * @param whole with what the user wrote
     * @param own without it
     */
    void text(String name, String whole, String own) {
      if (whole.isEmpty()) {
        return;
      }
      int[] ids = encode(whole);
      // What the user wrote was checked alone; this sees what it and the text around it become.
      if (specials(ids) != specials(own.isEmpty() ? new int[0] : encode(own))) {
        throw new IllegalArgumentException(name + " must not contain special tokens");
      }
      add(ids);
    }

    /** Adds a template, with a text and images in their places. */
    void fill(String template, String place, String text, Image image, Image region) {
      String name = place.isEmpty() ? place : place.substring(1, place.length() - 1);
      Matcher next = PLACE_OF_IMAGE.matcher(template);
      int from = 0;
      while (next.find()) {
        fill(name, template.substring(from, next.start()), place, text);
        image(next.group().equals(Prompts.IMAGE) ? image : region);
        from = next.end();
      }
      fill(name, template.substring(from), place, text);
    }

    private void fill(String name, String segment, String place, String text) {
      if (place.isEmpty()) {
        text(name, segment, segment);
      } else {
        text(name, segment.replace(place, text), segment.replace(place, ""));
      }
    }

    EncodedPrompt prompt() {
      return new EncodedPrompt(join(parts.toArray(new int[0][])), images);
    }
  }

  private int[] encode(String text) {
    return Arrays.stream(tokenizer.encodeWithoutBegin(text)).mapToInt(Math::toIntExact).toArray();
  }

  private long specials(int[] ids) {
    return IntStream.of(ids).filter(this::isSpecial).count();
  }

  private boolean isSpecial(int id) {
    return id == special.beginning() || id == special.end() || id >= originalVocabulary;
  }
}
