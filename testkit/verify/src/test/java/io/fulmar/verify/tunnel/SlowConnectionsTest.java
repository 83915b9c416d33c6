package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.HangingPort;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * One connection through the tunnel whose other end does not read, or does not stop to write, while
 * others go on. The servers behind are in the hands of the test.
 */
@BothSshServers
class SlowConnectionsTest extends ChannelFixture {
  private static final int WINDOW = 2 << 20;
  private static final Duration WHILE = Duration.ofMillis(300);

  private ForwardTunnel tunnel;
  private Dialer dialer;
  private ServerSocket behind;

  @BeforeEach
  void openTunnel() throws IOException {
    tunnel = forward().windowBytes(WINDOW).build();
    dialer = tunnel.dialer();
    behind = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    behind.setSoTimeout(SOON_MILLIS);
  }

  @AfterEach
  void closeTunnel() throws IOException {
    dialer.close();
    behind.close();
  }

  private static CompletableFuture<@Nullable Throwable> blast(Socket into) {
    byte[] piece = new byte[64 << 10];
    return begin(
        () -> {
          while (true) {
            into.getOutputStream().write(piece);
          }
        });
  }

  private static long usedHeap() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  @Test
  @DisplayName("T-09: what a slow reader has not read takes no more than the window")
  void slowReaderTakesAWindowAndHindersNobody() throws Exception {
    Socket slow = connect(dialer, behind.getLocalPort());
    try (Socket sender = behind.accept()) {
      final long before = usedHeap();
      var blast = blast(sender);
      Eventually.is((long) WINDOW, "received, and not read", () -> tunnel.status().receivedBytes());

      assertThat(usedHeap() - before).isLessThan(WINDOW + (16L << 20));
      assertConnects(dialer);
      // Room is given back for what is read, and no more.
      assertThat(slow.getInputStream().readNBytes(3 * WINDOW)).hasSize(3 * WINDOW);
      long most = 4L * WINDOW + 5;
      long received = Eventually.still("received", WHILE, () -> tunnel.status().receivedBytes());
      assertThat(received).isLessThanOrEqualTo(most).isGreaterThan(most - WINDOW / 4);

      slow.close();
      assertThat(tunnel.status().openConnections()).isZero();
      assertConnects(dialer);
      if (kind == SshServerUnderTest.OPENSSH) {
        // The other server holds on to it as long as it has something to say.
        assertThat(end(blast)).isInstanceOf(SocketException.class);
      }
    }
  }

  @Test
  @DisplayName("T-09: a writer whom nobody reads holds up neither others nor its own end")
  void writerThatWaitsHindersNobody() throws Exception {
    Socket writer = connect(dialer, behind.getLocalPort());
    try (Socket neverReads = behind.accept()) {
      var blast = blast(writer);
      Eventually.still("sent", WHILE, () -> tunnel.status().sentBytes());
      assertThat(blast).isNotDone();

      assertConnects(dialer);
      writer.close();
      assertThat(end(blast)).isInstanceOf(SocketException.class).hasMessage("Socket closed");
      Eventually.is(0, "open connections", () -> tunnel.status().openConnections());
      assertThat(neverReads.isClosed()).isFalse();
      assertConnects(dialer);
    }
  }

  @Test
  @DisplayName("T-07, T-09: a tunnel closes while a writer waits")
  void tunnelClosesUnderAWriterThatWaits() throws Exception {
    try (Socket writer = connect(dialer, behind.getLocalPort());
        Socket neverReads = behind.accept()) {
      var blast = blast(writer);
      Eventually.still("sent", WHILE, () -> tunnel.status().sentBytes());

      dialer.close();

      assertThat(end(blast)).isInstanceOf(SocketException.class);
      assertThat(threads()).isEmpty();
      assertThat(neverReads.isClosed()).isFalse();
    }
  }

  @Test
  @DisplayName("T-14: what goes both ways at once arrives as it was sent")
  void bothWaysAtOnce() throws Exception {
    byte[] sent = new byte[4 << 20];
    new Random(14).nextBytes(sent);
    try (Socket socket = connect(dialer, echo.port())) {
      var writer =
          begin(
              () -> {
                socket.getOutputStream().write(sent);
                socket.shutdownOutput();
              });
      byte[] got = socket.getInputStream().readAllBytes();
      assertThat(end(writer)).isNull();
      assertThat(Arrays.equals(got, sent)).as("%s bytes", got.length).isTrue();
    }
    assertThat(tunnel.status().sentBytes()).isEqualTo(sent.length);
    assertThat(tunnel.status().receivedBytes()).isEqualTo(sent.length);
  }

  @Test
  @DisplayName("T-02: a channel that opens slowly times out by itself and delays no other")
  void channelThatOpensSlowlyHindersNobody() throws Exception {
    try (var hanging = HangingPort.open()) {
      assertConnects(dialer);
      String target = "127.0.0.1:" + hanging.port();
      var address = InetSocketAddress.createUnresolved("127.0.0.1", hanging.port());
      Socket slower = dialer.sockets().createSocket();
      var outlasts = begin(() -> slower.connect(address, SOON_MILLIS));
      Socket socket = dialer.sockets().createSocket();
      var slow = begin(() -> socket.connect(address, 1_000));
      for (int i = 0; i < 3; i++) {
        assertConnects(dialer);
      }
      assertThat(outlasts).isNotDone();
      assertThat(end(slow))
          .isInstanceOf(IOException.class)
          .hasMessage(
              "Cannot connect to %s: 127.0.0.1:%s did not reach %s within 1000 ms. Look from that"
                  + " server whether the database can be reached: firewall, routes, name.",
              target, server.port(), target)
          .cause()
          .isInstanceOfSatisfying(
              TunnelException.class, e -> assertThat(e.kind()).isEqualTo(Kind.TARGET_UNREACHABLE));
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.DEGRADED);
      assertThat(tunnel.status().refusals()).isEqualTo(1);
      socket.close();
      assertThat(outlasts).isNotDone();
      slower.close();
      assertThat(end(outlasts)).isInstanceOf(SocketException.class).hasMessage("Socket closed");
      assertConnects(dialer);
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.UP);
    }
  }

  @Test
  @DisplayName("T-07: a socket that is closed while it connects gives up at once")
  void socketThatIsClosedWhileItConnects() throws Exception {
    try (var hanging = HangingPort.open()) {
      assertConnects(dialer);
      Socket socket = dialer.sockets().createSocket();
      var slow =
          begin(
              () ->
                  socket.connect(InetSocketAddress.createUnresolved("127.0.0.1", hanging.port())));
      awaitWaiting();
      socket.close();
      assertThat(slow.get(5, TimeUnit.SECONDS))
          .isInstanceOf(SocketException.class)
          .hasMessage("Socket closed");
    }
  }

  @Test
  @DisplayName("a thread that is interrupted while it connects stops, and stays interrupted")
  void interruptedConnect() throws Exception {
    try (var hanging = HangingPort.open()) {
      assertConnects(dialer);
      boolean[] stays = new boolean[1];
      var slow =
          begin(
              () -> {
                try {
                  connect(dialer, hanging.port()).close();
                } finally {
                  stays[0] = Thread.currentThread().isInterrupted();
                }
              });
      awaitWaiting().interrupt();
      assertThat(end(slow))
          .isInstanceOf(SocketException.class)
          .hasMessage("interrupted while connecting to 127.0.0.1:" + hanging.port());
      assertThat(stays[0]).isTrue();
      assertConnects(dialer);
      assertThat(server.connections()).isEqualTo(1);
    }
  }
}
