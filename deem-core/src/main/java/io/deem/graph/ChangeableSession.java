package io.deem.graph;

import io.deem.weights.TensorSource;
import java.util.Collection;

/** A session that takes new numbers for some of its parameters. */
public interface ChangeableSession extends Session {

  /**
   * Reads parameters anew. No scope may be open meanwhile.
   *
   * @param weights where the session's weights come from from now on; it must stay open as long as
   *     the session. It may differ from those before in the named parameters alone
   * @param changed the parameters with new numbers
   */
  void change(TensorSource weights, Collection<Param> changed);
}
