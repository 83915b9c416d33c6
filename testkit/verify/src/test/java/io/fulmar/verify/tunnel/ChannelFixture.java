package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.TunnelException;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.testkit.internal.ssh.SshServer;
import io.fulmar.testkit.internal.ssh.SshSettings;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.TunnelEvent;
import io.fulmar.tunnel.UserKey;
import io.fulmar.verify.fixture.EchoServer;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;

/**
 * What the tests of single connections through a tunnel share: an SSH server that lets a key in, a
 * server behind it that sends back what it gets, and what the tunnel tells. After each test no
 * thread of a tunnel is left, and no connection to either server.
 */
abstract class ChannelFixture {
  static final Duration SOON = Duration.ofSeconds(20);
  private static final Set<Thread.State> WAITING =
      EnumSet.of(Thread.State.WAITING, Thread.State.TIMED_WAITING);
  private static final String USER = "test-user";
  static final int SOON_MILLIS = (int) SOON.toMillis();

  @TempDir Path directory;

  @Parameter SshServerUnderTest kind = SshServerUnderTest.MINA;

  SshKeyFile key;
  EchoServer echo;
  SshServer server;
  final BlockingQueue<TunnelEvent> events = new LinkedBlockingQueue<>();

  @BeforeEach
  void startServers() {
    key = SshKeyFile.create(directory);
    echo = EchoServer.start();
    server = start(SshSettings.defaults());
  }

  /** A server that lets the key in. */
  SshServer start(SshSettings settings) {
    SshServer started = kind.start(settings);
    started.authorise(key.publicLine());
    return started;
  }

  /** Another server than that of each test. */
  void restartWith(SshSettings settings) {
    server.close();
    server = start(settings);
  }

  @AfterEach
  void nothingIsLeft() {
    try {
      Eventually.is(List.of(), "threads of tunnels", ChannelFixture::threads);
      Eventually.is(0, "connections to the SSH server", () -> server.connections());
      Eventually.is(0, "connections to the server behind it", () -> echo.connections());
    } finally {
      server.close();
      echo.close();
    }
  }

  static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("fulmar-") || name.startsWith("sshj"))
        .sorted()
        .toList();
  }

  /** To the server of the test, with its key. */
  ForwardTunnel.Builder forward() {
    return forward(server, server.port());
  }

  /** To a server by way of another port of this machine. */
  ForwardTunnel.Builder forward(SshServer to, int port) {
    return SshTunnel.forward(to.host())
        .port(port)
        .user(to.user())
        .key(UserKey.file(key.file()))
        .hostKeys(HostKeys.fingerprint(to.fingerprint()))
        .listener(events::add);
  }

  /** Connects through the tunnel; reading is bounded. */
  static Socket connect(Dialer dialer, int port) throws IOException {
    Socket socket = dialer.sockets().createSocket();
    try {
      socket.connect(InetSocketAddress.createUnresolved("127.0.0.1", port), SOON_MILLIS);
      socket.setSoTimeout(SOON_MILLIS);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  static void assertEchoes(Socket socket) throws IOException {
    byte[] sent = "hello".getBytes(StandardCharsets.US_ASCII);
    socket.getOutputStream().write(sent);
    assertThat(socket.getInputStream().readNBytes(sent.length)).isEqualTo(sent);
  }

  void assertConnects(Dialer dialer) throws IOException {
    try (Socket socket = connect(dialer, echo.port())) {
      assertEchoes(socket);
    }
  }

  /** Why a connection through a tunnel that opens now does not come about. */
  TunnelException refusal(ForwardTunnel tunnel) {
    try (Dialer dialer = tunnel.dialer()) {
      return refusal(dialer, echo.port());
    }
  }

  static TunnelException refusal(Dialer dialer, int port) {
    return refusal(() -> connect(dialer, port).close());
  }

  /** Why something fails, as whoever uses a socket sees it. */
  static TunnelException refusal(Action action) {
    try {
      action.run();
    } catch (IOException e) {
      assertThat(e.getCause()).isInstanceOf(TunnelException.class);
      return (TunnelException) e.getCause();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("it worked");
  }

  /** The next thing that the tunnel tells. */
  TunnelEvent nextEvent() throws InterruptedException {
    @Nullable TunnelEvent event = events.poll(SOON_MILLIS, TimeUnit.MILLISECONDS);
    assertThat(event).as("next event").isNotNull();
    return event;
  }

  /** What may fail. */
  @FunctionalInterface
  interface Action {
    void run() throws Exception;
  }

  /** On a thread of its own, which ends with it: what it fails with, or null. */
  static CompletableFuture<@Nullable Throwable> begin(Action action) {
    CompletableFuture<@Nullable Throwable> end = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                action.run();
                end.complete(null);
              } catch (Throwable e) {
                end.complete(e);
              }
            },
            USER);
    thread.setDaemon(true);
    thread.start();
    return end;
  }

  static @Nullable Throwable end(CompletableFuture<@Nullable Throwable> of) throws Exception {
    return of.get(SOON_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** Until what has begun waits for something in the tunnel; the thread that does. */
  static Thread awaitWaiting() {
    Supplier<Optional<Thread>> waiting =
        () ->
            Thread.getAllStackTraces().entrySet().stream()
                .filter(each -> each.getKey().getName().equals(USER))
                .filter(each -> WAITING.contains(each.getKey().getState()))
                .filter(
                    each ->
                        Stream.of(each.getValue())
                            .anyMatch(at -> at.getClassName().startsWith("io.fulmar.tunnel.")))
                .map(Map.Entry::getKey)
                .findFirst();
    Eventually.is(true, "somebody waits", () -> waiting.get().isPresent());
    return waiting.get().orElseThrow();
  }
}
