package io.fulmar.tunnel;

/**
 * Told what happens to a tunnel, one event after the other in their order, on the threads of the
 * tunnel and of its users. Must return soon, as later events wait for it; what it throws is logged
 * and changes nothing.
 */
@FunctionalInterface
public interface TunnelListener {
  /** Something happened. */
  void onEvent(TunnelEvent event);
}
