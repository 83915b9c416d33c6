package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.internal.postgres.ServerProcess;
import io.fulmar.testkit.internal.ssh.SshSettings;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.OpenReverseTunnel;
import io.fulmar.tunnel.ReverseTunnel;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.TunnelEvent;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.tunnel.UserKey;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SharedServer;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tunnels that are opened from inside: ports that are not to be had, that stay, that are free
 * again, and what comes through them. Behind most is a server that sends back what it gets.
 */
@BothSshServers
class ReverseTunnelTest extends ChannelFixture {
  private static final Duration OFTEN = Duration.ofSeconds(1);
  private static final String NO_PORT =
      "Either the port is taken, by an earlier connection of this tunnel that the server has not"
          + " yet given up perhaps (ClientAliveInterval), then it becomes free by itself; or"
          + " permitlisten in authorized_keys names another port or address; or"
          + " AllowTcpForwarding (no, local) or PermitListen in sshd_config forbids it; or it is"
          + " below 1024.";

  private final int port = FreePort.choose();

  /** To the server of the test by way of a port of this machine, for the echo. */
  private ReverseTunnel.Builder reverse(int sshPort) {
    return SshTunnel.reverse(server.host())
        .port(sshPort)
        .user(server.user())
        .key(UserKey.file(key.file()))
        .hostKeys(HostKeys.fingerprint(server.fingerprint()))
        .listener(events::add)
        .probeEvery(Duration.ZERO)
        .listen(port)
        .to("127.0.0.1", echo.port());
  }

  private ReverseTunnel.Builder reverse() {
    return reverse(server.port());
  }

