package io.fulmar.tunnel.internal.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.sshd.common.session.ConnectionService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The port of one key: whoever has proven the key last and asked for the port has it, on the
 * loopback address. Threadsafe. It calls nothing of an SSH connection while it holds its lock,
 * which those ask for while they hold theirs.
 */
final class Tunnel {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.tunnel");
  private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "::1");
  private static final int BACKLOG = 50;
  private static final int ACCEPT_RETRY_MILLIS = 100;
  private static final int LEAVE_MILLIS = 1_000;

  private final AcceptedKey key;
  private final int maxConnections;
  private final Executor threads;
  private @Nullable Opened opened;

  Tunnel(AcceptedKey key, int maxConnections, Executor threads) {
    this.key = key;
    this.maxConnections = maxConnections;
    this.threads = threads;
  }

  AcceptedKey key() {
    return key;
  }

  /**
   * Opens the port for a client.
   *
   * @param host what it has asked to be listened on, in its words
   * @return who had the port before, and is to be cut; null if nobody had
   * @throws IOException if the port cannot be opened
   */
  synchronized @Nullable Client open(Client client, ConnectionService service, String host)
      throws IOException {
    Opened before = opened;
    if (before != null && before.client == client) {
      throw new IOException("it is forwarded on this connection already");
    }
    opened = null;
    if (before != null) {
      before.close();
    }
    ServerSocket listening = new ServerSocket();
    try {
      listening.setReuseAddress(true);
      listening.bind(new InetSocketAddress(loopback(), key.port()), BACKLOG);
      Opened now =
          new Opened(
              client, service, InetSocketAddress.createUnresolved(host, key.port()), listening);
      threads.execute(now::accept);
      opened = now;
    } catch (IOException | RejectedExecutionException e) {
      listening.close();
      throw e;
    }
    return before == null ? null : before.client;
  }

  /** Closes the port if this client has it; false if it has not. */
  synchronized boolean close(Client client) {
    Opened now = opened;
    if (now == null || now.client != client) {
      return false;
    }
    opened = null;
    now.close();
    return true;
  }

  synchronized boolean isHeldBy(Client client) {
    return opened != null && opened.client == client;
  }

  synchronized Listener.@Nullable Held held() {
    Opened now = opened;
    return now == null
        ? null
        : new Listener.Held(key, now.client.address(), now.since, now.connections.size());
  }

  /** The IPv4 one, whatever the machine calls localhost. */
  static InetAddress loopback() throws IOException {
    return InetAddress.getByAddress("127.0.0.1", new byte[] {127, 0, 0, 1});
  }

  /** Whether a client means the loopback address by this. */
  static boolean isLoopback(String host) {
    return LOOPBACK.contains(host);
  }

  @Override
  public String toString() {
    return "port %s of %s".formatted(key.port(), key.user());
  }

  /** A port that is open. */
  private final class Opened {
    private final Client client;
    private final ConnectionService service;
    private final InetSocketAddress asked;
    private final ServerSocket listening;
    private final Instant since = Instant.now();
    private final Set<ForwardedChannel> connections = ConcurrentHashMap.newKeySet();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final CountDownLatch left = new CountDownLatch(1);
    private boolean full;

    Opened(
        Client client, ConnectionService service, InetSocketAddress asked, ServerSocket listening) {
      this.client = client;
      this.service = service;
      this.asked = asked;
      this.listening = listening;
    }

    void accept() {
      try {
        while (closed.getCount() > 0) {
          try {
            take(listening.accept());
          } catch (IOException e) {
            // Closed, or the system has no file left for another one: that passes.
            closed.await(ACCEPT_RETRY_MILLIS, TimeUnit.MILLISECONDS);
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        left.countDown();
      }
    }

    private void take(Socket socket) throws IOException {
      if (connections.size() >= maxConnections) {
        if (!full) {
          LOG.warn("{}: there are {} connections, more are refused", Tunnel.this, maxConnections);
        }
        full = true;
        Pipe.reset(socket);
        return;
      }
      full = false;
      socket.setTcpNoDelay(true);
      ForwardedChannel channel = new ForwardedChannel(socket, asked, client);
      connections.add(channel);
      channel.addCloseFutureListener(ended -> connections.remove(channel));
      try {
        threads.execute(() -> forward(channel, socket));
      } catch (RejectedExecutionException e) {
        connections.remove(channel);
        Pipe.reset(socket);
      }
    }

    private void forward(ForwardedChannel channel, Socket socket) {
      try {
        service.registerChannel(channel);
        if (channel.isOpened()) {
          threads.execute(channel::pumpFromClient);
          channel.pumpToClient();
          return;
        }
        LOG.debug("{}: {} does not reach what is behind the port", Tunnel.this, client);
      } catch (IOException | RuntimeException e) {
        LOG.debug("{}: a connection was not forwarded", Tunnel.this, e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      connections.remove(channel);
      channel.close(true);
      Pipe.reset(socket);
    }

    /** Connections that there are go on for as long as the SSH connection does. */
    void close() {
      closed.countDown();
      try {
        listening.close();
      } catch (IOException e) {
        LOG.debug("{}: closing it failed", Tunnel.this, e);
      }
      try {
        // The system keeps the port for as long as a thread waits for a connection to it.
        if (!left.await(LEAVE_MILLIS, TimeUnit.MILLISECONDS)) {
          LOG.warn("{} is still waited on", Tunnel.this);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
