package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.tunnel.TunnelServer;
import io.fulmar.verify.fixture.EchoServer;
import io.fulmar.verify.fixture.OpenSshClient;
import java.io.IOException;
import java.io.InputStream;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The accepting end of reverse tunnels, as the client of OpenSSH sees it: a server that lets in one
 * key, with one port, and a database that echoes. The first test shows that the key gets what it
 * may have, so that the refusals mean something.
 */
@Timeout(120)
class TunnelServerTest {
  private static final int SOON_MILLIS = 10_000;

  @TempDir Path directory;

  /** Some of the SSH servers of other tests end a minute later. */
  private final Set<Thread> before = Thread.getAllStackTraces().keySet();

  private final int port = FreePort.choose();
  private SshKeyFile key;
  private EchoServer database;

  @BeforeEach
  void makeKeyAndDatabase() {
    key = SshKeyFile.create(directory);
    database = EchoServer.start();
  }

  @AfterEach
  void closeDatabase() throws Exception {
    database.close();
    await(() -> ownThreads().isEmpty());
  }

  private TunnelServer.Builder builder() {
    return TunnelServer.builder(directory.resolve("host_key"))
        .port(0)
        .accept("plant", key.publicLine() + " somebody@somewhere", port);
  }

  private OpenSshClient client(TunnelServer server) {
    return client(server, "plant", key);
  }

  private OpenSshClient client(TunnelServer server, String user, SshKeyFile with) {
    return OpenSshClient.of(
        directory, "127.0.0.1", server.port(), user, server.knownHostsLine("127.0.0.1"), with);
  }

  /** What the client is to forward. */
  private String back() {
    return port + ":127.0.0.1:" + database.port();
  }

  @Test
  void keyHasItsPortOpenedOnLoopbackUntilItsClientIsGone() throws Exception {
    Instant before = Instant.now();
    try (TunnelServer server = builder().start()) {
      assertThat(server.openPorts()).isEmpty();
      try (OpenSshClient.Running ssh = client(server).start("-R", back()).awaitReverse()) {
        assertThat(ssh.output())
            .contains("Server host key: ssh-ed25519 " + server.fingerprint())
            .contains("resetting send seqnr");
        try (Socket socket = connect(port)) {
          assertThat(echoed(socket, "hello")).isEqualTo("hello");
          assertThat(server.openPorts())
              .singleElement()
              .satisfies(
                  open -> {
                    assertThat(open.user()).isEqualTo("plant");
                    assertThat(open.port()).isEqualTo(port);
                    assertThat(open.connections()).isEqualTo(1);
                    assertThat(open.since()).isBetween(before, Instant.now());
                    assertThat(open.client().getAddress().getHostAddress()).isEqualTo("127.0.0.1");
                  });
        }
        for (InetAddress other : otherAddresses()) {
          assertThatThrownBy(() -> new Socket(other, port).close())
              .as("%s", other)
              .isInstanceOf(ConnectException.class);
        }
      }
      awaitClosed(port);
      assertThat(server.openPorts()).isEmpty();
    }
  }

