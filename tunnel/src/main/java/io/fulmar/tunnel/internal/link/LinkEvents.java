package io.fulmar.tunnel.internal.link;

import io.fulmar.TunnelException;
import io.fulmar.tunnel.TunnelState;
import org.jspecify.annotations.Nullable;

/** Told of each change of state, one after the other; must return soon. */
public interface LinkEvents {
  /**
   * The state has changed, or an attempt to connect has failed.
   *
   * @param state the state that it has now
   * @param cause what led to it; null if nothing is wrong
   */
  void changed(TunnelState state, @Nullable TunnelException cause);
}
