package io.fulmar.tunnel.internal.ssh;

import io.fulmar.Secret;
import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.tunnel.internal.keys.HostKeyCheck;
import io.fulmar.tunnel.internal.keys.SecretText;
import io.fulmar.tunnel.internal.keys.UserKeySource;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import javax.net.SocketFactory;
import net.schmizz.keepalive.KeepAliveRunner;
import net.schmizz.sshj.SSHClient;
import net.schmizz.sshj.common.DisconnectReason;
import net.schmizz.sshj.common.SSHException;
import net.schmizz.sshj.connection.Connection;
import net.schmizz.sshj.transport.TransportException;
import net.schmizz.sshj.userauth.keyprovider.KeyProvider;
import net.schmizz.sshj.userauth.method.AuthKeyboardInteractive;
import net.schmizz.sshj.userauth.method.AuthMethod;
import net.schmizz.sshj.userauth.method.AuthPassword;
import net.schmizz.sshj.userauth.method.AuthPublickey;
import net.schmizz.sshj.userauth.method.PasswordResponseProvider;
import net.schmizz.sshj.userauth.password.PasswordFinder;
import net.schmizz.sshj.userauth.password.Resource;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to make an {@link SshSession}. {@link #connect} is for one thread; another may {@link
 * #abort} it.
 */
public final class Dial {
  private static final long ENDING_MILLIS = 1_000;

  /** How far it got, in the order of the steps. */
  private enum Step {
    RESOLVE,
    REACH,
    NAME,
    HOST_KEY,
    LOG_IN
  }

  private final Route route;
  private final Traffic traffic;
  private final long deadline;
  private final List<SSHClient> clients = new ArrayList<>();
  private final List<TransportSocket> sockets = new ArrayList<>();
  private volatile boolean aborted;
  private volatile Step step = Step.RESOLVE;
  private volatile @Nullable Socket current;

  /** What ended the connection; null if nothing has. */
  private volatile @Nullable String died;

  /** What the server said when it ended the connection. */
  private volatile @Nullable String goodbye;

  /** An attempt that begins now. */
  public Dial(Route route, Traffic traffic) {
    this.route = route;
    this.traffic = traffic;
    this.deadline = System.nanoTime() + route.connectTimeout().toNanos();
  }

  /**
   * Connects, verifies and logs in, hop by hop. Takes until the other side is done, or {@link
   * #abort} is called.
   *
   * @throws TunnelException which says what failed
   */
  public SshSession connect() throws TunnelException {
    try {
      @Nullable SSHClient before = null;
      for (Hop hop : route.hops()) {
        before = hop(hop, before);
      }
      SshSession session = new SshSession(route, clients, sockets, traffic);
      if (aborted) {
        session.close();
        throw late(route.last());
      }
      return session;
    } catch (TunnelException e) {
      giveUp();
      throw e;
    }
  }

  /** Ends the attempt: what it waits for fails at once. */
  public void abort() {
    aborted = true;
    close(current);
  }

  /** Ends whatever has begun; returns when no thread of it is left, or after some seconds. */
  private void giveUp() {
    boolean interrupted = Thread.interrupted();
    close(current);
    for (SSHClient client : clients) {
      try {
        client.disconnect();
      } catch (IOException e) {
        // It was not connected.
        continue;
      }
    }
    sockets.forEach(Dial::close);
    try {
      for (SSHClient client : clients) {
        client.getConnection().getKeepAlive().join(ENDING_MILLIS);
      }
      for (TransportSocket socket : sockets) {
        socket.awaitReader(ENDING_MILLIS);
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void close(@Nullable Socket socket) {
    if (socket != null) {
      try {
        socket.close();
      } catch (IOException e) {
        // It is of no use any more.
        return;
      }
    }
  }

  private Duration left() {
    return Duration.ofNanos(Math.max(1_000_000, deadline - System.nanoTime()));
  }

  private SSHClient hop(Hop hop, @Nullable SSHClient before) throws TunnelException {
    List<KeyProvider> keys = new ArrayList<>();
    for (UserKeySource key : hop.keys()) {
      keys.add(key.load());
    }
    Secret password = hop.password();
    // Now, so that an attempt without one knocks at no door.
    String revealed =
        password == null
            ? null
            : SecretText.of("log in to " + hop.place(), "the password", password);
    HostKeyCheck check = hop.hostKeys().check();
    SSHClient client = new SSHClient(hop.algorithms().config());
    try {
      TransportSocket socket = new TransportSocket(reach(hop, before));
      sockets.add(socket);
      current = socket;
      handshake(hop, client, socket, check);
      clients.add(client);
      step = Step.LOG_IN;
      logIn(hop, client, keys, revealed);
      // From here on, a write waits as long as the link lives.
      Connection connection = client.getConnection();
      connection.setTimeoutMs(Integer.MAX_VALUE);
      return client;
    } catch (TunnelException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw failure(hop, check, e);
    }
  }

  private Socket reach(Hop hop, @Nullable SSHClient before) throws IOException {
    step = Step.RESOLVE;
    if (before != null) {
      step = Step.REACH;
      return through(hop, before);
    }
    // Asked anew each time: after a failover, the name may mean another address.
    InetAddress[] addresses = InetAddress.getAllByName(hop.host());
    step = Step.REACH;
    IOException first = null;
    for (InetAddress address : addresses) {
      Socket socket = new Socket();
      try {
        // Makes what abort() closes: a Socket without it closes nothing, and connects all the same.
        socket.setTcpNoDelay(true);
        current = socket;
        if (aborted) {
          throw new IOException("aborted");
        }
        socket.connect(new InetSocketAddress(address, hop.port()), (int) left().toMillis());
        return socket;
      } catch (IOException e) {
        socket.close();
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    throw first == null ? new UnknownHostException(hop.host()) : first;
  }

  private Socket through(Hop hop, SSHClient before) throws IOException {
    Hop previous = route.hops().get(clients.size() - 1);
    try {
      TunnelChannel channel =
          TunnelChannel.open(
              before.getConnection(),
              hop.host(),
              hop.port(),
              left(),
              route.windowBytes(),
              // The channels in it are what counts.
              new Traffic(),
              previous.place());
      return new ChannelSocket(channel, hop.host(), hop.port());
    } catch (IOException e) {
      if (e.getCause() instanceof TunnelException t && t.kind() == Kind.TARGET_UNREACHABLE) {
        throw new TunnelException(
            Kind.UNREACHABLE, "connect to " + hop.place(), t.fact(), t.remedy(), t);
      }
      if (e.getCause() instanceof TunnelException t) {
        throw TunnelFailures.again(t, "connect to " + hop.place());
      }
      throw e;
    }
  }

  private void handshake(Hop hop, SSHClient client, TransportSocket socket, HostKeyCheck check)
      throws IOException {
    step = Step.NAME;
    client.setSocketFactory(new Given(socket));
    client.getTransport().setTimeoutMs((int) left().toMillis());
    client.getConnection().setTimeoutMs((int) left().toMillis());
    client.addAlgorithmsVerifier(
        agreed -> {
          step = Step.HOST_KEY;
          return true;
        });
    client.addHostKeyVerifier(check);
    goodbye = null;
    died = null;
    client
        .getTransport()
        .setDisconnectListener(
            (reason, message) -> {
              died = message;
              if (reason != DisconnectReason.UNKNOWN && reason != DisconnectReason.BY_APPLICATION) {
                goodbye = message;
              }
              // Before sshj tells who waits: it forgets him who has just begun to send and wait.
              close(socket);
            });
    if (hop == route.last()
        && client.getConnection().getKeepAlive() instanceof KeepAliveRunner keepAlive) {
      keepAlive.setKeepAliveInterval((int) Math.max(1, route.keepAlive().toSeconds()));
      // Whatever comes is a sign of life; the session looks for it.
      keepAlive.setMaxAliveCount(Integer.MAX_VALUE);
    }
    client.connect(hop.host(), hop.port());
  }

  private static void logIn(
      Hop hop, SSHClient client, List<KeyProvider> keys, @Nullable String password)
      throws IOException {
    List<AuthMethod> methods = new ArrayList<>();
    for (KeyProvider key : keys) {
      methods.add(new AuthPublickey(key));
    }
    if (password != null) {
      Revealed revealed = new Revealed(password);
      methods.add(new AuthPassword(revealed));
      methods.add(new AuthKeyboardInteractive(new PasswordResponseProvider(revealed)));
    }
    try {
      client.auth(hop.user(), methods);
    } catch (IllegalStateException e) {
      // What sshj says of a connection that ended when keys had just been exchanged.
      throw new TransportException("ended before the log-in", e);
    }
  }

  private TunnelException failure(Hop hop, HostKeyCheck check, Exception e) {
    String at = hop.place();
    String doing = "connect to " + at;
    if (check.refusal() != null) {
      return check.refusal();
    }
    if (aborted || System.nanoTime() >= deadline) {
      return late(hop);
    }
    String why = TunnelFailures.why(e);
    return switch (step) {
      case RESOLVE ->
          new TunnelException(
              Kind.UNREACHABLE,
              doing,
              "the name of the SSH server, %s, has no address (DNS)".formatted(hop.host()),
              "Look at the name, and at the resolver of this machine.",
              e);
      case REACH ->
          new TunnelException(
              Kind.UNREACHABLE,
              doing,
              e instanceof ConnectException
                  ? "the SSH server %s refuses connections".formatted(at)
                  : "the SSH server %s cannot be reached%s".formatted(at, why),
              "Look at host and port, whether sshd runs there, and at firewall and routes.",
              e);
      case NAME -> unnamed(hop, e);
      case HOST_KEY -> disagreed(hop, e);
      case LOG_IN -> notLoggedIn(hop, e);
    };
  }

  private TunnelException unnamed(Hop hop, Exception e) {
    TransportSocket socket = sockets.get(sockets.size() - 1);
    if (socket.named()) {
      return disagreed(hop, e);
    }
    return new TunnelException(
        Kind.NO_SSH,
        "connect to " + hop.place(),
        socket.answered()
            ? "what listens on %s is not an SSH server".formatted(hop.place())
            : "%s accepted the connection and ended it before it had named itself"
                .formatted(hop.place()),
        socket.answered()
            ? "Look at host and port."
            : "Look at its log: MaxStartups, an address that is blocked (fail2ban), or a proxy in between.",
        e);
  }

  private TunnelException disagreed(Hop hop, Exception e) {
    TransportSocket socket = sockets.get(sockets.size() - 1);
    String doing = "connect to " + hop.place();
    String first = died;
    String why = first == null ? TunnelFailures.why(e) : " (" + first + ")";
    // Once its offer was taken, the next step has begun.
    if (socket.offered() && step != Step.HOST_KEY) {
      return new TunnelException(
          Kind.ALGORITHMS,
          doing,
          "the SSH server %s offers no algorithm that is allowed here%s"
              .formatted(hop.place(), why),
          "Renew the server; or call legacyAlgorithms() if you must.",
          e);
    }
    if (socket.ended() || step == Step.HOST_KEY) {
      return new TunnelException(
          Kind.NO_SSH,
          doing,
          "the SSH server %s ended the connection while keys were exchanged%s"
              .formatted(hop.place(), socket.ended() ? "" : why),
          "Look at its log.",
          e);
    }
    return new TunnelException(
        Kind.NO_SSH,
        doing,
        "what listens on %s names itself an SSH server and does not go on as one%s"
            .formatted(hop.place(), why),
        "Look at host and port, and whether it speaks SSH 2.",
        e);
  }

  private TunnelException notLoggedIn(Hop hop, Exception e) {
    SSHClient client = clients.get(clients.size() - 1);
    String allowed =
        StreamSupport.stream(client.getUserAuth().getAllowedMethods().spliterator(), false)
            .sorted()
            .collect(Collectors.joining(", "));
    List<String> tried = new ArrayList<>();
    hop.keys().forEach(key -> tried.add("key " + key.name()));
    if (hop.password() != null) {
      tried.add("password");
    }
    boolean lost = isLost(e);
    String said = goodbye;
    if (lost && said == null) {
      return new TunnelException(
          Kind.NO_SSH,
          "log in to " + hop.place(),
          "the connection to the SSH server %s ended while it looked at the log-in of %s"
              .formatted(hop.place(), hop.user()),
          "Look at its log.",
          e);
    }
    return new TunnelException(
        Kind.AUTHENTICATION,
        "log in to " + hop.place(),
        "the SSH server %s %s the user %s with %s%s%s"
            .formatted(
                hop.place(),
                lost ? "ended the connection while it looked at" : "refuses",
                hop.user(),
                String.join(", ", tried),
                allowed.isEmpty() ? "" : "; it allows " + allowed,
                said == null || said.isBlank() ? "" : " (" + said + ")"),
        "Look whether the public key is in authorized_keys of that user, its file and folder are writable by"
            + " nobody else, and AllowUsers, MaxAuthTries and PubkeyAcceptedAlgorithms permit it; its log"
            + " tells.",
        e);
  }

  /** An end is sshj's own exception, a reset the socket's; both come inside those of a log-in. */
  private static boolean isLost(Exception e) {
    for (Throwable at = e; at != null; at = at.getCause()) {
      boolean ofSocket = at instanceof IOException && !(at instanceof SSHException);
      if (at instanceof TransportException || ofSocket) {
        return true;
      }
    }
    return false;
  }

  private TunnelException late(Hop hop) {
    String at = hop.place();
    String doing = "connect to " + at;
    String within = " within " + route.connectTimeout().toMillis() + " ms";
    return switch (step) {
      case RESOLVE ->
          new TunnelException(
              Kind.UNREACHABLE,
              doing,
              "the name of the SSH server, %s, was not resolved%s (DNS)"
                  .formatted(hop.host(), within),
              "Look at the resolver of this machine.",
              null);
      case REACH ->
          new TunnelException(
              Kind.UNREACHABLE,
              doing,
              "the SSH server %s cannot be reached%s".formatted(at, within),
              "Look at host, firewall and routes: packets to it are dropped, or it is down.",
              null);
      case NAME, HOST_KEY ->
          new TunnelException(
              Kind.NO_SSH,
              doing,
              "%s accepted the connection and %s%s"
                  .formatted(
                      at,
                      named()
                          ? "fell silent while keys were exchanged"
                          : "did not name itself as an SSH server",
                      within),
              "Look at what listens there, and at its load.",
              null);
      case LOG_IN ->
          new TunnelException(
              Kind.NO_SSH,
              doing,
              "the SSH server %s fell silent while it looked at the log-in of %s%s"
                  .formatted(at, hop.user(), within),
              "Look at its log, and at what it asks about users (LDAP, DNS).",
              null);
    };
  }

  private boolean named() {
    return !sockets.isEmpty() && sockets.get(sockets.size() - 1).named();
  }

  /** Gives the socket that is connected already. */
  private static final class Given extends SocketFactory {
    private final Socket socket;

    Given(Socket socket) {
      this.socket = socket;
    }

    @Override
    public Socket createSocket() {
      return socket;
    }

    @Override
    public Socket createSocket(String host, int port) {
      return socket;
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort) {
      return socket;
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
      return socket;
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
      return socket;
    }
  }

  /** Gives a password when it is asked for, once. */
  private static final class Revealed implements PasswordFinder {
    private final String password;

    Revealed(String password) {
      this.password = password;
    }

    @Override
    public char[] reqPassword(Resource<?> resource) {
      return password.toCharArray();
    }

    @Override
    public boolean shouldRetry(Resource<?> resource) {
      return false;
    }
  }
}
