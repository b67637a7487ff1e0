package io.deem.training.data;

import io.deem.random.RandomSource;
import io.deem.text.prompt.PromptBatch;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Learns to see from pictures alone. */
record PictureTask() implements PreparedTask<SeenImage> {

  @Override
  public Optional<SeenImage> prepare(Sample sample, Eyes eyes, RandomSource random)
      throws IOException {
    List<ImageSource> images = sample.images();
    return images.isEmpty()
        ? Optional.empty()
        : Optional.of(eyes.see(images.get(random.uniformInt(images.size())), random));
  }

  @Override
  public Rows rows(List<SeenImage> prepared, BatchFormat format, RandomSource random) {
    PromptText text = new PromptText(format);
    prepared.forEach(text::addPicture);
    return new Rows(text.batch(PromptBatch.Objective.TEXT), false, false, false);
  }
}
