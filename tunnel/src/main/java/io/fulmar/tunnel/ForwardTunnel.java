package io.fulmar.tunnel;

import io.fulmar.spi.Tunnel;
import io.fulmar.tunnel.internal.forward.ChannelSocketFactory;
import io.fulmar.tunnel.internal.link.SharedLink;
import io.fulmar.tunnel.internal.ssh.Route;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.SocketFactory;

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

  private ForwardTunnel(SharedLink link) {
    this.link = link;
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
  public static final class Builder extends TunnelSettings<Builder> {
    private int maxConnections = 200;

    Builder(String host) {
      super(host);
    }

    @Override
    Builder self() {
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

    /**
     * The tunnel. Opens nothing and reads no file.
     *
     * @throws IllegalStateException if the user is missing, or both key and password are
     */
    public ForwardTunnel build() {
      Route route = route();
      return new ForwardTunnel(new SharedLink(route, maxConnections, events(route)));
    }
  }
}
