package io.fulmar.tunnel.internal.link;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
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
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A link for all who use the same tunnel: made for the first of them, closed with the last.
 * Threadsafe.
 */
public final class SharedLink {
  private final Route route;
  private final int most;
  private final LinkEvents events;
  private final Traffic traffic = new Traffic();
  private final AtomicInteger opening = new AtomicInteger();
  private @Nullable Link link;
  private int users;
  private Instant since = Instant.now();

  /**
   * One that nobody uses yet.
   *
   * @param most how many connections may go through it at once
   */
  public SharedLink(Route route, int most, LinkEvents events) {
    this.route = route;
    this.most = most;
    this.events =
        (state, cause) -> {
          note();
          events.changed(state, cause);
        };
  }

  private synchronized void note() {
    since = Instant.now();
  }

  /** The way that it goes. */
  public Route route() {
    return route;
  }

  /** One more uses it. */
  public synchronized void use() {
    users++;
    if (users == 1) {
      link = new Link(route, traffic, Link.Work.NONE, events);
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

  /**
   * Opens a channel to what the SSH server reaches.
   *
   * @param timeout bound on waiting for the SSH connection, and again for the channel; zero for
   *     that of the route
   */
  public TunnelChannel open(String host, int port, Duration timeout) throws IOException {
    Duration bound = timeout.isZero() ? route.connectTimeout() : timeout;
    String target = host + ":" + port;
    if (opening.incrementAndGet() + traffic.open() > most) {
      opening.decrementAndGet();
      traffic.refused();
      throw TunnelFailures.io(
          new TunnelException(
              Kind.BUSY,
              "connect to " + target,
              "%s connections go through the tunnel already".formatted(most),
              "Use smaller pools, or raise maxConnections.",
              null));
    }
    try {
      return channel(host, port, bound);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SocketException("interrupted while connecting to " + target);
    } finally {
      opening.decrementAndGet();
    }
  }

  private TunnelChannel channel(String host, int port, Duration bound)
      throws IOException, InterruptedException {
    long began = System.nanoTime();
    while (true) {
      Duration left = bound.minusNanos(System.nanoTime() - began);
      SshSession session;
      try {
        session = session(left);
      } catch (TunnelException e) {
        traffic.refused();
        throw TunnelFailures.io(e);
      }
      try {
        TunnelChannel open = session.open(host, port, bound);
        told(null);
        return open;
      } catch (IOException e) {
        TunnelException why = e.getCause() instanceof TunnelException cause ? cause : null;
        // The connection that was thought to be up was not: once more, on the next one.
        boolean again = why != null && why.kind() == Kind.LOST;
        if (again && System.nanoTime() - began < bound.toNanos()) {
          continue;
        }
        traffic.refused();
        if (why != null && !again && why.kind() != Kind.BUSY) {
          told(why);
        }
        throw e;
      }
    }
  }

  private void told(@Nullable TunnelException problem) {
    Link current = current();
    if (current != null) {
      current.worked(problem);
    }
  }

  /** Tells what a probe found. */
  public void probed(@Nullable TunnelException problem) {
    told(problem);
  }

  /** How it is. */
  public LinkState state() {
    Link current = current();
    return current == null ? LinkState.CLOSED : current.state();
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
  public synchronized Instant since() {
    return Objects.requireNonNull(since);
  }

  /** What goes through it. */
  public Traffic traffic() {
    return traffic;
  }
}
