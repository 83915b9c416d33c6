package io.fulmar.tunnel.internal.ssh;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import net.schmizz.sshj.SSHClient;
import net.schmizz.sshj.common.Buffer;
import net.schmizz.sshj.common.DisconnectReason;
import net.schmizz.sshj.common.SSHException;
import net.schmizz.sshj.common.SSHPacket;
import net.schmizz.sshj.connection.Connection;
import net.schmizz.sshj.connection.ConnectionException;
import net.schmizz.sshj.connection.channel.forwarded.ForwardedChannelOpener;
import net.schmizz.sshj.transport.TransportException;
import org.jspecify.annotations.Nullable;

/**
 * An SSH connection that is logged in, through all hops of its route. Made by {@link Dial}. This
 * class is threadsafe; whoever has it closes it.
 */
public final class SshSession implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(1);
  private static final Duration TICK = Duration.ofSeconds(1);
  private static final int UNANSWERED = 3;

  private final Route route;
  private final List<SSHClient> clients;
  private final List<TransportSocket> sockets;
  private final Traffic traffic;
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CompletableFuture<@Nullable String> end = new CompletableFuture<>();

  /** Of whoever waits for the end. */
  private long heard;

  private long silentTicks;

  /**
   * A session.
   *
   * @param route the way that it went
   * @param clients one for each hop, in their order
   * @param sockets what they talk through
   */
  SshSession(Route route, List<SSHClient> clients, List<TransportSocket> sockets, Traffic traffic) {
    this.route = route;
    this.clients = List.copyOf(clients);
    this.sockets = List.copyOf(sockets);
    this.traffic = traffic;
    for (SSHClient client : clients) {
      client
          .getTransport()
          .setDisconnectListener((reason, message) -> ended(words(reason, message)));
    }
    if (!last().isConnected()) {
      ended("");
    }
  }

  private SSHClient last() {
    return clients.get(clients.size() - 1);
  }

  private static String words(DisconnectReason reason, @Nullable String message) {
    String said = message == null ? "" : message;
    return reason == DisconnectReason.UNKNOWN ? said : (reason + " " + said).strip();
  }

  /** Called by whatever notices first, on its thread. */
  private void ended(String why) {
    if (end.complete(why) && !closing.get()) {
      // At once, so that nothing is written into a connection that takes no more.
      cut();
    }
  }

  private void cut() {
    for (TransportSocket socket : sockets) {
      try {
        socket.close();
      } catch (IOException e) {
        // It is closed.
        continue;
      }
    }
  }

  /** Whether it is there, as far as anybody knows. */
  public boolean isUp() {
    return !end.isDone();
  }

  /**
   * Waits for the end of the connection, and makes one when nothing comes from the other side any
   * more. For one thread.
   *
   * @return why it ended; null if it still stands after that time
   */
  public @Nullable String awaitEnd(Duration atMost) throws InterruptedException {
    long began = System.nanoTime();
    while (true) {
      long left = atMost.toNanos() - (System.nanoTime() - began);
      long wait = Math.min(Math.max(left, 0), TICK.toNanos());
      try {
        return end.get(wait, TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        if (wait == TICK.toNanos()) {
          listen();
        }
        if (left <= TICK.toNanos()) {
          return null;
        }
      } catch (ExecutionException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /**
   * Each tick counts, not the time, so that a machine that slept has time to hear. Who asks and who
   * sends may both be stuck in a connection that takes nothing more: this is done beside them.
   */
  private void listen() {
    long now = sockets.get(sockets.size() - 1).received();
    silentTicks = now == heard ? silentTicks + 1 : 0;
    heard = now;
    long most = UNANSWERED * Math.max(1, route.keepAlive().toSeconds());
    if (silentTicks >= most) {
      ended("nothing came from it for %s s".formatted(most));
    }
  }

  /**
   * Opens a channel to what the last server reaches.
   *
   * @param timeout bound on waiting for the answer
   * @throws IOException with a {@link TunnelException} as its cause
   */
  public TunnelChannel open(String host, int port, Duration timeout) throws IOException {
    try {
      return TunnelChannel.open(
          connection(), host, port, timeout, route.windowBytes(), traffic, route.last().place());
    } catch (SSHException e) {
      ended("it takes nothing more" + TunnelFailures.why(e));
      throw TunnelFailures.lost(e);
    }
  }

  private Connection connection() {
    return last().getConnection();
  }

  /** What takes a channel that the other side asks for; must not wait. */
  public interface Acceptor {
    /** Called by the reader of the connection. */
    void asked(TunnelChannel channel) throws IOException;
  }

  /**
   * Lets the server listen (RFC 4254, section 7.1).
   *
   * @param address on which address; {@code localhost} for its loopback
   * @param port on which port; 0 lets it choose
   * @return the port
   */
  public int listen(String address, int port, Duration timeout, Acceptor acceptor)
      throws TunnelException {
    connection().attach(new Opener(acceptor));
    byte[] request = new Buffer.PlainBuffer().putString(address).putUInt32(port).getCompactData();
    try {
      SSHPacket answer =
          connection()
              .sendGlobalRequest("tcpip-forward", true, request)
              .retrieve(timeout.toMillis(), TimeUnit.MILLISECONDS);
      return port == 0 ? answer.readUInt32AsInt() : port;
    } catch (SSHException e) {
      String doing = "listen on " + address + ":" + port + " of " + route.last().place();
      if (!isUp()) {
        throw new TunnelException(
            Kind.LOST,
            doing,
            "the SSH connection was lost" + TunnelFailures.why(e),
            "It is made again by itself.",
            e);
      }
      throw new TunnelException(
          Kind.FORWARDING_REFUSED,
          doing,
          "the SSH server refuses to listen on %s:%s, and SSH gives no reason"
              .formatted(address, port),
          "Either the port is taken, by an earlier connection of this tunnel that the server has not yet given"
              + " up perhaps (ClientAliveInterval), then it becomes free by itself; or permitlisten in"
              + " authorized_keys names another port or address; or AllowTcpForwarding (no, local) or"
              + " PermitListen in sshd_config forbids it; or it is below 1024.",
          e);
    }
  }

  /** Takes what the server accepted for this side. */
  private final class Opener implements ForwardedChannelOpener {
    private final Acceptor acceptor;

    Opener(Acceptor acceptor) {
      this.acceptor = acceptor;
    }

    @Override
    public String getChannelType() {
      return "forwarded-tcpip";
    }

    @Override
    public void handleOpen(SSHPacket packet) throws ConnectionException, TransportException {
      try {
        TunnelChannel channel =
            TunnelChannel.asked(
                connection(),
                packet.readUInt32AsInt(),
                packet.readUInt32(),
                packet.readUInt32(),
                traffic,
                route.windowBytes(),
                packet.readString() + ":" + packet.readUInt32());
        acceptor.asked(channel);
      } catch (IOException e) {
        throw new ConnectionException(e);
      }
    }
  }

  /**
   * Ends the connection and everything in it; says goodbye if the other side takes it within a
   * second. Returns when no thread of it is left, or after 3 seconds.
   */
  @Override
  public void close() {
    if (closing.getAndSet(true)) {
      return;
    }
    Thread goodbye = new Thread(this::sayGoodbye, "fulmar-tunnel-goodbye");
    goodbye.setDaemon(true);
    goodbye.start();
    boolean interrupted = false;
    try {
      goodbye.join(GRACE.toMillis());
    } catch (InterruptedException e) {
      interrupted = true;
    }
    ended("closed");
    cut();
    try {
      goodbye.join(GRACE.toMillis());
      for (TransportSocket socket : sockets) {
        socket.awaitReader(GRACE.toMillis());
      }
      for (SSHClient client : clients) {
        connectionOf(client).interrupt();
        connectionOf(client).join(GRACE.toMillis());
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static Thread connectionOf(SSHClient client) {
    return client.getConnection().getKeepAlive();
  }

  private void sayGoodbye() {
    for (int i = clients.size() - 1; i >= 0; i--) {
      try {
        clients.get(i).disconnect();
      } catch (IOException e) {
        // Nobody is there to hear it.
        cut();
      }
    }
  }
}