  private static Socket connect(int port) throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    socket.setSoTimeout(SOON_MILLIS);
    return socket;
  }

  private void assertCarries(int through) throws IOException {
    try (Socket socket = connect(through)) {
      assertEchoes(socket);
    }
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress("127.0.0.1", port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void awaitUp(OpenReverseTunnel tunnel) {
    Eventually.is(TunnelState.UP, "state", () -> tunnel.status().state());
  }

  private void assertRefusesToListen(OpenReverseTunnel tunnel) {
    TunnelException refused =
        catchThrowableOfType(TunnelException.class, () -> tunnel.awaitUp(SOON));
    assertThat(refused.kind()).isEqualTo(Kind.FORWARDING_REFUSED);
    assertThat(refused)
        .hasMessage(
            "Cannot connect to %s:%s: the SSH server refuses to listen on 127.0.0.1:%s, and SSH"
                + " gives no reason. %s",
            server.host(), server.port(), port, NO_PORT);
    assertThat(tunnel.status().state()).isEqualTo(TunnelState.CONNECTING);
    assertThat(tunnel.status().failure().fact()).isEqualTo(refused.fact());
  }

  /** It tries again and again, and tells each time. */
  private void assertTriesAgain() throws InterruptedException {
    for (int i = 0; i < 2; i++) {
      TunnelEvent event = nextEvent();
      assertThat(event.state()).isEqualTo(TunnelState.CONNECTING);
      assertThat(event.cause().kind()).isEqualTo(Kind.FORWARDING_REFUSED);
    }
  }

  @Test
  @DisplayName("T-05: a port that somebody else has, until it is free")
  void portIsTaken() throws Exception {
    // On all addresses: OpenSSH is content with one of 127.0.0.1 and ::1.
    ServerSocket taken = new ServerSocket(port);
    try (OpenReverseTunnel tunnel = reverse().build().open()) {
      assertRefusesToListen(tunnel);
      assertTriesAgain();
      taken.close();
      awaitUp(tunnel);
      assertCarries(port);
      assertThat(tunnel.port()).isEqualTo(port);
      assertThat(tunnel.status().failure()).isNull();
    } finally {
      taken.close();
    }
  }

  @Test
  @DisplayName(
      "T-05: a port of localhost of which OpenSSH has ::1 alone, until 127.0.0.1 is free too")
  void portIsHalfTaken() throws Exception {
    assumeTrue(kind == SshServerUnderTest.OPENSSH, "the other listens on 127.0.0.1 alone");
    TestDatabase database = SharedServer.own().createDatabase();
    ServerSocket taken = new ServerSocket(port, 50, InetAddress.getByName("127.0.0.1"));
    var closing =
        begin(
            () -> {
              while (!taken.isClosed()) {
                taken.accept().close();
              }
            });
    try (OpenReverseTunnel tunnel =
        reverse()
            .bindAddress("localhost")
            .probeEvery(OFTEN)
            .to(database.host(), database.port())
            .build()
            .open()) {
      tunnel.awaitUp(SOON);
      Eventually.is(TunnelState.DEGRADED, "state", () -> tunnel.status().state());
      assertThat(tunnel.status().failure())
          .hasMessage(
              "Cannot probe 127.0.0.1:%s: 127.0.0.1:%s ended the connection without an answer."
                  + " Look at host and port, and whether the server is up.",
              port, port);
      taken.close();
      assertThat(end(closing)).isInstanceOf(SocketException.class);
      Eventually.is(true, "SSH connections", () -> tunnel.status().sshConnections() > 1);
      awaitUp(tunnel);
      TestDatabase through = new TestDatabase("127.0.0.1", port, database.name(), database.user());
      assertThat(Queries.first(through, "select 1")).isEqualTo("1");
    } finally {
      taken.close();
    }
    database.drop();
  }

  @Test
  @DisplayName("T-05: a port that a session still has whose client is gone, until it is given up")
  void portIsHeldByAStaleSession() throws Exception {
    boolean openSsh = kind == SshServerUnderTest.OPENSSH;
    if (openSsh) {
      restartWith(
          SshSettings.builder()
              .line("ClientAliveInterval 2")
              .line("ClientAliveCountMax 3")
              .build());
    }
    try (FaultProxy proxy = FaultProxy.before(server.host(), server.port())) {
      OpenReverseTunnel stale = reverse(proxy.port()).build().open();
      try {
        stale.awaitUp(SOON);
        assertCarries(port);
        assertThat(proxy.silenceOpen()).isEqualTo(1);
        events.clear();
        try (OpenReverseTunnel tunnel = reverse().build().open()) {
          assertRefusesToListen(tunnel);
          assertTriesAgain();
          if (!openSsh) {
            // Which waits ten minutes.
            proxy.resetAll();
          }
          stale.close();
          awaitUp(tunnel);
          assertCarries(port);
        }
      } finally {
        stale.close();
      }
    }
  }

  @Test
  @DisplayName("T-05: a port that the SSH server chose stays the same")
  void portThatWasChosenStays() throws Exception {
    try (OpenReverseTunnel tunnel = reverse().listen(0).build().open()) {
      assertThat(tunnel.port()).isZero();
      tunnel.awaitUp(SOON);
      int chosen = tunnel.port();
      assertThat(chosen).isPositive();
      for (int i = 2; i < 4; i++) {
        assertThat(server.dropConnections()).isEqualTo(1);
        Eventually.is(i, "SSH connections", () -> tunnel.status().sshConnections());
        awaitUp(tunnel);
        assertThat(tunnel.port()).isEqualTo(chosen);
        assertCarries(chosen);
      }
    }
  }

  @Test
  @DisplayName("T-12: a key that may listen on another port")
  void keyMayListenOnAnotherPort() {
    server.authoriseNobody();
    server.authorise(
        key.publicLine(),
        "restrict",
        "port-forwarding",
        "permitlisten=\"127.0.0.1:" + (port == 10_000 ? 10_001 : port - 1) + "\"");
    try (OpenReverseTunnel tunnel = reverse().build().open()) {
      assertRefusesToListen(tunnel);
      assertThat(isFree(port)).isTrue();
    }
  }

  @Test
  @DisplayName("T-12: an SSH server that forwards the other way alone")
  void serverForwardsTheOtherWayAlone() {
    restartWith(SshSettings.builder().tcpForwarding(SshSettings.Forwarding.LOCAL).build());
    try (OpenReverseTunnel tunnel = reverse().build().open()) {
      assertRefusesToListen(tunnel);
      assertThat(isFree(port)).isTrue();
    }
  }

  /** On which addresses anybody listens on a port, as the kernel writes them (proc(5)). */
  private static Set<String> addresses(int port) {
    Set<String> found = new TreeSet<>();
    for (String table : List.of("tcp", "tcp6")) {
      try (Stream<String> lines = Files.lines(Path.of("/proc/net", table))) {
        lines
            .skip(1)
            .map(line -> line.strip().split("\\s+"))
            .filter(fields -> fields[3].equals("0A"))
            .filter(fields -> fields[1].endsWith(":%04X".formatted(port)))
            .forEach(fields -> found.add(fields[1].substring(0, fields[1].indexOf(':'))));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return found;
  }

  @Test
  @DisplayName("T-12: where clients choose the address, it is the loopback one unless asked")
  void portIsOnLoopback() throws Exception {
    restartWith(
        SshSettings.builder().gatewayPorts(SshSettings.GatewayPorts.CLIENTSPECIFIED).build());
    try (OpenReverseTunnel tunnel = reverse().build().open()) {
      tunnel.awaitUp(SOON);
      assertThat(addresses(port))
          .isNotEmpty()
          .isSubsetOf(
              "0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F");
    }
    assumeTrue(kind == SshServerUnderTest.OPENSSH, "of the other the test chooses the address");
    Eventually.is(true, "the port is free", () -> isFree(port));
    try (OpenReverseTunnel tunnel = reverse().bindAddress("0.0.0.0").build().open()) {
      tunnel.awaitUp(SOON);
      assertThat(addresses(port)).as("on demand").containsExactly("00000000");
    }
  }

  @Test
  @DisplayName("T-01: a database that ends and starts")
  void databaseEndsAndStarts() throws Exception {
    TestDatabase shared = SharedServer.own().createDatabase();
    try (ServerProcess postgres = ServerProcess.create(shared, Map.of());
        OpenReverseTunnel tunnel =
            reverse()
                .probeEvery(OFTEN)
                .to("127.0.0.1", postgres.database().port())
                .build()
                .open()) {
      tunnel.awaitUp(SOON);
      TestDatabase through =
          new TestDatabase(
              "127.0.0.1", port, postgres.database().name(), postgres.database().user());
      assertThat(Queries.first(through, "select 1")).isEqualTo("1");
      assertThat(nextEvent().state()).isEqualTo(TunnelState.UP);

      postgres.stop(ServerProcess.Stop.FAST);

      TunnelEvent down = nextEvent();
      assertThat(down.state()).isEqualTo(TunnelState.DEGRADED);
      assertThat(down.cause().kind()).isEqualTo(Kind.TARGET_UNREACHABLE);
      try (Socket refused = connect(port)) {
        assertEnded(refused);
      }
      String target = "127.0.0.1:" + postgres.database().port();
      Eventually.is(
          "%s cannot be reached (Connection refused)".formatted(target),
          "what is said",
          () -> tunnel.status().failure().fact().replace(" from here", ""));
      assertThat(tunnel.status().failure().remedy())
          .isEqualTo("Look whether the server runs and listens there.");
      assertThat(tunnel.status().refusals()).isPositive();

      postgres.start();

      awaitUp(tunnel);
      assertThat(Queries.first(through, "select 1")).isEqualTo("1");
      assertThat(tunnel.status().sshConnections()).as("the tunnel stood").isEqualTo(1);
      assertThat(tunnel.status().failure()).isNull();
    }
    shared.drop();
  }

  @Test
  void probeGoesThroughTheSshServerIfItMayAndElseToTheDatabase() throws Exception {
    TestDatabase database = SharedServer.own().createDatabase();
    ReverseTunnel tunnel = reverse().to(database.host(), database.port()).build();
    try (OpenReverseTunnel open = tunnel.open()) {
      open.awaitUp(SOON);
      open.probe();
      assertThat(open.status().connections()).as("to the server and back").isEqualTo(2);
      Eventually.is(0, "open connections", () -> open.status().openConnections());
    }
    server.authoriseNobody();
    server.authorise(key.publicLine(), "restrict", "port-forwarding", "permitopen=\"127.0.0.1:1\"");
    Eventually.is(true, "the port is free", () -> isFree(port));
    try (OpenReverseTunnel open = tunnel.open()) {
      open.awaitUp(SOON);
      for (int i = 0; i < 2; i++) {
        open.probe();
      }
      assertThat(open.status().connections()).as("none through the server").isZero();
      assertThat(open.status().state()).isEqualTo(TunnelState.UP);
    }
    database.drop();
  }

  private static void assertEnded(Socket socket) throws IOException {
    try {
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
    } catch (SocketException e) {
      assertThat(e).hasMessageContaining("reset");
    }
  }

  @Test
  @DisplayName("T-06: each side may end its direction first")
  void endsArePassedOn() throws Exception {
    byte[] sent = "half".repeat(10_000).getBytes(StandardCharsets.US_ASCII);
    try (OpenReverseTunnel tunnel = reverse().build().open()) {
      tunnel.awaitUp(SOON);
      if (kind == SshServerUnderTest.OPENSSH) {
        // The other server ends both directions with the first.
        try (Socket client = connect(port)) {
          client.getOutputStream().write(sent);
          client.shutdownOutput();
          assertThat(client.getInputStream().readAllBytes()).isEqualTo(sent);
        }
      }
      Eventually.is(0, "open connections", () -> tunnel.status().openConnections());
      try (Socket client = connect(port)) {
        assertEchoes(client);
        echo.close();
        assertEnded(client);
      }
      Eventually.is(0, "open connections", () -> tunnel.status().openConnections());
    }
  }

  @Test
  @DisplayName("T-10: more connections than may be are refused, and there is room again")
  void mostConnections() throws Exception {
    try (OpenReverseTunnel tunnel = reverse().maxConnections(2).build().open()) {
      tunnel.awaitUp(SOON);
      try (Socket first = connect(port);
          Socket second = connect(port)) {
        assertEchoes(first);
        assertEchoes(second);
        try (Socket third = connect(port)) {
          assertEnded(third);
        }
        assertThat(tunnel.status().refusals()).isEqualTo(1);
        assertThat(tunnel.status().openConnections()).isEqualTo(2);
        assertEchoes(first);
        assertEchoes(second);
        assertThat(tunnel.status().sshConnections()).as("the tunnel stood").isEqualTo(1);
      }
      Eventually.is(0, "open connections", () -> tunnel.status().openConnections());
      assertCarries(port);
    }
  }

  @Test
  @DisplayName("T-07: close frees the port at once, and leaves no thread")
  void closeFreesThePort() throws Exception {
    OpenReverseTunnel tunnel = reverse().build().open();
    tunnel.awaitUp(SOON);
    try (Socket idle = connect(port)) {
      assertEchoes(idle);
      long began = System.nanoTime();
      tunnel.close();
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(3));
      assertThat(threads()).isEmpty();
      assertEnded(idle);
    }
    Eventually.is(true, "the port is free", Duration.ofSeconds(2), () -> addresses(port).isEmpty());
    assertThat(tunnel.status().state()).isEqualTo(TunnelState.CLOSED);
    try (OpenReverseTunnel next = reverse().build().open()) {
      next.awaitUp(SOON);
      assertCarries(port);
    }
  }
}
