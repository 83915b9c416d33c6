package io.fulmar.spi;

import javax.net.SocketFactory;

/**
 * A way to a source that no plain socket can go. Implementations are threadsafe and cost nothing
 * until they are used.
 */
public interface Tunnel {
  /** What reports and errors call it, without secrets: {@code ssh://fulmar@bastion:22}. */
  String name();

  /**
   * Begins to use the tunnel; called by each engine before its first connection. Does not wait for
   * anything.
   */
  Dialer dialer();

  /** What makes connections for one user of a tunnel. Implementations are threadsafe. */
  interface Dialer extends AutoCloseable {
    /**
     * Makes sockets that are connected through the tunnel, those of cancel requests included. They
     * get the host name unresolved if this machine cannot resolve it. What goes wrong in the tunnel
     * itself is thrown as an {@link java.io.IOException} with a {@link io.fulmar.TunnelException}
     * as its cause.
     */
    SocketFactory sockets();

    /** Gives the tunnel up; connections that are still open are cut. */
    @Override
    void close();
  }
}
