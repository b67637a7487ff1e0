package io.deem.training.data;

import io.deem.random.RandomSource;
import io.deem.text.prompt.CaptionPrompts;
import io.deem.text.prompt.PromptBatch;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Learns to describe pictures, and to draw what is described. */
record CaptionTask(Wording wording, CaptionPrompts.Variety variety)
    implements PreparedTask<CaptionPrompts.Pair<SeenImage>> {

  @Override
  public Optional<CaptionPrompts.Pair<SeenImage>> prepare(
      Sample sample, Eyes eyes, RandomSource random) throws IOException {
    if (!(sample instanceof Sample.Caption captioned)) {
      return Optional.empty();
    }
    List<String> captions = captioned.captions();
    String caption = Texts.plain("caption", captions.get(random.uniformInt(captions.size())));
    return Optional.of(new CaptionPrompts.Pair<>(eyes.see(captioned.image(), random), caption));
  }

  @Override
  public Rows rows(
      List<CaptionPrompts.Pair<SeenImage>> prepared, BatchFormat format, RandomSource random) {
    if (wording == Wording.REFERENCE) {
      return Rows.of(new CaptionPrompts(format.prompts()).train(prepared, variety, random));
    }
    PromptText text = new PromptText(format);
    if (random.uniform() < variety.imageFirst()) {
      prepared.forEach(pair -> text.addCaption(pair.image(), pair.caption()));
      return Rows.of(text.batch(PromptBatch.Objective.TEXT));
    }
    for (CaptionPrompts.Pair<SeenImage> pair : prepared) {
      boolean told = random.uniform() >= variety.unconditional();
      text.addDrawing(pair.image(), told ? pair.caption() : "");
    }
    return Rows.of(text.batch(PromptBatch.Objective.IMAGE));
  }
}
