package io.fulmar.tunnel.internal.link;

/** How a link is. */
public enum LinkState {
  /** There is no SSH connection; one is being made. */
  CONNECTING,
  /** There is one. */
  UP,
  /** There is one, and what was last tried through it failed. */
  DEGRADED,
  /** There is none, and none is being made. */
  CLOSED
}
