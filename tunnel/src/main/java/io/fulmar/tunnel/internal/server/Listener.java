package io.fulmar.tunnel.internal.server;

import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.List;

/** A server that listens. Threadsafe. */
public interface Listener extends AutoCloseable {
  /** Where it listens. */
  InetSocketAddress address();

  /** Its public key. */
  PublicKeyLine hostKey();

  /** Whose ports are open, by port. */
  List<Held> held();

  @Override
  void close();

  /**
   * A port that is open.
   *
   * @param key whose it is
   * @param client from where it was opened
   * @param since when it was opened
   * @param connections how many there are through it
   */
  record Held(AcceptedKey key, InetSocketAddress client, Instant since, int connections) {}
}
