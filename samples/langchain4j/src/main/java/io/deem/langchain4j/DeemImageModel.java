package io.deem.langchain4j;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.image.ImageModel;
import dev.langchain4j.model.output.Response;
import io.deem.ImagineOptions;
import io.deem.Perceiver;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;

/** Draws pictures, as PNG in base64. Safe for use from many threads. */
public final class DeemImageModel implements ImageModel {

  private final Perceiver perceiver;
  private final ImagineOptions options;

  /** A model that stays usable as long as the perceiver's {@link io.deem.Deem} is open. */
  public DeemImageModel(Perceiver perceiver, ImagineOptions options) {
    this.perceiver = Objects.requireNonNull(perceiver, "perceiver");
    this.options = Objects.requireNonNull(options, "options");
  }

  @Override
  public Response<Image> generate(String prompt) {
    return Response.from(draw(prompt, options));
  }

  /** Draws pictures that differ, each with a seed of its own. */
  @Override
  public Response<List<Image>> generate(String prompt, int count) {
    List<Image> drawn = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      drawn.add(draw(prompt, options.withSeed(options.seed() + i)));
    }
    return Response.from(drawn);
  }

  private Image draw(String prompt, ImagineOptions how) {
    byte[] png = perceiver.imagine(prompt, how).toPng();
    return Image.builder()
        .base64Data(Base64.getEncoder().encodeToString(png))
        .mimeType("image/png")
        .build();
  }
}
