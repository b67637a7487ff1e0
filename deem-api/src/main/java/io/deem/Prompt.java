package io.deem;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Text and images in their order. Immutable.
 *
 * <pre>{@code
 * Prompt prompt = Prompt.of(before).text("and").image(after).text("What has changed?");
 * }</pre>
 *
 * @param parts at least one
 */
public record Prompt(List<Part> parts) {

  /** A piece of a prompt. */
  public sealed interface Part permits Words, Picture {}

  /**
   * A piece of text. Spaces around it do not count.
   *
   * @param text with something besides spaces
   */
  public record Words(String text) implements Part {
    public Words {
      if (text == null || text.trim().isEmpty()) {
        throw new IllegalArgumentException("text of a prompt must not be empty");
      }
    }
  }

  /**
   * An image, or a region of one.
   *
   * @param image to look at
   */
  public record Picture(Image image) implements Part {
    public Picture {
      Objects.requireNonNull(image, "image");
    }
  }

  public Prompt {
    parts = List.copyOf(parts);
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("a prompt must have text or an image");
    }
  }

  /** A prompt that begins with text. */
  public static Prompt of(String text) {
    return new Prompt(List.of(new Words(text)));
  }

  /** A prompt that begins with an image. */
  public static Prompt of(Image image) {
    return new Prompt(List.of(new Picture(image)));
  }

  /** This prompt with text after it. */
  public Prompt text(String text) {
    return with(new Words(text));
  }

  /** This prompt with an image after it. */
  public Prompt image(Image image) {
    return with(new Picture(image));
  }

  /** The images, in their order. */
  public List<Image> images() {
    return parts.stream()
        .filter(Picture.class::isInstance)
        .map(part -> ((Picture) part).image())
        .collect(Collectors.toList());
  }

  private Prompt with(Part part) {
    List<Part> longer = new ArrayList<>(parts);
    longer.add(part);
    return new Prompt(longer);
  }
}
