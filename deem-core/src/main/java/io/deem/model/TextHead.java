package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.Linear;
import java.util.List;

/**
 * Turns the stream of {@link LlamaDecoder} into a logit for each token id. In DEEM a second, small
 * layer adds to the logits of the tokens that were added to the language model's own, so that these
 * can be learnt while the rest stays as it was.
 */
public final class TextHead {

  /** The id of a target that does not count in {@link #loss}. */
  public static final int IGNORED = -100;

  private final Linear head;
  private final Linear added;
  private final int vocabulary;
  private final Block logits;
  private final Block lastLogits;
  private final Block loss;

  private TextHead(Linear head, Linear added) {
    this.head = head;
    this.added = added;
    this.vocabulary = head.weight().shape().dim(0).value();
    int width = head.weight().shape().dim(1).value();
    Dim batch = Dim.symbol("batch");
    Dim length = Dim.symbol("length");
    logits =
        Graph.block(
            "logits", g -> List.of(apply(g.input("stream", Shape.of(batch, length, width)))));
    lastLogits =
        Graph.block(
            "last logits",
            g -> {
              Tensor stream = g.input("stream", Shape.of(batch, length, width));
              return List.of(apply(stream.slice(1, length.plus(-1), length).squeeze(1)));
            });
    loss =
        Graph.block(
            "text loss",
            g -> {
              Dim count = Dim.symbol("count");
              Tensor stream = g.input("stream", Shape.of(batch, length, width));
              Tensor places = g.input("places", Shape.of(count), DataType.INT64);
              Tensor targets = g.input("targets", Shape.of(count), DataType.INT64);
              Tensor rows = stream.flatten(0, 1).indexSelect(0, places);
              return List.of(apply(rows).crossEntropy(targets, IGNORED));
            });
  }

  /**
   * The head of a published language model, without bias.
   *
   * @param weight [vocabulary, width]: {@code lm_head.weight}, or {@link LlamaDecoder#embeddings}
   *     where the two are tied
   */
  public static TextHead plain(Param weight) {
    return new TextHead(new Linear(weight, null), null);
  }

  /**
   * The head of a DEEM.
   *
   * @param vocabulary number of token ids, the added ones included
   * @param added number of added tokens, which are the last
   * @param width of the stream
   * @param prefix put before the names of the weights, for example {@code "text_decoder."}
   */
  public static TextHead extended(int vocabulary, int added, int width, String prefix) {
    if (added < 1 || added >= vocabulary) {
      throw new IllegalArgumentException(added + " added tokens of " + vocabulary);
    }
    return new TextHead(
        Linear.of(prefix + "head", width, vocabulary),
        Linear.of(prefix + "head_new", width, added));
  }

  /** The number of token ids. */
  public int vocabulary() {
    return vocabulary;
  }

  /** All weights. */
  public List<Param> params() {
    return logits.params();
  }

  /** The matrices. */
  public List<Param> matrices() {
    return logits.matrices();
  }

  /**
   * Applies the head.
   *
   * @param stream [.., width]
   * @return [.., vocabulary]
   */
  public Tensor apply(Tensor stream) {
    Tensor all = head.apply(stream);
    if (added == null) {
      return all;
    }
    Tensor more = added.apply(stream);
    int first = vocabulary - more.dim(-1).value();
    return Tensor.concat(-1, all.slice(-1, 0, first), all.slice(-1, first, vocabulary).plus(more));
  }

  /**
   * The logits of every token.
   *
   * @param stream [batch, length, width]
   * @return [batch, length, vocabulary]
   */
  public Value logits(Scope scope, Value stream) {
    return scope.run1(logits, stream);
  }

  /**
   * The logits of each row's last token.
   *
   * @param stream [batch, length, width]
   * @return [batch, vocabulary]
   */
  public Value lastLogits(Scope scope, Value stream) {
    return scope.run1(lastLogits, stream);
  }

  /**
   * The mean cross entropy of some tokens' logits. The logits of the others, which are many, are
   * never computed.
   *
   * @param stream [batch, length, width]
   * @param places [count]: row * length + column of each token that counts
   * @param targets [count]: the id that should follow it
   */
  public Value loss(Scope scope, Value stream, Value places, Value targets) {
    return scope.run1(loss, stream, places, targets);
  }
}
