package io.deem.training.data;

import io.deem.text.prompt.CaptionPrompts;
import io.deem.text.prompt.DocumentWriter;
import io.deem.text.prompt.GroundingPrompts;
import java.util.List;

/** What can be learnt from the kinds of {@link Sample}. */
public final class Tasks {

  private Tasks() {}

  /**
   * To answer: from each {@link Sample.Question} the answer that most annotators gave, the earliest
   * of these where several did.
   */
  public static Task questions(Wording wording) {
    return new QuestionTask(wording);
  }

  /** To describe: from each {@link Sample.Caption} one of its captions. */
  public static Task captions(Wording wording) {
    return new CaptionTask(wording, variety(1));
  }

  /** To draw: from each {@link Sample.Caption} the picture for one of its captions. */
  public static Task drawing(Wording wording) {
    return new CaptionTask(wording, variety(0));
  }

  /**
   * To describe and to draw in the reference's words, a batch either the one or the other.
   *
   * @param variety the ways to ask, and how often which is asked
   */
  public static Task captionsAndDrawing(CaptionPrompts.Variety variety) {
    return new CaptionTask(Wording.REFERENCE, variety);
  }

  /** To find what a description means: from each {@link Sample.Region} its box. */
  public static Task grounding() {
    return new RegionTask(List.of(GroundingPrompts.Task.GROUNDING));
  }

  /** To describe a part of a picture: from each {@link Sample.Region} a description. */
  public static Task referring() {
    return new RegionTask(List.of(GroundingPrompts.Task.REFERRING));
  }

  /** A batch either of {@link #grounding} or of {@link #referring}, by chance. */
  public static Task groundingAndReferring() {
    return new RegionTask(
        List.of(GroundingPrompts.Task.GROUNDING, GroundingPrompts.Task.REFERRING));
  }

  /** To answer in turns, about a picture and parts of it: {@link Sample.Conversation}. */
  public static Task conversations() {
    return new ConversationTask();
  }

  /**
   * To continue text with pictures and to draw the pictures: {@link Sample.Document}. Documents
   * stand one after the other in a row as long as they fit; one that is longer than a row is cut
   * before the picture, or behind the text, that does not fit.
   *
   * @param options what to take of a document
   */
  public static Task documents(DocumentWriter.Options options) {
    return DocumentTask.interleaved(options);
  }

  /**
   * Documents of one captioned picture, as web captions (LAION) are learnt: {@link Sample.Caption},
   * in lower case, the picture before or after; text without a picture before it does not count.
   *
   * @param pictureFirst probability that the picture stands first, in [0, 1]
   */
  public static Task captionedPictures(double pictureFirst) {
    return DocumentTask.captioned(new DocumentWriter.Options(0, 1, pictureFirst));
  }

  /** To see, from pictures alone: the consistency loss only. Takes every kind of sample. */
  public static Task pictures() {
    return new PictureTask();
  }

  private static CaptionPrompts.Variety variety(double describe) {
    return new CaptionPrompts.Variety(
        List.of("Could you provide a short description of the image?"),
        List.of("please generate an image from the description: "),
        describe,
        0.1);
  }
}
