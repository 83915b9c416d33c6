package io.fulmar.tunnel.internal.forward;

import io.fulmar.tunnel.internal.link.SharedLink;
import io.fulmar.tunnel.internal.relay.Relays;
import io.fulmar.tunnel.internal.ssh.TunnelChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A port of this machine's loopback that leads through a tunnel. A connection that does not come
 * about hurts no other. This class is threadsafe; whoever made it closes it.
 */
public final class LocalListener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.tunnel");
  private static final long AFTER_FAILURE_MILLIS = 100;
  private static final long CLOSING_MILLIS = 2_000;

  private final SharedLink link;
  private final String host;
  private final int port;
  private final ServerSocket server;
  private final Relays relays;
  private final Thread acceptor;
  private final CountDownLatch closed = new CountDownLatch(1);

  /**
   * Begins to listen on 127.0.0.1.
   *
   * @param localPort on which port; 0 for any
   * @param most how many connections at once
   * @throws IOException if the port is taken
   */
  public LocalListener(SharedLink link, int localPort, String host, int port, int most)
      throws IOException {
    this.link = link;
    this.host = host;
    this.port = port;
    this.server = new ServerSocket();
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    try {
      server.bind(new InetSocketAddress(loopback, localPort), 128);
    } catch (IOException e) {
      server.close();
      throw e;
    }
    String name = "fulmar-tunnel-port-" + server.getLocalPort();
    this.relays = new Relays(name, most);
    this.acceptor = new Thread(this::accept, name);
    acceptor.setDaemon(true);
    acceptor.start();
  }

  /** The port that it listens on. */
  public int port() {
    return server.getLocalPort();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        if (!relays.begin(() -> serve(socket))) {
          socket.close();
        }
      } catch (IOException e) {
        // No file descriptor left, perhaps: the next one may work.
        pause();
      }
    }
  }

  private void pause() {
    try {
      if (closed.await(AFTER_FAILURE_MILLIS, TimeUnit.MILLISECONDS)) {
        LOG.debug("port={} closed", server.getLocalPort());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve(Socket socket) {
    try {
      socket.setTcpNoDelay(true);
      TunnelChannel channel = link.open(host, port, Duration.ZERO);
      relays.carry(socket, channel);
    } catch (IOException e) {
      LOG.debug("port={} {}", server.getLocalPort(), e.getMessage());
      try {
        socket.close();
      } catch (IOException late) {
        LOG.debug("port={} {}", server.getLocalPort(), late.getMessage());
      }
    }
  }

  /** Gives the port free and cuts its connections. Returns when no thread is left, or after 4 s. */
  @Override
  public void close() {
    closed.countDown();
    try {
      server.close();
    } catch (IOException e) {
      LOG.debug("port={} {}", server.getLocalPort(), e.getMessage());
    }
    relays.close();
    try {
      acceptor.join(CLOSING_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
