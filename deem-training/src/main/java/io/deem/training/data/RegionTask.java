package io.deem.training.data;

import io.deem.random.RandomSource;
import io.deem.text.prompt.GroundingPrompts;
import io.deem.text.prompt.RegionMask;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Learns to find what is described, and to describe parts of pictures. */
record RegionTask(List<GroundingPrompts.Task> tasks)
    implements PreparedTask<GroundingPrompts.Region<SeenImage>> {

  @Override
  public Optional<GroundingPrompts.Region<SeenImage>> prepare(
      Sample sample, Eyes eyes, RandomSource random) throws IOException {
    if (!(sample instanceof Sample.Region region)) {
      return Optional.empty();
    }
    List<String> all = region.descriptions();
    String description = Texts.plain("description", all.get(random.uniformInt(all.size())));
    SeenImage image = eyes.see(region.image(), random);
    RegionMask mask = image.mask(region.shape());
    if (isEmpty(mask)) {
      // The crop has cut it off, or the annotation is empty: there is nothing to learn from.
      return Optional.empty();
    }
    return Optional.of(
        new GroundingPrompts.Region<>(image, mask, image.box(region.box()), description));
  }

  private static boolean isEmpty(RegionMask mask) {
    for (float value : mask.values()) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public Rows rows(
      List<GroundingPrompts.Region<SeenImage>> prepared, BatchFormat format, RandomSource random) {
    return Rows.of(new GroundingPrompts(format.prompts()).train(tasks, prepared, true, random));
  }
}
