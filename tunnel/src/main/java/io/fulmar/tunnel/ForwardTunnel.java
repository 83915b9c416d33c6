package io.fulmar.tunnel;

import io.fulmar.spi.Tunnel;
import io.fulmar.tunnel.internal.forward.ChannelSocketFactory;
import io.fulmar.tunnel.internal.link.LinkEvents;
import io.fulmar.tunnel.internal.link.SharedLink;
import io.fulmar.tunnel.internal.ssh.Hop;
import io.fulmar.tunnel.internal.ssh.Route;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * A tunnel through an SSH server that reaches the database: every connection of an engine, those
 * that cancel statements included, is a channel inside one SSH connection. No port of this machine
 * takes part, so no other user of it can get in, and the host name of the database stays what it
 * is, so that its certificate is verified as without a tunnel.
 *
 * <p>The SSH connection is made when the first engine needs it, made again whenever it is lost, and
 * ended with the last engine that uses it. Give several sources the same object, and they share the
 * connection. The SSH server resolves the host name; if this machine cannot, that does not matter.
 * This class is threadsafe.
 */
public final class ForwardTunnel implements Tunnel {
  private final SharedLink link;

  private ForwardTunnel(Route route, int maxConnections, @Nullable TunnelListener listener) {
    this.link = new SharedLink(route, maxConnections, events(route, listener));
  }

  static LinkEvents events(Route route, @Nullable TunnelListener listener) {
    return listener == null
        ? (state, cause) -> {}
        : (state, cause) ->
            listener.onEvent(
                new TunnelEvent(route.name(), TunnelStatus.stateOf(state), Instant.now(), cause));
  }

  @Override
  public String name() {
    return link.route().name();
  }

  @Override
  public Dialer dialer() {
    link.use();
    return new User(link);
  }

  /**
   * Opens the tunnel, or one more use of it, for what is no engine: a look at it, a probe, or a
   * port for other tools. Does not wait: see {@link OpenTunnel#awaitUp}. Whoever opened it closes
   * it.
   */
  public OpenTunnel open() {
    link.use();
    return new OpenTunnel(link);
  }

  /** How it is, whoever uses it. */
  public TunnelStatus status() {
    return TunnelStatus.of(
        link.state(), link.since(), link.connections(), link.traffic(), link.failure());
  }

  /** Where it leads, without secrets. */
  @Override
  public String toString() {
    return "ForwardTunnel[" + name() + "]";
  }

  private static final class User implements Dialer {
    private final SharedLink link;
    private final SocketFactory sockets;
    private final AtomicBoolean closed = new AtomicBoolean();

    User(SharedLink link) {
      this.link = link;
      this.sockets = new ChannelSocketFactory(link);
    }

    @Override
    public SocketFactory sockets() {
      return sockets;
    }

    @Override
    public void close() {
      if (!closed.getAndSet(true)) {
        link.release();
      }
    }
  }

  /** Collects the settings of a tunnel. Not threadsafe. */
  public static final class Builder extends SshSettings<Builder> {
    private final List<Hop> before = new ArrayList<>();
    private Duration connectTimeout = Duration.ofSeconds(15);
    private Duration keepAlive = Duration.ofSeconds(7);
    private int windowBytes = 4 << 20;
    private int maxConnections = 200;
    private @Nullable TunnelListener listener;

    Builder(String host) {
      super(host);
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * SSH servers to go through first, in this order ({@code ProxyJump}); each is reached from the
     * one before it. Default: none.
     */
    public Builder via(SshHop first, SshHop... more) {
      before.clear();
      before.add(Objects.requireNonNull(first, "first").hop());
      for (SshHop each : Objects.requireNonNull(more, "more")) {
        before.add(Objects.requireNonNull(each, "more").hop());
      }
      return this;
    }

    /**
     * Bound on making the SSH connection, all hops and log-ins included, 1 s to 5 min. Default 15
     * s.
     */
    public Builder connectTimeout(Duration value) {
      connectTimeout =
          inRange("connectTimeout", value, Duration.ofSeconds(1), Duration.ofMinutes(5));
      return this;
    }

    /**
     * How often the SSH server is asked whether it is still there, 1 s to 10 min, in whole seconds.
     * After three questions without an answer the connection counts as lost: with the default,
     * within 28 s. Default 7 s.
     */
    public Builder keepAlive(Duration value) {
      keepAlive = inRange("keepAlive", value, Duration.ofSeconds(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * How much of one connection may be on its way or unread here, 64 kB to 256 MB. Bounds the heap
     * that a slow reader takes, and the speed: at most so much in each round trip to the SSH
     * server, 4 MiB in 20 ms being 200 MB a second. Default 4 MiB (4,194,304).
     */
    public Builder windowBytes(int value) {
      windowBytes = inRange("windowBytes", value, 64 << 10, 256 << 20);
      return this;
    }

    /**
     * Most connections that go through the tunnel at once, 1 to 10,000; further ones are refused.
     * Default 200.
     */
    public Builder maxConnections(int value) {
      maxConnections = inRange("maxConnections", value, 1, 10_000);
      return this;
    }

    /** Told what happens to the tunnel. Default: nobody. */
    public Builder listener(TunnelListener value) {
      listener = Objects.requireNonNull(value, "listener");
      return this;
    }

    /**
     * The tunnel. Opens nothing and reads no file.
     *
     * @throws IllegalStateException if the user is missing, or both key and password are
     */
    public ForwardTunnel build() {
      List<Hop> hops = new ArrayList<>(before);
      hops.add(hop());
      return new ForwardTunnel(
          new Route(hops, connectTimeout, keepAlive, windowBytes), maxConnections, listener);
    }
  }
}
