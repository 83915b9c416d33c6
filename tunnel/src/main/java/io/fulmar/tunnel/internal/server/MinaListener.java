package io.fulmar.tunnel.internal.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.KeyPair;
import java.security.PublicKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.sshd.common.AttributeRepository.AttributeKey;
import org.apache.sshd.common.FactoryManager;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.OptionalFeature;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.channel.Channel;
import org.apache.sshd.common.channel.RequestHandler;
import org.apache.sshd.common.cipher.BuiltinCiphers;
import org.apache.sshd.common.compression.BuiltinCompressions;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.global.KeepAliveHandler;
import org.apache.sshd.common.io.IoServiceFactory;
import org.apache.sshd.common.io.IoServiceFactoryFactory;
import org.apache.sshd.common.io.nio2.Nio2ServiceFactory;
import org.apache.sshd.common.kex.BuiltinDHFactories;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.mac.BuiltinMacs;
import org.apache.sshd.common.session.ConnectionService;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.apache.sshd.common.session.helpers.AbstractConnectionServiceRequestHandler;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.common.signature.Signature;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.security.SecurityUtils;
import org.apache.sshd.common.util.threads.CloseableExecutorService;
import org.apache.sshd.common.util.threads.SshThreadPoolExecutor;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.ServerBuilder;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.auth.pubkey.UserAuthPublicKeyFactory;
import org.apache.sshd.server.forward.DirectTcpipFactory;
import org.apache.sshd.server.forward.RejectAllForwardingFilter;
import org.apache.sshd.server.session.ServerSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An SSH server that opens ports of the loopback address for keys, and does nothing else.
 * Threadsafe.
 */
public final class MinaListener implements Listener {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.tunnel");
  private static final AttributeKey<Tunnel> TUNNEL = new AttributeKey<>();
  private static final AttributeKey<Client> CLIENT = new AttributeKey<>();
  private static final Duration LONGEST_AUTHENTICATION = Duration.ofSeconds(15);
  private static final Duration LONGEST_CLOSE = Duration.ofSeconds(5);
  private static final int MOST_AUTHENTICATIONS = 6;
  private static final int MOST_CLIENTS_PER_KEY = 4;
  private static final int MISSED_ANSWERS = 3;
  private static final int WORKERS = 4;
  private static final long IDLE_THREAD_SECONDS = 5;

  private final ServerSettings settings;
  private final PublicKeyLine hostKey;
  private final SshServer server;
  private final ScheduledThreadPoolExecutor timer;
  private final SshThreadPoolExecutor workers;
  private final SshThreadPoolExecutor resumers;
  private final ThreadPoolExecutor pumps;
  private final Map<String, Tunnel> tunnels = new HashMap<>();
  private final Set<Client> clients = ConcurrentHashMap.newKeySet();

  /** In the order in which they came. Guarded by itself. */
  private final Set<Session> sessions = new LinkedHashSet<>();

  private final AtomicBoolean closed = new AtomicBoolean();

