package io.fulmar.tunnel.internal.server;

import java.net.InetSocketAddress;
import java.time.Duration;
import org.apache.sshd.server.session.ServerSession;

/** An SSH connection whose client has proven its key. Threadsafe. */
final class Client {
  private final ServerSession session;
  private final Tunnel tunnel;
  private volatile long heardNanos = System.nanoTime();

  Client(ServerSession session, Tunnel tunnel) {
    this.session = session;
    this.tunnel = tunnel;
  }

  ServerSession session() {
    return session;
  }

  Tunnel tunnel() {
    return tunnel;
  }

  InetSocketAddress address() {
    return (InetSocketAddress) session.getClientAddress();
  }

  /** Remembers that it lives. */
  void heard() {
    heardNanos = System.nanoTime();
  }

  Duration silence() {
    return Duration.ofNanos(System.nanoTime() - heardNanos);
  }

  @Override
  public String toString() {
    return "%s at %s".formatted(tunnel.key().user(), address());
  }
}
