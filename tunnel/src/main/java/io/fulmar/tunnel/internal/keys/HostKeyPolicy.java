package io.fulmar.tunnel.internal.keys;

/** Which host keys are the right ones. Immutable. */
public interface HostKeyPolicy {
  /**
   * Begins the check of one connection, reading what it needs anew.
   *
   * @throws io.fulmar.TunnelException of kind {@code HOST_KEY} if a file is missing or malformed
   */
  HostKeyCheck check();
}
