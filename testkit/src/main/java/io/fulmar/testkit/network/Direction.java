package io.fulmar.testkit.network;

/** Which way of a connection is meant. */
public enum Direction {
  /** From the client to the server. */
  TO_SERVER,
  /** From the server to the client. */
  TO_CLIENT,
  /** Both ways. */
  BOTH
}
