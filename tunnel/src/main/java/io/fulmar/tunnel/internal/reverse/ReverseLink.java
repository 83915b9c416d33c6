package io.fulmar.tunnel.internal.reverse;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.tunnel.internal.link.Announcer;
import io.fulmar.tunnel.internal.link.Link;
import io.fulmar.tunnel.internal.link.LinkEvents;
import io.fulmar.tunnel.internal.relay.Probe;
import io.fulmar.tunnel.internal.relay.Relays;
import io.fulmar.tunnel.internal.ssh.ChannelSocket;
import io.fulmar.tunnel.internal.ssh.Route;
import io.fulmar.tunnel.internal.ssh.SshSession;
import io.fulmar.tunnel.internal.ssh.Traffic;
import io.fulmar.tunnel.internal.ssh.TunnelChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import net.schmizz.sshj.connection.channel.OpenFailException.Reason;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets an SSH server listen, for each connection to it anew, and carries what comes there to the
 * database. This class is threadsafe; whoever made it closes it.
 */
public final class ReverseLink implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.tunnel");
  private static final Duration PROBE = Duration.ofSeconds(10);
  private static final int MOST_DEAF = 3;

  /** One is carried, and one that has ended already waits for the database to end too. */
  private static final int RELAYS_FOR_ONE = 2;

  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1");

  private final Route route;
  private final String address;
  private final int wantedPort;
  private final String host;
  private final int port;
  private final Duration every;
  private final Traffic traffic;
  private final Relays relays;
  private final Announcer announcer;
  private final Link link;
  private volatile int listening;
  private volatile boolean looped;
  private int deaf;

  /**
   * Begins to connect.
   *
   * @param address on which address of the SSH server
   * @param wantedPort on which port; 0 lets it choose
   * @param host where the database is
   * @param port on which port
   * @param most how many connections at once
   * @param every how often to ask the database; zero for never
   */
  public ReverseLink(
      Route route,
      String address,
      int wantedPort,
      String host,
      int port,
      int most,
      Duration every,
      LinkEvents events) {
    this.route = route;
    this.address = address;
    this.wantedPort = wantedPort;
    this.listening = wantedPort;
    this.host = host;
    this.port = port;
    this.traffic = new Traffic(most);
    this.every = every;
    this.looped = LOOPBACK.contains(address);
    this.relays =
        new Relays("fulmar-tunnel-" + route.last().host() + "-relay", most * RELAYS_FOR_ONE);
    this.announcer = new Announcer(route.name(), events);
    announcer.note(TunnelState.CONNECTING);
    this.link = new Link(route, traffic, new Listening(), announcer);
  }

  private final class Listening implements Link.Work {
    @Override
    public void prepare(SshSession session) {
      // The same one again, so that who knows it finds it.
      listening =
          session.listen(address, listening, route.connectTimeout(), ReverseLink.this::asked);
      looped = LOOPBACK.contains(address);
      deaf = 0;
    }

    @Override
    public @Nullable TunnelException look(SshSession session) {
      return ReverseLink.this.look(session);
    }

    @Override
    public Duration every() {
      return every;
    }
  }

  /** Called by the reader of the SSH connection: hands on. */
  private void asked(TunnelChannel channel) throws IOException {
    boolean room = traffic.enter();
    if (room && relays.begin(() -> serve(channel))) {
      return;
    }
    if (room) {
      traffic.leave();
    }
    traffic.refused();
    channel.reject(Reason.RESOURCE_SHORTAGE, "too many connections");
  }

  private void serve(TunnelChannel channel) {
    boolean accepted = false;
    try {
      Socket socket = new Socket();
      try {
        socket.connect(new InetSocketAddress(host, port), (int) PROBE.toMillis());
        socket.setTcpNoDelay(true);
      } catch (IOException e) {
        socket.close();
        unreached(channel, e);
        return;
      }
      channel.accept();
      accepted = true;
      link.worked(null);
      relays.carry(socket, channel);
    } catch (IOException e) {
      LOG.debug("tunnel={} {}", route.name(), e.getMessage());
      channel.close();
    } finally {
      if (!accepted) {
        traffic.leave();
      }
    }
  }

  private void unreached(TunnelChannel channel, IOException e) throws IOException {
    traffic.refused();
    channel.reject(Reason.CONNECT_FAILED, "the database cannot be reached");
    link.worked(
        new TunnelException(
            Kind.TARGET_UNREACHABLE,
            "connect to " + host + ":" + port,
            "%s:%s cannot be reached from here (%s)".formatted(host, port, e.getMessage()),
            "Look whether the server runs and listens there.",
            e));
  }

  /** Asks through the SSH server, if it lets itself be asked, else directly. */
  private @Nullable TunnelException look(SshSession session) {
    try {
      ask(session);
      deaf = 0;
      return null;
    } catch (TunnelException through) {
      if (!looped) {
        return through;
      }
      return compare(session, through);
    }
  }

  private void ask(SshSession session) {
    if (looped) {
      try {
        Probe.ask(new ChannelSocket(session::open), "127.0.0.1", listening, PROBE);
        return;
      } catch (TunnelException e) {
        if (e.kind() != Kind.FORWARDING_REFUSED) {
          throw e;
        }
        looped = false;
        LOG.debug("tunnel={} is not asked through the SSH server", route.name());
      } catch (SocketException e) {
        throw new IllegalStateException(e);
      }
    }
    Probe.ask(new Socket(), host, port, PROBE);
  }

  /** The way round did not work: is it the database, or the port of the SSH server? */
  private TunnelException compare(SshSession session, TunnelException through) {
    try {
      Probe.ask(new Socket(), host, port, PROBE);
    } catch (TunnelException direct) {
      deaf = 0;
      return direct;
    }
    deaf++;
    if (deaf >= MOST_DEAF) {
      deaf = 0;
      LOG.warn(
          "tunnel={} port {} of the SSH server leads nowhere: connecting anew",
          route.name(),
          listening);
      session.close();
    }
    return through;
  }

  /** Asks now. */
  public void probe() {
    try {
      SshSession session = link.session(route.connectTimeout());
      ask(session);
      link.worked(null);
    } catch (TunnelException e) {
      link.worked(e);
      throw e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TunnelException(
          Kind.LOST, "probe " + host + ":" + port, "interrupted", "Ask again.", e);
    }
  }

  /** Waits until the SSH server listens. */
  public void awaitUp(Duration timeout) throws InterruptedException {
    link.session(timeout);
  }

  /** The port that the SSH server listens on; 0 before it has chosen one. */
  public int port() {
    return listening;
  }

  /** How it is. */
  public TunnelState state() {
    return link.state();
  }

  /** Since when. */
  public Instant since() {
    return announcer.since();
  }

  /** What went wrong last; null if all is well. */
  public @Nullable TunnelException failure() {
    return link.failure();
  }

  /** How many SSH connections there were. */
  public int connections() {
    return link.connections();
  }

  /** What goes through it. */
  public Traffic traffic() {
    return traffic;
  }

  @Override
  public void close() {
    link.close();
    relays.close();
  }
}
