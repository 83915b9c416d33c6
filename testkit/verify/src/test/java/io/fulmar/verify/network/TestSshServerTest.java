package io.fulmar.verify.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.ssh.TestSshServer;
import io.fulmar.verify.fixture.EchoServer;
import io.fulmar.verify.fixture.Eventually;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.util.net.SshdSocketAddress;
import org.apache.sshd.common.util.security.SecurityUtils;
import org.apache.sshd.server.forward.AcceptAllForwardingFilter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The SSH server that users test their tunnels with, as another client sees it. */
class TestSshServerTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private EchoServer echo;
  private SshClient client;

  @BeforeEach
  void start() {
    echo = EchoServer.start();
    client = SshClient.setUpDefaultClient();
    client.setForwardingFilter(AcceptAllForwardingFilter.INSTANCE);
    client.start();
  }

  @AfterEach
  void stop() {
    client.stop();
    echo.close();
  }

  private ClientSession connect(TestSshServer server) throws IOException {
    client.setServerKeyVerifier(
        (session, address, key) -> KeyUtils.getFingerPrint(key).equals(server.fingerprint()));
    return client.connect(server.user(), server.host(), server.port()).verify(SOON).getSession();
  }

  private ClientSession logIn(TestSshServer server) throws Exception {
    ClientSession session = connect(server);
    SecurityUtils.loadKeyPairIdentities(
            session,
            null,
            new ByteArrayInputStream(server.privateKey().getBytes(StandardCharsets.US_ASCII)),
            null)
        .forEach(session::addPublicKeyIdentity);
    session.auth().verify(SOON);
    return session;
  }

  private int forward(ClientSession session) throws IOException {
    return session
        .startLocalPortForwarding(
            new SshdSocketAddress("127.0.0.1", 0), new SshdSocketAddress("127.0.0.1", echo.port()))
        .getPort();
  }

  private static Socket open(int port) throws IOException {
    Socket socket = new Socket();
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    socket.setSoTimeout((int) SOON.toMillis());
    return socket;
  }

  /**
   * What comes back of one byte; -1 if the connection ends instead. One that is closed before the
   * byte was read is reset.
   */
  private static int echoed(Socket socket) throws IOException {
    try {
      socket.getOutputStream().write('x');
      return socket.getInputStream().read();
    } catch (SocketException e) {
      return -1;
    }
  }

  @Test
  void userForwardsWithTheKeyAndKnowsTheServer() throws Exception {
    try (TestSshServer server = TestSshServer.start();
        ClientSession session = logIn(server);
        Socket socket = open(forward(session))) {
      assertThat(echoed(socket)).isEqualTo('x');
      assertThat(server.connections()).isEqualTo(1);
      String[] line = server.knownHostsLine().split(" ", 2);
      assertThat(line[0]).isEqualTo("[127.0.0.1]:" + server.port());
      assertThat(
              KeyUtils.getFingerPrint(
                  PublicKeyEntry.parsePublicKeyEntry(line[1]).resolvePublicKey(null, null, null)))
          .isEqualTo(server.fingerprint())
          .startsWith("SHA256:");
    }
  }

  @Test
  void passwordIsTakenWhereThereIsOne() throws Exception {
    try (TestSshServer server = TestSshServer.builder().password("right").start()) {
      try (ClientSession session = connect(server)) {
        session.addPasswordIdentity("right");
        assertThat(session.auth().verify(SOON).isSuccess()).isTrue();
      }
      try (ClientSession session = connect(server)) {
        session.addPasswordIdentity("wrong");
        assertThatThrownBy(() -> session.auth().verify(SOON)).isInstanceOf(SshException.class);
      }
    }
    try (TestSshServer server = TestSshServer.start();
        ClientSession session = connect(server)) {
      session.addPasswordIdentity("right");
      assertThatThrownBy(() -> session.auth().verify(SOON)).isInstanceOf(SshException.class);
    }
  }

  @Test
  void keysAreLetInUntilNobodyIs() throws Exception {
    try (TestSshServer server = TestSshServer.start()) {
      server.authoriseNobody();
      assertThatThrownBy(() -> logIn(server)).isInstanceOf(SshException.class);
      assertThatThrownBy(() -> server.authorise("no key"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("not a line of authorized_keys");
    }
  }

  @Test
  void onlyWhatIsPermittedIsForwarded() throws Exception {
    int back = FreePort.choose();
    try (TestSshServer server =
            TestSshServer.builder()
                .permitOpen("127.0.0.1:1")
                .permitListen(Integer.toString(back))
                .start();
        ClientSession session = logIn(server)) {
      try (Socket socket = open(forward(session))) {
        assertThat(echoed(socket)).isEqualTo(-1);
      }
      assertThat(echo.accepted()).isZero();
      SshdSocketAddress target = new SshdSocketAddress("127.0.0.1", echo.port());
      session.startRemotePortForwarding(new SshdSocketAddress("127.0.0.1", back), target);
      try (Socket socket = open(back)) {
        assertThat(echoed(socket)).isEqualTo('x');
      }
      int other = FreePort.choose();
      assertThatThrownBy(
              () ->
                  session.startRemotePortForwarding(
                      new SshdSocketAddress("127.0.0.1", other), target))
          .isInstanceOf(SshException.class);
    }
  }

  @Test
  void connectionsAreCutWhileItListensOn() throws Exception {
    try (TestSshServer server = TestSshServer.start();
        ClientSession session = logIn(server)) {
      assertThat(server.cut()).isEqualTo(1);
      Eventually.is(false, "the session is open", session::isOpen);
      Eventually.is(0, "connections", server::connections);
      try (ClientSession again = logIn(server);
          Socket socket = open(forward(again))) {
        assertThat(echoed(socket)).isEqualTo('x');
      }
    }
  }

  @Test
  void silenceAnswersNothingAndTakesConnections() throws Exception {
    try (TestSshServer server = TestSshServer.start();
        ClientSession session = logIn(server);
        Socket socket = open(forward(session))) {
      assertThat(echoed(socket)).isEqualTo('x');
      server.silence();
      socket.setSoTimeout(300);
      assertThatThrownBy(() -> echoed(socket)).isInstanceOf(SocketTimeoutException.class);
      try (Socket fresh = open(server.port())) {
        fresh.setSoTimeout(300);
        assertThatThrownBy(() -> fresh.getInputStream().read())
            .isInstanceOf(SocketTimeoutException.class);
      }
      server.heal();
      try (ClientSession again = logIn(server);
          Socket other = open(forward(again))) {
        assertThat(echoed(other)).isEqualTo('x');
      }
    }
  }

  @Test
  void stoppedServerComesBackOnItsPortWithItsKeys() throws Exception {
    try (TestSshServer server = TestSshServer.start()) {
      String fingerprint = server.fingerprint();
      int port = server.port();
      try (ClientSession session = logIn(server)) {
        server.stop();
        Eventually.is(false, "the session is open", session::isOpen);
        assertThat(server.connections()).isZero();
        assertThatThrownBy(() -> open(port).close()).isInstanceOf(ConnectException.class);
      }
      server.restart();
      assertThat(server.port()).isEqualTo(port);
      assertThat(server.fingerprint()).isEqualTo(fingerprint);
      try (ClientSession session = logIn(server);
          Socket socket = open(forward(session))) {
        assertThat(echoed(socket)).isEqualTo('x');
      }
    }
  }
}
