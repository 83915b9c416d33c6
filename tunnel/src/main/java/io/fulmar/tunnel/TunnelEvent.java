package io.fulmar.tunnel;

import io.fulmar.TunnelException;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Something happened to a tunnel: its state has changed, or an attempt to connect has failed.
 * Immutable.
 *
 * @param tunnel which one, without secrets: {@code ssh://fulmar@bastion:22}
 * @param state the state that it has now
 * @param at when
 * @param cause what led to it; null if nothing is wrong
 */
public record TunnelEvent(
    String tunnel, TunnelState state, Instant at, @Nullable TunnelException cause) {

  /** Checks that nothing is missing. */
  public TunnelEvent {
    Objects.requireNonNull(tunnel, "tunnel");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(at, "at");
  }
}
