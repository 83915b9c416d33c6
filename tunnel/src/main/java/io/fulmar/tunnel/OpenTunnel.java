package io.fulmar.tunnel;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.tunnel.internal.forward.LocalListener;
import io.fulmar.tunnel.internal.link.SharedLink;
import io.fulmar.tunnel.internal.relay.Probe;
import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A {@link ForwardTunnel} that is kept open, for what is no engine. This class is threadsafe;
 * whoever opened it closes it.
 *
 * <pre>{@code
 * try (OpenTunnel tunnel = SshTunnel.forward("bastion").user("fulmar").key(key).build().open()) {
 *   tunnel.probe("db.internal", 5432, Duration.ofSeconds(10));
 * }
 * }</pre>
 */
public final class OpenTunnel implements AutoCloseable {
  private final SharedLink link;
  private final List<LocalListener> listeners = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  OpenTunnel(SharedLink link) {
    this.link = link;
  }

  /** How it is, whoever uses it. */
  public TunnelStatus status() {
    return TunnelStatus.of(
        link.state(), link.since(), link.connections(), link.traffic(), link.failure());
  }

  /**
   * Waits for the SSH connection.
   *
   * @param timeout bound on waiting
   * @throws TunnelException why there is none
   * @throws InterruptedException if this thread is interrupted while it waits
   */
  public void awaitUp(Duration timeout) throws InterruptedException {
    Objects.requireNonNull(timeout, "timeout");
    open();
    link.session(timeout);
  }

  /**
   * Asks a PostgreSQL server behind the tunnel for one byte, which tells more than that the SSH
   * connection stands. The {@link TunnelState} follows what was found.
   *
   * @param host name or address of the server, as the SSH server knows it
   * @param port its port
   * @param timeout bound on connecting, and again on the answer
   * @throws TunnelException which says what of the way does not work
   */
  public void probe(String host, int port, Duration timeout) {
    Objects.requireNonNull(host, "host");
    SshSettings.inRange("port", port, 1, 65_535);
    Objects.requireNonNull(timeout, "timeout");
    open();
    try {
      Probe.ask(link.probe(), host, port, timeout);
      link.probed(null);
    } catch (TunnelException e) {
      link.probed(e);
      throw e;
    } catch (SocketException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Listens on 127.0.0.1, for tools that cannot use the tunnel otherwise. Every user of this
   * machine can connect to it: see {@link LocalPort}. An engine needs none.
   *
   * @param localPort on which port, 1 to 65535, or 0 for one that is free
   * @param host name or address of the server, as the SSH server knows it
   * @param port its port
   * @param maxConnections how many at once, 1 to 1,000; further ones are closed. Two threads each
   * @throws TunnelException if the port is taken
   */
  public LocalPort listen(int localPort, String host, int port, int maxConnections) {
    SshSettings.inRange("localPort", localPort, 0, 65_535);
    Objects.requireNonNull(host, "host");
    SshSettings.inRange("port", port, 1, 65_535);
    SshSettings.inRange("maxConnections", maxConnections, 1, 1_000);
    open();
    try {
      LocalListener listener = new LocalListener(link, localPort, host, port, maxConnections);
      listeners.add(listener);
      return new LocalPort(listener);
    } catch (IOException e) {
      throw new TunnelException(
          Kind.BUSY,
          "listen on 127.0.0.1:" + localPort,
          String.valueOf(e.getMessage()),
          "Look what has that port, or use another; 0 takes one that is free.",
          e);
    }
  }

  private void open() {
    if (closed.get()) {
      throw new IllegalStateException("the tunnel was closed");
    }
  }

  /**
   * Closes the ports that it listens on, and the tunnel if nobody else uses it. Returns when no
   * thread of it is left, or after some seconds.
   */
  @Override
  public void close() {
    if (!closed.getAndSet(true)) {
      listeners.forEach(LocalListener::close);
      link.release();
    }
  }
}