  private MinaListener(ServerSettings settings, KeyPair pair) {
    this.settings = settings;
    this.hostKey = PublicKeyLine.parse(PublicKeyEntry.toString(pair.getPublic()));
    ThreadFactory threads = new DaemonThreads();
    timer = new ScheduledThreadPoolExecutor(1, threads);
    timer.setRemoveOnCancelPolicy(true);
    workers = fixed(threads);
    resumers = fixed(threads);
    pumps =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            IDLE_THREAD_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            threads);
    for (AcceptedKey key : settings.accepted()) {
      tunnels.put(key.key().toString(), new Tunnel(key, settings.maxConnections(), pumps));
    }
    server = server(pair);
  }

  private static SshThreadPoolExecutor fixed(ThreadFactory threads) {
    return new SshThreadPoolExecutor(
        WORKERS, WORKERS, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads);
  }

  /**
   * Starts a server.
   *
   * @throws IOException if it cannot listen, or has no host key
   */
  public static Listener start(ServerSettings settings) throws IOException {
    if (!SecurityUtils.isEDDSACurveSupported()) {
      throw new IllegalStateException(
          "Cannot start the tunnel server: Bouncy Castle is missing. Add the dependency"
              + " org.bouncycastle:bcprov-jdk18on.");
    }
    MinaListener listener = new MinaListener(settings, HostKeyFile.readOrMake(settings.hostKey()));
    try {
      listener.server.start();
    } catch (IOException | RuntimeException e) {
      listener.close();
      throw new IOException(
          "Cannot listen on %s:%s: %s. Choose another address or port, or end what listens there."
              .formatted(settings.bindAddress(), settings.port(), e.getMessage()),
          e);
    }
    long period = settings.keepAlive().toNanos();
    listener.timer.scheduleWithFixedDelay(
        listener::askClients, period, period, TimeUnit.NANOSECONDS);
    LOG.info(
        "tunnel server listens on {}:{}, host key {}",
        settings.bindAddress(),
        listener.address().getPort(),
        listener.hostKey.fingerprint());
    return listener;
  }

  private SshServer server(KeyPair pair) {
    SshServer made =
        ServerBuilder.builder()
            .keyExchangeFactories(
                NamedFactory.setUpTransformedFactories(
                    true,
                    List.of(
                        BuiltinDHFactories.mlkem768x25519,
                        BuiltinDHFactories.sntrup761x25519,
                        BuiltinDHFactories.sntrup761x25519_openssh,
                        BuiltinDHFactories.curve25519,
                        BuiltinDHFactories.curve25519_libssh,
                        BuiltinDHFactories.ecdhp256,
                        BuiltinDHFactories.ecdhp384,
                        BuiltinDHFactories.ecdhp521,
                        BuiltinDHFactories.dhg16_512,
                        BuiltinDHFactories.dhg18_512,
                        BuiltinDHFactories.dhg14_256),
                    ServerBuilder.DH2KEX))
            .cipherFactories(
                supported(
                    List.of(
                        BuiltinCiphers.aes128gcm,
                        BuiltinCiphers.aes256gcm,
                        BuiltinCiphers.aes128ctr,
                        BuiltinCiphers.aes192ctr,
                        BuiltinCiphers.aes256ctr)))
            .macFactories(supported(List.of(BuiltinMacs.hmacsha256etm, BuiltinMacs.hmacsha512etm)))
            .compressionFactories(supported(List.of(BuiltinCompressions.none)))
            .signatureFactories(signatures())
            .channelFactories(List.of(new ProbeFactory()))
            .globalRequestHandlers(List.of(KeepAliveHandler.INSTANCE, new ForwardRequests()))
            .forwardingFilter(RejectAllForwardingFilter.INSTANCE)
            .build(true);
    made.setHost(settings.bindAddress());
    made.setPort(settings.port());
    made.setKeyPairProvider(KeyPairProvider.wrap(pair));
    made.setUserAuthFactories(List.of(new UserAuthPublicKeyFactory(signatures())));
    made.setPublickeyAuthenticator(this::knows);
    made.setIoServiceFactoryFactory(new Workers());
    made.setScheduledExecutorService(timer, false);
    made.addSessionListener(new Sessions());
    CoreModuleProperties.SERVER_IDENTIFICATION.set(made, "Fulmar");
    CoreModuleProperties.AUTH_TIMEOUT.set(made, LONGEST_AUTHENTICATION);
    CoreModuleProperties.MAX_AUTH_REQUESTS.set(made, MOST_AUTHENTICATIONS);
    CoreModuleProperties.IDLE_TIMEOUT.set(made, Duration.ZERO);
    CoreModuleProperties.NIO2_READ_TIMEOUT.set(made, Duration.ZERO);
    CoreModuleProperties.TCP_NODELAY.set(made, true);
    CoreModuleProperties.STOP_WAIT_TIME.set(made, LONGEST_CLOSE);
    // Each connection through the port may be one, and each that a probe makes.
    CoreModuleProperties.MAX_CONCURRENT_CHANNELS.set(made, 2 * settings.maxConnections());
    return made;
  }

  private static List<NamedFactory<Signature>> signatures() {
    return supported(
        List.of(
            BuiltinSignatures.ed25519,
            BuiltinSignatures.nistp256,
            BuiltinSignatures.nistp384,
            BuiltinSignatures.nistp521,
            BuiltinSignatures.rsaSHA512,
            BuiltinSignatures.rsaSHA256));
  }

  /** Those that the JVM and the class path have what it takes for. */
  private static <T, F extends NamedFactory<T> & OptionalFeature> List<NamedFactory<T>> supported(
      List<F> factories) {
    return factories.stream()
        .filter(OptionalFeature::isSupported)
        .<NamedFactory<T>>map(factory -> factory)
        .toList();
  }

  /** The last key that it is asked for before a client is in is the one that the client proves. */
  private boolean knows(String user, PublicKey key, ServerSession session) {
    Tunnel found = tunnels.get(PublicKeyEntry.toString(key));
    if (found == null || !found.key().user().equals(user)) {
      LOG.debug("refused a key from {}", session.getClientAddress());
      return false;
    }
    session.setAttribute(TUNNEL, found);
    return true;
  }

  @Override
  public InetSocketAddress address() {
    Stream<SocketAddress> bound = server.getBoundAddresses().stream();
    return bound
        .map(InetSocketAddress.class::cast)
        .findFirst()
        .orElseGet(() -> new InetSocketAddress(settings.bindAddress(), server.getPort()));
  }

  @Override
  public PublicKeyLine hostKey() {
    return hostKey;
  }

  @Override
  public List<Held> held() {
    return tunnels.values().stream()
        .map(Tunnel::held)
        .filter(Objects::nonNull)
        .sorted(Comparator.comparingInt(held -> held.key().port()))
        .toList();
  }

  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    clients.forEach(client -> client.tunnel().close(client));
    boolean interrupted = Thread.interrupted();
    try {
      server.stop(true);
      server.close(true).await(LONGEST_CLOSE);
    } catch (IOException e) {
      LOG.debug("closing the tunnel server", e);
    }
    // Not before: the library plans something for later even as it closes.
    timer.shutdownNow();
    pumps.shutdownNow();
    workers.shutdownNow();
    resumers.shutdownNow();
    long until = System.nanoTime() + LONGEST_CLOSE.toNanos();
    for (var executor : List.of(timer, pumps, workers, resumers)) {
      try {
        executor.awaitTermination(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    LOG.info("tunnel server is closed");
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Cuts the clients that have been silent for too long, and asks the others. */
  private void askClients() {
    for (Client client : clients) {
      try {
        if (client.silence().compareTo(settings.keepAlive().multipliedBy(MISSED_ANSWERS)) > 0) {
          LOG.warn("{} has been silent for {} s, and is cut", client, client.silence().toSeconds());
          client.tunnel().close(client);
          client.session().close(true);
          continue;
        }
        ServerSession session = client.session();
        Buffer request = session.createBuffer(SshConstants.SSH_MSG_GLOBAL_REQUEST);
        request.putString("keepalive@openssh.com");
        request.putBoolean(true);
        session.request(request, "keepalive@openssh.com", (command, answer) -> client.heard());
      } catch (IOException | RuntimeException e) {
        // It is on its way out; the silence that follows is noticed if not.
        LOG.debug("asking {}", client, e);
      }
    }
  }

  /** Watches SSH connections come and go. */
  private final class Sessions implements SessionListener {
    @Override
    public void sessionCreated(Session session) {
      Session tooMany = null;
      synchronized (sessions) {
        sessions.add(session);
        if (sessions.size() > settings.maxSessions()) {
          // Who has proven nothing must not keep out who will.
          tooMany =
              sessions.stream()
                  .filter(other -> other.getAttribute(CLIENT) == null)
                  .findFirst()
                  .orElse(session);
          sessions.remove(tooMany);
        }
      }
      if (tooMany != null) {
        LOG.warn("there are {} SSH connections, one more is cut", settings.maxSessions());
        tooMany.close(true);
      }
    }

    @Override
    public void sessionEvent(Session session, Event event) {
      Tunnel tunnel = session.getAttribute(TUNNEL);
      if (event != Event.Authenticated || tunnel == null) {
        return;
      }
      Client client = new Client((ServerSession) session, tunnel);
      List<Client> others = new ArrayList<>();
      for (Client other : clients) {
        if (other.tunnel() == tunnel && !tunnel.isHeldBy(other)) {
          others.add(other);
        }
      }
      session.setAttribute(CLIENT, client);
      clients.add(client);
      if (others.size() >= MOST_CLIENTS_PER_KEY - 1) {
        others.stream()
            .max(Comparator.comparing(Client::silence))
            .ifPresent(other -> other.session().close(true));
      }
      LOG.debug("{} has proven its key", client);
      if (closed.get()) {
        session.close(true);
      }
      if (session.isClosing()) {
        clients.remove(client);
      }
    }

    @Override
    public void sessionClosed(Session session) {
      synchronized (sessions) {
        sessions.remove(session);
      }
      Client client = session.getAttribute(CLIENT);
      if (client != null) {
        clients.remove(client);
        if (client.tunnel().close(client)) {
          LOG.info("{} is gone, {} is closed", client, client.tunnel());
        }
      }
    }
  }

  /** Opens and closes ports (RFC 4254, section 7.1). */
  private final class ForwardRequests extends AbstractConnectionServiceRequestHandler {
    @Override
    public RequestHandler.Result process(
        ConnectionService service, String request, boolean wantReply, Buffer buffer)
        throws Exception {
      Client client = service.getSession().getAttribute(CLIENT);
      if (client == null) {
        return Result.Unsupported;
      }
      return switch (request) {
        case "tcpip-forward" -> open(client, service, buffer.getString(), buffer.getInt());
        case "cancel-tcpip-forward" -> {
          boolean own = Tunnel.isLoopback(buffer.getString()) && buffer.getInt() == ownPort(client);
          yield own && client.tunnel().close(client) ? Result.ReplySuccess : Result.ReplyFailure;
        }
        default -> Result.Unsupported;
      };
    }

    private Result open(Client client, ConnectionService service, String host, int port)
        throws IOException {
      if (port != ownPort(client)) {
        return refuse(client, "this key has port %s alone".formatted(ownPort(client)));
      }
      if (!Tunnel.isLoopback(host)) {
        return refuse(client, "ports are opened on 127.0.0.1 alone; ask for localhost");
      }
      Client before;
      try {
        before = client.tunnel().open(client, service, host);
      } catch (IOException e) {
        return refuse(
            client, "port %s of 127.0.0.1 cannot be opened: %s".formatted(port, e.getMessage()));
      }
      if (client.session().isClosing()) {
        // It was cut meanwhile, perhaps before there was a port to close.
        client.tunnel().close(client);
      }
      if (before == null) {
        LOG.info("{} has {}", client, client.tunnel());
      } else {
        LOG.warn("{} takes over {} from {}, which is cut", client, client.tunnel(), before);
        before.session().close(true);
      }
      return Result.ReplySuccess;
    }

    /** A refusal has no room for a reason (RFC 4254, section 4), a message for a human has. */
    private Result refuse(Client client, String why) throws IOException {
      LOG.warn("refused to open a port for {}: {}", client, why);
      client.session().sendDebugMessage(true, "Fulmar: " + why, "en");
      return Result.ReplyFailure;
    }

    private static int ownPort(Client client) {
      return client.tunnel().key().port();
    }
  }

  private final class ProbeFactory extends DirectTcpipFactory {
    @Override
    public Channel createChannel(Session session) {
      return new ProbeChannel(session.getAttribute(CLIENT), pumps);
    }
  }

  /** Has the library work on our threads. */
  private final class Workers implements IoServiceFactoryFactory {
    @Override
    public IoServiceFactory create(FactoryManager manager) {
      return new Nio2ServiceFactory(manager, workers, resumers);
    }

    @Override
    public void setExecutorServiceFactory(
        org.apache.sshd.common.@Nullable Factory<CloseableExecutorService> factory) {
      throw new UnsupportedOperationException();
    }
  }

  private static final class DaemonThreads implements ThreadFactory {
    private final AtomicInteger count = new AtomicInteger();

    @Override
    public Thread newThread(Runnable work) {
      Thread thread = new Thread(work, "fulmar-tunnel-server-" + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    }
  }
}
