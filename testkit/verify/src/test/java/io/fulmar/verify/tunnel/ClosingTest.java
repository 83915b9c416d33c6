package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.testkit.FreePort;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.LocalPort;
import io.fulmar.tunnel.OpenTunnel;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.HangingPort;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tunnels are closed in each of their states, and many times: nothing of them is left. */
@BothSshServers
@DisplayName("T-07: a tunnel that is closed leaves nothing")
class ClosingTest extends ChannelFixture {
  private static final Duration AT_ONCE = Duration.ofSeconds(3);

  private static void assertClosesAtOnce(ForwardTunnel tunnel, AutoCloseable open)
      throws Exception {
    long began = System.nanoTime();
    open.close();
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(AT_ONCE);
    assertThat(threads()).isEmpty();
    assertThat(tunnel.status().state()).isEqualTo(TunnelState.CLOSED);
    assertThat(tunnel.status().openConnections()).isZero();
  }

  private void assertClosesWhileConnecting(int port) throws Exception {
    ForwardTunnel tunnel = forward(server, port).build();
    Dialer dialer = tunnel.dialer();
    var user = begin(() -> connect(dialer, echo.port()).close());
    awaitWaiting();
    assertThat(tunnel.status().state()).isEqualTo(TunnelState.CONNECTING);
    assertClosesAtOnce(tunnel, dialer);
    Throwable refused = end(user);
    assertThat(refused)
        .isInstanceOf(IOException.class)
        .hasMessage(
            "Cannot connect to 127.0.0.1:%s: the tunnel is closed. Open it again, or make a new"
                + " engine.",
            port);
    assertThat(((TunnelException) refused.getCause()).kind()).isEqualTo(Kind.CLOSED);
  }

  @Test
  void whileItReachesForTheServer() throws Exception {
    try (HangingPort hanging = HangingPort.open()) {
      assertClosesWhileConnecting(hanging.port());
    }
  }

  @Test
  @DisplayName("however short a time it has reached for the server")
  void asItBeginsToReachForTheServer() throws Exception {
    try (HangingPort hanging = HangingPort.open()) {
      for (int micros = 0; micros < 5_000; micros += 10) {
        ForwardTunnel tunnel = forward(server, hanging.port()).build();
        OpenTunnel open = tunnel.open();
        long until = System.nanoTime() + TimeUnit.MICROSECONDS.toNanos(micros);
        while (System.nanoTime() < until) {
          Thread.onSpinWait();
        }
        assertClosesAtOnce(tunnel, open);
      }
    }
  }