  private static List<InetAddress> otherAddresses() throws IOException {
    List<InetAddress> found = new ArrayList<>();
    found.add(InetAddress.getByName("127.0.0.2"));
    NetworkInterface.networkInterfaces()
        .flatMap(NetworkInterface::inetAddresses)
        .filter(address -> !address.getHostAddress().equals("127.0.0.1"))
        .forEach(found::add);
    return found;
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "localhost:", "127.0.0.1:", "[::1]:"})
  @DisplayName("T-12: whatever a client calls the loopback address, the port is on 127.0.0.1")
  void loopbackHasSeveralNames(String name) throws Exception {
    try (TunnelServer server = builder().start();
        OpenSshClient.Running ssh = client(server).start("-R", name + back()).awaitReverse();
        Socket socket = connect(port)) {
      assertThat(echoed(socket, "hello")).isEqualTo("hello");
      assertThat(ssh.isRunning()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0:", "*:", "[::]:", "db.example:", "127.0.0.2:"})
  @DisplayName("T-12: a port is opened on no other address")
  void otherAddressesAreRefused(String name) throws IOException {
    try (TunnelServer server = builder().start()) {
      OpenSshClient.End end = client(server).run(List.of("-N", "-R", name + back()));
      assertThat(end.output())
          .contains("Fulmar: ports are opened on 127.0.0.1 alone; ask for localhost")
          .contains("remote port forwarding failed for listen port " + port);
      assertThatThrownBy(() -> connect(port)).isInstanceOf(ConnectException.class);
    }
  }

  @Test
  @DisplayName("T-12: no other port is opened, and none that somebody else has")
  void otherPortsAreRefused() throws IOException {
    int other = FreePort.choose();
    try (TunnelServer server = builder().start()) {
      for (int wanted : new int[] {other, 0}) {
        String forward = wanted + ":127.0.0.1:" + database.port();
        assertThat(client(server).run(List.of("-N", "-R", forward)).output())
            .contains("Fulmar: this key has port " + port + " alone")
            .containsIgnoringCase("remote port forwarding failed for listen port " + wanted);
      }
      try (ServerSocket taken = new ServerSocket()) {
        taken.bind(new InetSocketAddress("127.0.0.1", port));
        assertThat(client(server).run(List.of("-N", "-R", back())).output())
            .contains("Fulmar: port " + port + " of 127.0.0.1 cannot be opened: Address already");
      }
    }
  }

  /** Options, and what is to be run. */
  private record Wish(List<String> options, String... command) {}

  static Stream<Wish> wishes() {
    return Stream.of(
        new Wish(List.of()),
        new Wish(List.of("-tt")),
        new Wish(List.of("-A", "-X", "-tt")),
        new Wish(List.of(), "id"),
        new Wish(List.of("-s"), "sftp"));
  }

  @ParameterizedTest
  @MethodSource("wishes")
  void thereIsNoShellAndNoCommandAndNoSubsystem(Wish wish) throws IOException {
    try (TunnelServer server = builder().start()) {
      OpenSshClient.End end = client(server).run(wish.options(), wish.command());
      assertThat(end.exit()).isEqualTo(255);
      assertThat(end.output())
          .contains("Authenticated to 127.0.0.1")
          .contains("channel 0: open failed")
          .doesNotContain("uid=");
    }
  }

  @Test
  void clientReachesNothingButTheOpenPortOfItsOwn() throws Exception {
    int local = FreePort.choose();
    try (EchoServer other = EchoServer.start();
        TunnelServer server = builder().start()) {
      for (String target :
          List.of(
              "127.0.0.1:" + other.port(),
              "127.0.0.2:" + port,
              "localhost:22",
              "example.com:" + port,
              // Nobody has it open.
              "127.0.0.1:" + port)) {
        try (OpenSshClient.Running ssh =
            client(server).start("-L", local + ":" + target).awaitForward()) {
          try (Socket socket = connect(local)) {
            assertThat(socket.getInputStream().read()).as(target).isEqualTo(-1);
          }
          ssh.await("open failed: administratively prohibited");
        }
      }
      assertThat(other.accepted()).isZero();
      for (String target : List.of("127.0.0.1:" + port, "localhost:" + port)) {
        try (OpenSshClient.Running ssh =
                client(server).start("-L", local + ":" + target, "-R", back()).awaitReverse();
            Socket socket = connect(local)) {
          assertThat(echoed(socket, "through both")).as(target).isEqualTo("through both");
          assertThat(ssh.isRunning()).isTrue();
        }
        awaitClosed(port);
      }
    }
  }

  @Test
  @DisplayName("T-11: other keys, other users and other methods do not get in")
  void onlyTheKeyGetsInAndOnlyAsItsUser() throws IOException {
    try (TunnelServer server = builder().start()) {
      String denied = "Permission denied (publickey)";
      for (SshKeyFile.Kind kind : SshKeyFile.Kind.values()) {
        SshKeyFile other = SshKeyFile.create(directory, kind);
        assertThat(client(server, "plant", other).run(List.of("-N")).output()).contains(denied);
      }
      assertThat(client(server, "root", key).run(List.of("-N")).output()).contains(denied);
      OpenSshClient.End end =
          client(server)
              .run(
                  List.of(
                      "-N",
                      "-o",
                      "PreferredAuthentications=password,keyboard-interactive,none,hostbased"));
      assertThat(end.output())
          .contains("Authentications that can continue: publickey\r\n")
          .contains(denied);
    }
  }

  @Test
  void keysOfAllKindsThatAreLetInHavePortsOfTheirOwn() throws Exception {
    TunnelServer.Builder builder = builder();
    SshKeyFile ecdsa = SshKeyFile.create(directory, SshKeyFile.Kind.ECDSA);
    SshKeyFile rsa = SshKeyFile.create(directory, SshKeyFile.Kind.RSA);
    int second = FreePort.choose();
    int third = FreePort.choose();
    builder.accept("harbour", ecdsa.publicLine(), second).accept("plant", rsa.publicLine(), third);
    try (TunnelServer server = builder.start();
        OpenSshClient.Running first = client(server).start("-R", back()).awaitReverse();
        OpenSshClient.Running other =
            client(server, "harbour", ecdsa)
                .start("-R", second + ":127.0.0.1:" + database.port())
                .awaitReverse();
        OpenSshClient.Running last =
            client(server, "plant", rsa)
                .start("-R", third + ":127.0.0.1:" + database.port())
                .awaitReverse()) {
      assertThat(server.openPorts())
          .extracting(TunnelServer.OpenPort::port)
          .containsExactlyInAnyOrder(port, second, third);
      assertThat(client(server, "plant", rsa).run(List.of("-N", "-R", back())).output())
          .contains("Fulmar: this key has port " + third + " alone");
      assertThat(first.isRunning() && other.isRunning() && last.isRunning()).isTrue();
    }
  }

  @Test
  @DisplayName("T-13: algorithms that are out of date are not spoken")
  void oldAlgorithmsAreNotSpoken() throws IOException {
    SshKeyFile rsa = SshKeyFile.create(directory, SshKeyFile.Kind.RSA);
    int other = FreePort.choose();
    try (TunnelServer server = builder().accept("rsa", rsa.publicLine(), other).start()) {
      for (String option :
          List.of(
              "KexAlgorithms=diffie-hellman-group14-sha1,diffie-hellman-group1-sha1,"
                  + "diffie-hellman-group-exchange-sha256",
              "Ciphers=aes128-cbc,aes256-cbc,3des-cbc,chacha20-poly1305@openssh.com",
              "HostKeyAlgorithms=ssh-rsa,ssh-dss,rsa-sha2-256")) {
        assertThat(client(server).run(List.of("-N", "-o", option)).output())
            .as(option)
            .contains("Unable to negotiate");
      }
      assertThat(
              client(server)
                  .run(
                      List.of(
                          "-N",
                          "-o",
                          "Ciphers=aes128-ctr",
                          "-o",
                          "MACs=hmac-sha1,hmac-md5,hmac-sha1-etm@openssh.com,hmac-sha2-256"))
                  .output())
          .contains("no matching MAC found");
      assertThat(
              client(server, "rsa", rsa)
                  .run(List.of("-N", "-o", "PubkeyAcceptedAlgorithms=ssh-rsa"))
                  .output())
          .contains("Permission denied (publickey)");
    }
  }

  @Test
  @DisplayName("T-05: a client takes its port over from a connection of its own that hangs")
  void portIsTakenOverFromAStaleConnection() throws Exception {
    try (TunnelServer server = builder().start();
        OpenSshClient.Running stale = client(server).start("-R", back()).awaitReverse();
        Socket old = connect(port)) {
      assertThat(echoed(old, "old")).isEqualTo("old");
      stop(stale);
      Instant begin = Instant.now();
      try (OpenSshClient.Running fresh = client(server).start("-R", back()).awaitReverse()) {
        assertThat(Duration.between(begin, Instant.now())).isLessThan(Duration.ofSeconds(10));
        assertThatThrownBy(() -> echoed(old, "lost")).isInstanceOf(SocketException.class);
        try (Socket socket = connect(port)) {
          assertThat(echoed(socket, "new")).isEqualTo("new");
        }
        assertThat(server.openPorts()).hasSize(1);
        assertThat(fresh.isRunning()).isTrue();
      }
    }
  }

  @Test
  @DisplayName("T-03: a client that has fallen silent is cut within four times the keep-alive")
  void silentClientIsCut() throws Exception {
    try (TunnelServer server = builder().keepAlive(Duration.ofSeconds(1)).start();
        OpenSshClient.Running live = client(server).start("-R", back()).awaitReverse();
        Socket socket = connect(port)) {
      // Longer than it takes to be cut: this one answers.
      socket.setSoTimeout(5_000);
      assertThatThrownBy(() -> socket.getInputStream().read())
          .isInstanceOf(java.net.SocketTimeoutException.class);
      assertThat(echoed(socket, "alive")).isEqualTo("alive");

      stop(live);
      Instant begin = Instant.now();
      socket.setSoTimeout(SOON_MILLIS);
      assertThatThrownBy(() -> socket.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
      awaitClosed(port);
      assertThat(Duration.between(begin, Instant.now())).isLessThan(Duration.ofSeconds(10));
      assertThat(server.openPorts()).isEmpty();
    }
  }

  @Test
  @DisplayName("T-06: each side may end its direction first")
  void connectionIsEndedInHalves() throws Exception {
    try (TunnelServer server = builder().start();
        OpenSshClient.Running ssh = client(server).start("-R", back()).awaitReverse()) {
      try (Socket socket = connect(port)) {
        socket.getOutputStream().write("all of it".getBytes(StandardCharsets.US_ASCII));
        socket.shutdownOutput();
        assertThat(socket.getInputStream().readAllBytes()).asString().isEqualTo("all of it");
      }
      try (Socket socket = connect(port)) {
        assertThat(echoed(socket, "x")).isEqualTo("x");
        database.close();
        assertThat(ended(socket)).isTrue();
      }
      // Nobody listens behind the port any more.
      assertThat(turnsAway(port)).isTrue();
      awaitConnections(server, 0);
      assertThat(ssh.isRunning()).isTrue();
    }
  }

  @Test
  @DisplayName("T-06: a connection that is reset ends the one behind the port")
  void resetEndsTheOtherSide() throws Exception {
    try (TunnelServer server = builder().start();
        OpenSshClient.Running ssh = client(server).start("-R", back()).awaitReverse()) {
      Socket socket = connect(port);
      assertThat(echoed(socket, "x")).isEqualTo("x");
      assertThat(database.connections()).isEqualTo(1);
      socket.setSoLinger(true, 0);
      socket.close();
      awaitConnections(server, 0);
      await(() -> database.connections() == 0);
      assertThat(ssh.isRunning()).isTrue();
    }
  }

  @Test
  @DisplayName("T-14: data survives key exchanges, both ways on several connections at once")
  void dataIsIntact() throws Exception {
    long seed = System.nanoTime();
    ExecutorService threads = Executors.newCachedThreadPool();
    try (TunnelServer server = builder().start();
        OpenSshClient.Running ssh =
            client(server).start("-o", "RekeyLimit=1M", "-R", back()).awaitReverse()) {
      List<Future<Boolean>> answers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        byte[] data = new byte[2 << 20];
        new Random(seed + i).nextBytes(data);
        answers.add(threads.submit(echoes(threads, data)));
      }
      for (Future<Boolean> answer : answers) {
        assertThat(answer.get(60, TimeUnit.SECONDS)).as("seed %s", seed).isTrue();
      }
      assertThat(ssh.output().split("SSH2_MSG_NEWKEYS received", -1)).hasSizeGreaterThan(5);
    } finally {
      threads.shutdownNow();
    }
  }

  private Callable<Boolean> echoes(ExecutorService threads, byte[] data) {
    return () -> {
      try (Socket socket = connect(port)) {
        Future<?> sending =
            threads.submit(
                () -> {
                  socket.getOutputStream().write(data);
                  socket.shutdownOutput();
                  return null;
                });
        byte[] answer = socket.getInputStream().readAllBytes();
        sending.get();
        return Arrays.equals(data, answer);
      }
    };
  }

  @Test
  @DisplayName("T-10: connections over the limit are reset, and the others go on")
  void connectionsAreBounded() throws Exception {
    try (TunnelServer server = builder().maxConnections(2).start();
        OpenSshClient.Running ssh = client(server).start("-R", back()).awaitReverse();
        Socket first = connect(port)) {
      Socket second = connect(port);
      assertThat(echoed(first, "1")).isEqualTo("1");
      assertThat(echoed(second, "2")).isEqualTo("2");
      assertThat(turnsAway(port)).isTrue();
      assertThat(echoed(first, "1")).isEqualTo("1");
      second.close();
      awaitConnections(server, 1);
      try (Socket third = connect(port)) {
        assertThat(echoed(third, "3")).isEqualTo("3");
      }
      assertThat(ssh.isRunning()).isTrue();
    }
  }

  @Test
  void connectionsThatProveNothingKeepNobodyOut() throws Exception {
    List<Socket> idle = new ArrayList<>();
    try (TunnelServer server = builder().maxSessions(3).start();
        OpenSshClient.Running ssh = client(server).start("-R", back()).awaitReverse()) {
      for (int i = 0; i < 10; i++) {
        idle.add(connect(server.port()));
      }
      SshKeyFile same = key;
      try (OpenSshClient.Running second = client(server, "plant", same).start().awaitForward()) {
        assertThat(second.isRunning()).isTrue();
      }
      try (Socket socket = connect(port)) {
        assertThat(echoed(socket, "x")).isEqualTo("x");
      }
      assertThat(ssh.isRunning()).isTrue();
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  @Test
  @Tag("soak")
  void connectionsHaveFifteenSecondsToProveSomething() throws Exception {
    try (TunnelServer server = builder().start();
        Socket idle = connect(server.port())) {
      Instant begin = Instant.now();
      idle.setSoTimeout(25_000);
      drain(idle);
      assertThat(Duration.between(begin, Instant.now()))
          .isBetween(Duration.ofSeconds(14), Duration.ofSeconds(20));
    }
  }

  @Test
  @DisplayName("T-07: closing it in the midst of traffic leaves no thread, port or connection")
  void closeLeavesNothing() throws Exception {
    TunnelServer server = builder().start();
    int listening = server.port();
    try (OpenSshClient.Running ssh = client(server).start("-R", back()).awaitReverse();
        Socket unproven = connect(listening);
        Socket socket = connect(port)) {
      assertThat(echoed(socket, "x")).isEqualTo("x");
      Instant begin = Instant.now();
      server.close();
      server.close();
      assertThat(Duration.between(begin, Instant.now())).isLessThan(Duration.ofSeconds(10));
      assertThat(ended(socket)).isTrue();
      drain(unproven);
      assertThat(ssh.awaitEnd(Duration.ofSeconds(10))).isTrue();
      await(() -> ownThreads().isEmpty());
      assertThatThrownBy(() -> connect(port)).isInstanceOf(ConnectException.class);
      assertThatThrownBy(() -> connect(listening)).isInstanceOf(ConnectException.class);
    }
  }

  @Test
  @DisplayName("T-07: after 100 times of opening and closing there is no more than before")
  void hundredCyclesLeaveNothing() throws Exception {
    TunnelServer.Builder builder = builder().port(FreePort.choose());
    long files = 0;
    for (int i = 0; i < 100; i++) {
      try (TunnelServer server = builder.start()) {
        if (i % 10 == 0) {
          try (OpenSshClient.Running ssh = client(server).start("-R", back()).awaitReverse();
              Socket socket = connect(port)) {
            assertThat(echoed(socket, "x")).isEqualTo("x");
            assertThat(ssh.isRunning()).isTrue();
          }
        }
      }
      if (i == 10) {
        files = openFiles();
      }
    }
    await(() -> ownThreads().isEmpty());
    assertThat(openFiles()).isLessThanOrEqualTo(files + 5);
  }

  @Test
  void hostKeyIsMadeOnceAndReadableByItsOwnerAlone() throws IOException {
    Path file = directory.resolve("host_key");
    String fingerprint;
    try (TunnelServer server = builder().start()) {
      fingerprint = server.fingerprint();
      assertThat(server.knownHostsLine("t.example"))
          .startsWith("[t.example]:" + server.port() + " ssh-ed25519 AAAA");
    }
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    try (TunnelServer server = builder().start()) {
      assertThat(server.fingerprint()).isEqualTo(fingerprint);
    }
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    assertThatThrownBy(() -> builder().start())
        .isInstanceOf(IOException.class)
        .hasMessage(
            "Cannot use the host key in %s: others than its owner may use it. Run chmod 600 on it."
                .formatted(file));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Files.writeString(file, "nonsense");
    assertThatThrownBy(() -> builder().start())
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("Cannot use the host key in %s: it ".formatted(file));
    assertThatThrownBy(
            () ->
                TunnelServer.builder(directory.resolve("none/key"))
                    .accept("plant", key.publicLine(), port)
                    .start())
        .isInstanceOf(IOException.class)
        .hasMessage(
            "Cannot use the host key in %s: its directory does not exist."
                .formatted(directory.resolve("none/key")));
  }

  @Test
  void portThatIsTakenIsToldOfWithTheRemedy() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      assertThatThrownBy(() -> builder().port(taken.getLocalPort()).start())
          .isInstanceOf(IOException.class)
          .hasCauseInstanceOf(BindException.class)
          .hasMessage(
              "Cannot listen on 127.0.0.1:%s: Address already in use. Choose another address or"
                      .formatted(taken.getLocalPort())
                  + " port, or end what listens there.");
    }
  }

  private static Socket connect(int port) throws IOException {
    Socket socket = new Socket();
    try {
      socket.connect(new InetSocketAddress("127.0.0.1", port), SOON_MILLIS);
      socket.setSoTimeout(SOON_MILLIS);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private static String echoed(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    byte[] answer = socket.getInputStream().readNBytes(text.length());
    if (answer.length < text.length()) {
      throw new SocketException("the connection ended");
    }
    return new String(answer, StandardCharsets.US_ASCII);
  }

  /** Whether a connection is taken and ended at once. */
  private static boolean turnsAway(int port) throws IOException {
    try (Socket socket = connect(port)) {
      return ended(socket);
    } catch (ConnectException e) {
      return false;
    } catch (SocketException e) {
      return true;
    }
  }

  /** Whether the other side has ended the connection, properly or not. */
  private static boolean ended(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read() < 0;
    } catch (SocketException e) {
      return true;
    }
  }

  /** Reads until the other side ends the connection. */
  private static void drain(Socket socket) throws IOException {
    try (InputStream in = socket.getInputStream()) {
      in.readAllBytes();
    } catch (SocketException e) {
      // Reset, which is an end too.
      return;
    }
  }

  /** A process that is stopped answers nothing, and its connections stand. */
  private static void stop(OpenSshClient.Running ssh) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-STOP", Long.toString(ssh.process().pid())).start();
    assertThat(kill.waitFor()).isZero();
  }

  private static void awaitConnections(TunnelServer server, int count) throws Exception {
    await(() -> server.openPorts().get(0).connections() == count);
  }

  private static void awaitClosed(int port) throws Exception {
    await(
        () -> {
          try (Socket socket = connect(port)) {
            return !socket.isConnected();
          } catch (ConnectException e) {
            return true;
          } catch (SocketException e) {
            // Closed in the midst of connecting.
            return false;
          }
        });
  }

  private static void await(Callable<Boolean> condition) throws Exception {
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(SOON_MILLIS);
    Object monitor = new Object();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(until);
      synchronized (monitor) {
        monitor.wait(20);
      }
    }
  }

  private List<String> ownThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.isAlive() && !before.contains(thread))
        .map(Thread::getName)
        .filter(
            name ->
                name.startsWith("fulmar-tunnel-server")
                    // One of the library for all servers and clients, which ends after a minute.
                    || (name.contains("sshd") && !name.contains("kex-flusher")))
        .toList();
  }

  private static long openFiles() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }
}
