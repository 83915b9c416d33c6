package io.fulmar.tunnel;

/**
 * Told what happens to a tunnel, on its threads and those of its users, several at once perhaps.
 * Must return soon; what it throws is logged and changes nothing.
 */
@FunctionalInterface
public interface TunnelListener {
  /** Something happened. */
  void onEvent(TunnelEvent event);
}