  @Test
  void whileItWaitsForTheServerToNameItself() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
      assertClosesWhileConnecting(silent.getLocalPort());
    }
  }

  @Test
  void whileItWaitsToTryAgain() throws Exception {
    ForwardTunnel tunnel = forward(server, FreePort.choose()).build();
    OpenTunnel open = tunnel.open();
    for (int i = 0; i < 3; i++) {
      assertThat(nextEvent().cause().kind()).isEqualTo(Kind.UNREACHABLE);
    }
    assertClosesAtOnce(tunnel, open);
  }

  @Test
  void afterALoss() throws Exception {
    ForwardTunnel tunnel = forward().build();
    OpenTunnel open = tunnel.open();
    open.awaitUp(SOON);
    server.kill();
    Eventually.is(TunnelState.CONNECTING, "state after the loss", () -> tunnel.status().state());
    assertClosesAtOnce(tunnel, open);
  }

  @Test
  @DisplayName("however far a connection has come")
  void whileItIsMade() throws Exception {
    // Each time a little later in what a connection takes.
    for (int millis = 0; millis < 200; millis += 20) {
      ForwardTunnel tunnel = forward().build();
      OpenTunnel open = tunnel.open();
      TimeUnit.MILLISECONDS.sleep(millis);
      assertClosesAtOnce(tunnel, open);
    }
    Eventually.is(0, "connections to the SSH server", () -> server.connections());
  }

  @Test
  void whoeverComesAfterwardsIsToldSo() throws Exception {
    ForwardTunnel tunnel = forward().build();
    Dialer dialer = tunnel.dialer();
    OpenTunnel open = tunnel.open();
    assertConnects(dialer);
    open.close();
    assertConnects(dialer);
    dialer.close();
    dialer.close();
    open.close();
    assertThat(refusal(dialer, echo.port()).kind()).isEqualTo(Kind.CLOSED);
    assertThatThrownBy(() -> open.awaitUp(SOON))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("the tunnel was closed");
    try (Dialer again = tunnel.dialer()) {
      assertConnects(again);
    }
  }

  @Test
  void localPortIsFreeAfterwards() throws Exception {
    ForwardTunnel tunnel = forward().build();
    int port;
    try (OpenTunnel open = tunnel.open()) {
      LocalPort local = open.listen(0, "127.0.0.1", echo.port(), 5);
      port = local.port();
      try (Socket socket = new Socket("127.0.0.1", port)) {
        socket.setSoTimeout(SOON_MILLIS);
        assertEchoes(socket);
        local.close();
        assertThat(socket.getInputStream().read()).isEqualTo(-1);
      } catch (IOException e) {
        assertThat(e).hasMessageContaining("reset");
      }
      Eventually.is(0, "open connections", () -> tunnel.status().openConnections());
      assertThatThrownBy(() -> new Socket("127.0.0.1", port).close())
          .isInstanceOf(ConnectException.class);
      assertThat(open.listen(port, "127.0.0.1", echo.port(), 5).port()).isEqualTo(port);
      TunnelException taken =
          catchThrowableOfType(
              TunnelException.class, () -> open.listen(port, "127.0.0.1", echo.port(), 5));
      assertThat(taken.kind()).isEqualTo(Kind.BUSY);
      assertThat(taken)
          .hasMessage(
              "Cannot listen on 127.0.0.1:%s: Address already in use. Look what has that port, or"
                  + " use another; 0 takes one that is free.",
              port);
    }
    try (ServerSocket free = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
      assertThat(free.isBound()).isTrue();
    }
  }

  @Test
  void hundredConnectionsAndTenTunnels() throws Exception {
    openAndClose(100, 10);
  }

  @Test
  @Tag("soak")
  void thousandConnectionsAndFiftyTunnels() throws Exception {
    openAndClose(1_000, 50);
  }

  private void openAndClose(int channels, int tunnels) throws Exception {
    ForwardTunnel tunnel = forward().build();
    try (Dialer dialer = tunnel.dialer();
        OpenTunnel open = tunnel.open();
        LocalPort port = open.listen(0, "127.0.0.1", echo.port(), 5)) {
      assertConnects(dialer);
      List<String> threads = threads();
      int files = OwnProcess.openFiles();
      for (int i = 0; i < channels; i++) {
        assertConnects(dialer);
        if (i % 10 == 0) {
          try (Socket socket = new Socket("127.0.0.1", port.port())) {
            socket.setSoTimeout(SOON_MILLIS);
            assertEchoes(socket);
          }
        }
      }
      Eventually.is(0, "open connections", () -> tunnel.status().openConnections());
      assertThat(tunnel.status().connections()).isEqualTo(1 + channels + channels / 10);
      assertThat(tunnel.status().sshConnections()).isEqualTo(1);
      Eventually.is(0, "connections behind", () -> echo.connections());
      Eventually.is(true, "files as before", () -> OwnProcess.openFiles() <= files);
      assertThat(threads().stream().filter(name -> !name.contains("-port-")))
          .containsExactlyElementsOf(
              threads.stream().filter(name -> !name.contains("-port-")).toList());
    }
    int before = OwnProcess.openFiles();
    for (int i = 0; i < tunnels; i++) {
      try (Dialer dialer = tunnel.dialer()) {
        assertConnects(dialer);
      }
    }
    assertThat(threads()).isEmpty();
    Eventually.is(true, "files as before", () -> OwnProcess.openFiles() <= before);
  }
}
