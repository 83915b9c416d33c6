package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.LocalPort;
import io.fulmar.tunnel.OpenTunnel;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * How one connection through a tunnel ends: both ends are in the hands of the test. In each case
 * both see it, and nothing of the connection is left in the tunnel.
 */
@BothSshServers
@DisplayName("T-06: ends of a connection are passed on")
class EndsTest extends ChannelFixture {
  /** How the client gets into the tunnel. */
  enum Way {
    SOCKET,
    LOCAL_PORT
  }

  private ForwardTunnel tunnel;
  private OpenTunnel open;
  private Dialer dialer;
  private ServerSocket behind;
  private Socket client;
  private Socket target;
  private final List<Socket> sockets = new ArrayList<>();

  @BeforeEach
  void openTunnel() throws IOException {
    tunnel = forward().build();
    open = tunnel.open();
    dialer = tunnel.dialer();
    behind = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    behind.setSoTimeout(SOON_MILLIS);
  }

  @AfterEach
  void closeTunnel() throws IOException {
    open.close();
    dialer.close();
    behind.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }

  private void connect(Way way) throws IOException {
    if (way == Way.SOCKET) {
      client = connect(dialer, behind.getLocalPort());
    } else {
      LocalPort port = open.listen(0, "127.0.0.1", behind.getLocalPort(), 10);
      client = new Socket("127.0.0.1", port.port());
      client.setSoTimeout(SOON_MILLIS);
    }
    sockets.add(client);
    target = behind.accept();
    sockets.add(target);
    target.setSoTimeout(SOON_MILLIS);
    assertPasses(client, target);
    assertPasses(target, client);
    assertThat(tunnel.status().openConnections()).isEqualTo(1);
  }

  private static void assertPasses(Socket from, Socket to) throws IOException {
    from.getOutputStream().write('x');
    assertThat(to.getInputStream().read()).isEqualTo('x');
  }

  private void assertNothingIsOpen() throws IOException {
    Eventually.is(0, "open connections", () -> tunnel.status().openConnections());
    assertConnects(dialer);
  }

  /** An end without a reset, or a reset; the tunnel of OpenSSH makes an end of either. */
  private static void assertEnds(Socket socket) {
    int read;
    try {
      read = socket.getInputStream().read();
    } catch (SocketTimeoutException e) {
      throw new AssertionError("it does not end", e);
    } catch (IOException e) {
      return;
    }
    assertThat(read).isEqualTo(-1);
  }

  /** Whoever writes to what is gone hears of it, if not at the first byte. */
  private static void assertFailsToWrite(Socket socket) {
    assertThatThrownBy(
            () -> {
              OutputStream out = socket.getOutputStream();
              long began = System.nanoTime();
              while (System.nanoTime() - began < SOON.toNanos()) {
                out.write(1);
              }
            })
        .isInstanceOf(SocketException.class);
  }

  @ParameterizedTest
  @EnumSource
  void clientThatHasSaidAllHearsTheRest(Way way) throws IOException {
    connect(way);
    client.shutdownOutput();
    assertThat(target.getInputStream().read()).isEqualTo(-1);
    assertPasses(target, client);
    target.close();
    assertThat(client.getInputStream().read()).isEqualTo(-1);
    client.close();
    assertNothingIsOpen();
  }

  @ParameterizedTest
  @EnumSource
  void serverThatHasSaidAllHearsTheRest(Way way) throws IOException {
    assumeTrue(kind == SshServerUnderTest.OPENSSH, "the other server ends both directions at once");
    connect(way);
    target.shutdownOutput();
    assertThat(client.getInputStream().read()).isEqualTo(-1);
    assertPasses(client, target);
    client.close();
    assertThat(target.getInputStream().read()).isEqualTo(-1);
    assertNothingIsOpen();
  }

  @ParameterizedTest
  @EnumSource
  void serverClosesFirst(Way way) throws IOException {
    connect(way);
    target.getOutputStream().write(new byte[100_000]);
    target.close();
    assertThat(client.getInputStream().readAllBytes()).hasSize(100_000);
    assertFailsToWrite(client);
    client.close();
    assertNothingIsOpen();
  }

  @ParameterizedTest
  @EnumSource
  void clientClosesFirst(Way way) throws IOException {
    connect(way);
    client.getOutputStream().write(new byte[100_000]);
    client.close();
    assertThat(target.getInputStream().readAllBytes()).hasSize(100_000);
    assertFailsToWrite(target);
    assertNothingIsOpen();
  }

  @ParameterizedTest
  @EnumSource
  void serverResets(Way way) throws IOException {
    connect(way);
    target.setSoLinger(true, 0);
    target.close();
    assertEnds(client);
    assertFailsToWrite(client);
    client.close();
    assertNothingIsOpen();
  }

  @ParameterizedTest
  @EnumSource
  void clientResets(Way way) throws IOException {
    connect(way);
    client.setSoLinger(true, 0);
    client.close();
    assertEnds(target);
    assertFailsToWrite(target);
    assertNothingIsOpen();
  }

  @ParameterizedTest
  @EnumSource
  void readerAndWriterHearThatTheTunnelIsClosed(Way way) throws Exception {
    connect(way);
    var reader = begin(() -> assertEnds(client));
    open.close();
    dialer.close();
    assertThat(end(reader)).isNull();
    assertFailsToWrite(client);
    assertEnds(target);
    assertThat(tunnel.status().openConnections()).isZero();
  }

  @Test
  void socketThatIsClosedWakesItsReader() throws Exception {
    connect(Way.SOCKET);
    var reader = begin(() -> client.getInputStream().read());
    awaitWaiting();
    client.close();
    assertThat(end(reader)).isInstanceOf(SocketException.class).hasMessage("Socket closed");
    assertThat(client.isClosed()).isTrue();
    assertNothingIsOpen();
  }

  @Test
  void readThatTimesOutMayBeTriedAgain() throws IOException {
    connect(Way.SOCKET);
    client.setSoTimeout(100);
    long began = System.nanoTime();
    assertThatThrownBy(() -> client.getInputStream().read())
        .isExactlyInstanceOf(SocketTimeoutException.class)
        .hasMessage("Read timed out");
    assertThat(System.nanoTime() - began).isBetween(100_000_000L, 5_000_000_000L);
    client.setSoTimeout(SOON_MILLIS);
    assertPasses(target, client);
    assertPasses(client, target);
  }
}
