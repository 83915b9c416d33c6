package io.fulmar.tunnel.internal.link;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.tunnel.internal.ssh.ChannelSocket;
import io.fulmar.tunnel.internal.ssh.Route;
import io.fulmar.tunnel.internal.ssh.SshSession;
import io.fulmar.tunnel.internal.ssh.Traffic;
import io.fulmar.tunnel.internal.ssh.TunnelChannel;
import io.fulmar.tunnel.internal.ssh.TunnelFailures;
import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A link for all who use the same tunnel: made for the first of them, closed with the last.
 * Threadsafe.
 */
public final class SharedLink {
  private final Route route;
  private final int most;
  private final Announcer announcer;
  private final Traffic traffic;
  private @Nullable Link link;
  private int users;

  /**
   * One that nobody uses yet.
   *
   * @param most how many connections may go through it at once
   */
  public SharedLink(Route route, int most, LinkEvents events) {
    this.route = route;
    this.most = most;
    this.traffic = new Traffic(most);
    this.announcer = new Announcer(route.name(), events);
  }

  /** The way that it goes. */
  public Route route() {
    return route;
  }

  /** One more uses it. */
  public synchronized void use() {
    users++;
    if (users == 1) {
      announcer.note(TunnelState.CONNECTING);
      link = new Link(route, traffic, Link.Work.NONE, announcer);
    }
  }

  /** One less uses it; the last one waits until it is closed. */
  public void release() {
    Link unused = null;
    synchronized (this) {
      users--;
      if (users == 0) {
        unused = link;
        link = null;
        if (unused != null) {
          // Before the next one is up.
          unused.end();
        }
      }
    }
    if (unused != null) {
      unused.close();
    }
  }

  private synchronized @Nullable Link current() {
    return link;
  }

  /** Waits for the SSH connection. */
  public SshSession session(Duration timeout) throws InterruptedException {
    Link current = current();
    if (current == null) {
      throw new TunnelException(
          Kind.CLOSED,
          "connect to " + route.last().place(),
          "the tunnel is closed",
          "Open it again, or make a new engine.",
          null);
    }
    return current.session(timeout);
  }

  /** A socket that it connects. */
  public ChannelSocket socket() throws SocketException {
    return new ChannelSocket(this::open);
  }

  /** A socket of which the state of the link learns nothing: see {@link #probed}. */
  public ChannelSocket probe() throws SocketException {
    return new ChannelSocket((host, port, timeout) -> open(host, port, timeout, problem -> {}));
  }

  /**
   * Opens a channel to what the SSH server reaches.
   *
   * @param timeout bound on waiting for the SSH connection, and again for the channel; zero for
   *     that of the route
   */
  public TunnelChannel open(String host, int port, Duration timeout) throws IOException {
    return open(host, port, timeout, this::probed);
  }

  private TunnelChannel open(
      String host, int port, Duration timeout, Consumer<@Nullable TunnelException> told)
      throws IOException {
    Duration bound = timeout.isZero() ? route.connectTimeout() : timeout;
    String target = host + ":" + port;
    if (!traffic.enter()) {
      traffic.refused();
      throw TunnelFailures.io(
          new TunnelException(
              Kind.BUSY,
              "connect to " + target,
              "%s connections go through the tunnel already".formatted(most),
              "Use smaller pools, or raise maxConnections.",
              null));
    }
    boolean opened = false;
    try {
      TunnelChannel channel = channel(host, port, bound, told);
      opened = true;
      return channel;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SocketException("interrupted while connecting to " + target);
    } finally {
      if (!opened) {
        traffic.leave();
      }
    }
  }

  private TunnelChannel channel(
      String host, int port, Duration bound, Consumer<@Nullable TunnelException> told)
      throws IOException, InterruptedException {
    long began = System.nanoTime();
    Duration left = bound;
    while (true) {
      SshSession session;
      try {
        session = session(left);
      } catch (TunnelException e) {
        traffic.refused();
        throw TunnelFailures.io(e);
      }
      try {
        TunnelChannel open = session.open(host, port, bound);
        told.accept(null);
        return open;
      } catch (IOException e) {
        TunnelException why = e.getCause() instanceof TunnelException cause ? cause : null;
        // The connection that was thought to be up was not: once more, on the next one.
        boolean again = why != null && why.kind() == Kind.LOST;
        left = bound.minusNanos(System.nanoTime() - began);
        if (again && !left.isNegative()) {
          continue;
        }
        traffic.refused();
        if (why != null && !again && why.kind() != Kind.BUSY) {
          told.accept(why);
        }
        throw e;
      }
    }
  }

  /**
   * Tells what came of something that was tried.
   *
   * @param problem what went wrong; null if it went well
   */
  public void probed(@Nullable TunnelException problem) {
    Link current = current();
    if (current != null) {
      current.worked(problem);
    }
  }

  /** How it is. */
  public TunnelState state() {
    Link current = current();
    return current == null ? TunnelState.CLOSED : current.state();
  }

  /** What went wrong last; null if all is well. */
  public @Nullable TunnelException failure() {
    Link current = current();
    return current == null ? null : current.failure();
  }

  /** How many SSH connections there were since it was last closed. */
  public int connections() {
    Link current = current();
    return current == null ? 0 : current.connections();
  }

  /** Since when it is as it is. */
  public Instant since() {
    return announcer.since();
  }

  /** What goes through it. */
  public Traffic traffic() {
    return traffic;
  }
}
