package io.fulmar.testkit.internal.network;

/** Changes what a server says. */
@FunctionalInterface
public interface Corruption {
  /**
   * What is sent instead of a message.
   *
   * @param index 0 for the first message since the corruption began on this connection
   * @param message type, length and body
   */
  byte[] of(int index, byte[] message);
}
