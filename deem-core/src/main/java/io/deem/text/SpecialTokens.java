package io.deem.text;

import java.util.List;

/**
 * The tokens that DEEM adds to a LLaMA vocabulary of 32,000 pieces, in the order of their ids, and
 * the few of LLaMA's own that it needs.
 */
public final class SpecialTokens {
  /** LLaMA's begin-of-sequence token, id 1. */
  public static final String BEGIN = "<s>";

  /** LLaMA's end-of-sequence token, id 2. */
  public static final String END = "</s>";

  /** LLaMA's token for what cannot be written otherwise, id 0. */
  public static final String UNKNOWN = "<unk>";

  /**
   * The id that rows are padded with: LLaMA has no token for it, so DEEM, as its reference does,
   * takes the last ordinary piece of the vocabulary (a Chinese character that English texts lack).
   */
  public static final int PADDING_ID = 31_999;

  /** Marks where an image begins, id 32000. */
  public static final String START_OF_IMAGE = "<|startofimage|>";

  /** Stands for one visual token of an image, id 32001. */
  public static final String SNIFFER = "<|sniffer|>";

  /** Both tokens that every DEEM has, in the order of their ids. */
  public static final List<String> IMAGE = List.of(START_OF_IMAGE, SNIFFER);

  /** The tokens around a referred phrase and a box, ids 32002 to 32005, where a DEEM grounds. */
  public static final List<String> GROUNDING = List.of("<ref>", "</ref>", "<box>", "</box>");

  private SpecialTokens() {}
}
