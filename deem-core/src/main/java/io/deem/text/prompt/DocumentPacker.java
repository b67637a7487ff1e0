package io.deem.text.prompt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Puts documents one after the other and cuts the stream into sequences of a fixed length, as the
 * reference packs interleaved documents. An image is never cut in two, and sequences without an
 * image are left out.
 */
public final class DocumentPacker {

  /** Where a sequence ends that would cut an image, or would have too many. */
  public enum Cut {
    /** Right before the image, or right after the last image that is allowed. */
    IMAGE,
    /** Where the document begins that the image belongs to, if it begins in this sequence. */
    DOCUMENT
  }

  private final PromptFormat format;
  private final int mostImages;
  private final Cut cut;
  private final long begin;
  private final long imageStart;
  private final long imageToken;

  /**
   * Prepares packing for a model.
   *
   * @param format its {@link PromptFormat#longest} is the length of sequences
   * @param mostImages images of a sequence; 0 or less for as many as fit
   */
  public DocumentPacker(PromptFormat format, int mostImages, Cut cut) {
    if (format.longest() <= format.tokensPerImage() + 1) {
      throw new IllegalArgumentException(
          "sequences of "
              + format.longest()
              + " tokens hold no image of "
              + format.tokensPerImage()
              + " tokens with its start and something before it");
    }
    this.format = format;
    this.mostImages = mostImages;
    this.cut = cut;
    this.begin = format.begin();
    this.imageStart = format.imageStart();
    this.imageToken = format.imageToken();
  }

  /**
   * Packs documents. Text at the very end that does not fill a sequence is dropped.
   *
   * @param documents read as they are needed, so there may be infinitely many
   */
  public <I> Iterator<PackedSequence<I>> pack(Iterator<Document<I>> documents) {
    return new Sequences<>(documents);
  }

  private final class Sequences<I> implements Iterator<PackedSequence<I>> {

    private final Iterator<Document<I>> documents;
    private long[] ids = new long[0];
    private final List<I> images = new ArrayList<>();
    private PackedSequence<I> following;

    Sequences(Iterator<Document<I>> documents) {
      this.documents = documents;
    }

    @Override
    public boolean hasNext() {
      while (following == null) {
        if (ids.length >= format.longest()) {
          following = take().orElse(null);
        } else if (documents.hasNext()) {
          Document<I> document = documents.next();
          ids = LongStream.concat(Arrays.stream(ids), Arrays.stream(document.ids())).toArray();
          images.addAll(document.images());
        } else {
          return false;
        }
      }
      return true;
    }

    @Override
    public PackedSequence<I> next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      PackedSequence<I> sequence = following;
      following = null;
      return sequence;
    }

    private Optional<PackedSequence<I>> take() {
      int whole = imagesBefore(format.longest());
      int length = format.longest();
      if (mostImages > 0 && whole > mostImages) {
        length = lengthWithMostImages();
        whole = mostImages;
      }
      int lastStart = last(imageStart, length);
      boolean cutsImage = lastStart >= length - format.tokensPerImage();
      int kept = whole;
      if (cutsImage) {
        length = lengthBefore(lastStart, length);
        kept = imagesBefore(length);
      }
      long[] taken = Arrays.copyOf(ids, length);
      List<I> shown = List.copyOf(images.subList(0, kept));
      ids = Arrays.copyOfRange(ids, length, ids.length);
      images.subList(0, kept).clear();
      return whole == 0
          ? Optional.empty()
          : Optional.of(new PackedSequence<>(taken, shown, nearestBegins(taken), cutsImage));
    }

    private int lengthWithMostImages() {
      int[] starts = places(imageStart);
      int lastAllowed = starts[mostImages - 1];
      if (cut == Cut.IMAGE) {
        return lastAllowed + format.tokensPerImage() + 1;
      }
      int next = starts[mostImages];
      int document = last(begin, next);
      return document > lastAllowed ? document : next;
    }

    private int lengthBefore(int start, int length) {
      int document = cut == Cut.DOCUMENT ? last(begin, length) : 0;
      // A document that fills the whole sequence cannot be put off: it would come back for ever.
      return document > 0 ? document : start;
    }

    private int imagesBefore(int length) {
      long tokens = Arrays.stream(ids, 0, length).filter(id -> id == imageToken).count();
      return (int) (tokens / format.tokensPerImage());
    }

    private int last(long id, int before) {
      int place = before - 1;
      while (place >= 0 && ids[place] != id) {
        place--;
      }
      return place;
    }

    private int[] places(long id) {
      return IntStream.range(0, ids.length).filter(i -> ids[i] == id).toArray();
    }

    private int[] nearestBegins(long[] sequence) {
      List<Integer> nearest = new ArrayList<>();
      int lastBegin = 0;
      for (int i = 0; i < sequence.length; i++) {
        if (sequence[i] == imageStart) {
          nearest.add(lastBegin);
        } else if (sequence[i] == begin) {
          lastBegin = i;
        }
      }
      return PromptRows.ints(nearest);
    }
  }
}
