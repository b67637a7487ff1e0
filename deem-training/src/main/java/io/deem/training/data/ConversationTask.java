package io.deem.training.data;

import io.deem.random.RandomSource;
import io.deem.text.prompt.RegionConversations;
import io.deem.text.prompt.RegionConversations.Conversation;
import io.deem.text.prompt.RegionConversations.Turn;
import io.deem.text.prompt.RegionMask;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Learns to answer by turns. Conversations without a picture teach a DEEM nothing to see. */
record ConversationTask() implements PreparedTask<Conversation<SeenImage>> {

  @Override
  public Optional<Conversation<SeenImage>> prepare(Sample sample, Eyes eyes, RandomSource random)
      throws IOException {
    if (!(sample instanceof Sample.Conversation conversation) || conversation.image().isEmpty()) {
      return Optional.empty();
    }
    int places = 0;
    for (Turn turn : conversation.turns()) {
      String text = turn.text().strip();
      for (int at = text.indexOf(RegionConversations.REGION);
          at >= 0;
          at = text.indexOf(RegionConversations.REGION, at + 1)) {
        places++;
      }
      Texts.plain("turn", text);
    }
    if (places != 1 + conversation.regions().size()) {
      throw new IOException(
          places + " places for a picture and " + conversation.regions().size() + " regions of it");
    }
    SeenImage image = eyes.see(conversation.image().get(), random);
    List<RegionMask> masks = new ArrayList<>();
    for (RegionShape shape : conversation.regions()) {
      masks.add(image.mask(shape));
    }
    Conversation<SeenImage> seen = new Conversation<>(image, masks, conversation.turns());
    boolean tooLong = rows(List.of(seen), eyes.format(), random).batch().images().isEmpty();
    return tooLong ? Optional.empty() : Optional.of(seen);
  }

  @Override
  public Rows rows(
      List<Conversation<SeenImage>> prepared, BatchFormat format, RandomSource random) {
    int side = format.imageSize();
    return Rows.of(new RegionConversations(format.prompts()).batch(prepared, side, side));
  }
}
