package io.deem.mini.recipe;

import io.deem.mini.EmojiStyle;
import java.util.List;
import java.util.Locale;

/** What the image prior has seen. */
enum AblationPrior {
  /** The styles that the encoder is trained on. */
  NARROW(EmojiStyle.NOTO, EmojiStyle.TWEMOJI),
  /** These and more; fluent stays outside of both. */
  BROAD(EmojiStyle.NOTO, EmojiStyle.TWEMOJI, EmojiStyle.OPENMOJI, EmojiStyle.OPENMOJI_BLACK);

  @SuppressWarnings("ImmutableEnumChecker") // An unmodifiable list of enum constants.
  private final List<EmojiStyle> styles;

  AblationPrior(EmojiStyle... styles) {
    this.styles = List.of(styles);
  }

  List<EmojiStyle> styles() {
    return styles;
  }

  /** Its name in results. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
