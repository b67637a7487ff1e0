package io.deem.mini;

import java.util.Arrays;
import java.util.List;

/**
 * One artist's way of drawing the concepts. Training uses {@link #NOTO} and {@link #TWEMOJI}; the
 * others are never trained on, so that they can test whether perception carries over.
 */
public enum EmojiStyle {
  /** Flat and coloured, by Google. Trained on. */
  NOTO("noto", "noto.tar", true),
  /** Flat and coloured, by Twitter. Trained on. */
  TWEMOJI("twemoji", "twemoji.tar", true),
  /** Soft 3-D renders, by Microsoft. */
  FLUENT("fluent", "fluent.tar", false),
  /** Flat colours with dark outlines. Share-alike: its files stay in a folder of their own. */
  OPENMOJI("openmoji", "open-cc-by-sa/openmoji.tar", false),
  /** Black line art. Share-alike, like {@link #OPENMOJI}. */
  OPENMOJI_BLACK("openmoji-black", "open-cc-by-sa/openmoji-black.tar", false);

  private final String id;
  private final String file;
  private final boolean trained;

  EmojiStyle(String id, String file, boolean trained) {
    this.id = id;
    this.file = file;
    this.trained = trained;
  }

  /** Name of the style in {@code concepts.jsonl} and on the command line. */
  public String id() {
    return id;
  }

  /** Path of the style's tar file inside the corpus folder. */
  public String file() {
    return file;
  }

  /** Whether training may use this style. */
  public boolean trained() {
    return trained;
  }

  /** The styles that training may use. */
  public static List<EmojiStyle> trainedStyles() {
    return Arrays.stream(values()).filter(EmojiStyle::trained).toList();
  }

  /**
   * The style with this {@link #id()}.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static EmojiStyle of(String id) {
    return Arrays.stream(values())
        .filter(style -> style.id.equals(id))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("No emoji style is called '" + id + "'"));
  }
}
