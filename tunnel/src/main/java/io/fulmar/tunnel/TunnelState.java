package io.fulmar.tunnel;

/** How a tunnel is. */
public enum TunnelState {
  /** There is no SSH connection, for the first time or again; one is being made. */
  CONNECTING,
  /** The SSH connection stands, and nothing is wrong with what goes through it. */
  UP,
  /**
   * The SSH connection stands, but the last connection or probe through it failed: the SSH server
   * does not reach the database, or refuses to forward.
   */
  DEGRADED,
  /** Nobody uses it: there is no SSH connection, and none is being made. */
  CLOSED
}
