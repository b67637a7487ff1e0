package io.deem.training.alignment;

import io.deem.AlignmentPlan;
import io.deem.Cancellation;
import io.deem.Image;
import io.deem.ImageSet;
import io.deem.image.Framing;
import io.deem.image.PixelPlanes;
import io.deem.random.Permutations;
import io.deem.random.RandomSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The readable images of a plan, divided at random into those to learn from and those to measure
 * on. The division and every batch depend on the seed alone.
 */
final class AlignmentImages {

  private static final Logger LOG = LoggerFactory.getLogger(AlignmentImages.class);

  /** A batch at two sizes, [batch, 3, size, size] from 0 to 1 each. */
  record Batch(float[] seen, float[] drawn) {}

  private final ImageSet images;
  private final int[] training;
  private final int[] heldOut;
  private final List<String> unreadable;
  private final String checksum;
  private final long seed;
  private long epoch = -1;
  private int[] order;

  private AlignmentImages(
      ImageSet images,
      int[] training,
      int[] heldOut,
      List<String> unreadable,
      String checksum,
      long seed) {
    this.images = images;
    this.training = training;
    this.heldOut = heldOut;
    this.unreadable = unreadable;
    this.checksum = checksum;
    this.seed = seed;
  }

  /**
   * Reads every image once.
   *
   * @throws IOException if more are unreadable than may be, naming the first
   * @throws IllegalArgumentException if too few are left
   */
  static AlignmentImages read(AlignmentPlan plan, Cancellation cancellation) throws IOException {
    ImageSet images = plan.images();
    MessageDigest digest = sha256();
    List<Integer> readable = new ArrayList<>();
    List<String> unreadable = new ArrayList<>();
    String first = "";
    for (int i = 0; i < images.size(); i++) {
      cancellation.check();
      try {
        String hash = images.image(i).contentHash();
        digest.update(hash.getBytes(StandardCharsets.US_ASCII));
        readable.add(i);
      } catch (IOException e) {
        first = unreadable.isEmpty() ? ": " + e.getMessage() : first;
        unreadable.add(images.name(i));
        LOG.warn("skipped {}: {}", images.name(i), e.getMessage());
      }
    }
    if (unreadable.size() > plan.mostBroken() * images.size()) {
      throw new IOException(
          unreadable.size() + " of " + images.size() + " images are unreadable" + first);
    }
    if (readable.size() < 2) {
      throw new IllegalArgumentException(
          "an alignment needs at least 2 images, and there are " + readable.size());
    }
    long wanted = Math.round(plan.heldOutShare() * readable.size());
    int held = (int) Math.max(1, Math.min(readable.size() - 1L, wanted));
    int[] shuffled =
        Permutations.sample(readable.size(), readable.size(), RandomSource.seeded(plan.seed()));
    int[] indices = new int[readable.size()];
    for (int i = 0; i < indices.length; i++) {
      indices[i] = readable.get(shuffled[i]);
    }
    return new AlignmentImages(
        images,
        java.util.Arrays.copyOfRange(indices, held, indices.length),
        java.util.Arrays.copyOf(indices, held),
        unreadable,
        HexFormat.of().formatHex(digest.digest()),
        plan.seed());
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** How many are learnt from. */
  int trainingCount() {
    return training.length;
  }

  /** How many are measured on. */
  int heldOutCount() {
    return heldOut.length;
  }

  /** The names of those that could not be read. */
  List<String> unreadable() {
    return unreadable;
  }

  /** SHA-256 of the readable images' contents, in order. */
  String checksum() {
    return checksum;
  }

  /** An image to measure on. */
  Image heldOut(int index) throws IOException {
    return images.image(heldOut[index]);
  }

  /**
   * The images of a step: every image once, in random order, then every image once again.
   *
   * @param step from 0
   * @param size of the batch
   * @param seenSide side that the encoder sees, in pixels
   * @param drawnSide side that the image decoder draws, in pixels
   */
  Batch batch(long step, int size, int seenSide, int drawnSide) {
    int seen = 3 * seenSide * seenSide;
    int drawn = 3 * drawnSide * drawnSide;
    Batch batch =
        new Batch(
            new float[Math.multiplyExact(size, seen)], new float[Math.multiplyExact(size, drawn)]);
    for (int i = 0; i < size; i++) {
      Image image = at(step * size + i);
      float[] small = PixelPlanes.of(Framing.SQUASH.apply(image, seenSide));
      float[] large =
          drawnSide == seenSide ? small : PixelPlanes.of(Framing.SQUASH.apply(image, drawnSide));
      System.arraycopy(small, 0, batch.seen, i * seen, seen);
      System.arraycopy(large, 0, batch.drawn, i * drawn, drawn);
    }
    return batch;
  }

  private Image at(long place) {
    long wanted = place / training.length;
    if (wanted != epoch) {
      epoch = wanted;
      order =
          Permutations.sample(
              training.length,
              training.length,
              RandomSource.seeded(seed * 0x9E3779B97F4A7C15L + wanted));
    }
    try {
      return images.image(training[order[(int) (place % training.length)]]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
