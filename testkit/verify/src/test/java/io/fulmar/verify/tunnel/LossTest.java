package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.testkit.network.Direction;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.OpenTunnel;
import io.fulmar.tunnel.TunnelEvent;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The SSH connection is lost, with a word or without: whoever reads or writes hears of it, and the
 * tunnel is made again without help.
 */
@BothSshServers
class LossTest extends ChannelFixture {
  private static final Duration KEEP_ALIVE = Duration.ofSeconds(1);

  /** Three questions without an answer, and a second; then what a loaded machine takes. */
  private static final Duration NOTICED = KEEP_ALIVE.multipliedBy(3).plusSeconds(1).plusSeconds(5);

  private static void assertLost(@Nullable Throwable of) {
    assertThat(of).isInstanceOf(IOException.class);
    if (of.getCause() != null) {
      assertThat(of)
          .hasMessageStartingWith("Cannot go on through the tunnel: the SSH connection was lost")
          .hasMessageEndingWith("It is made again by itself.");
    }
  }

  @Test
  @DisplayName("T-03: killed bastion: users hear it at once, and the tunnel stands again by itself")
  void killedServer() throws Exception {
    ForwardTunnel tunnel = forward().build();
    try (Dialer dialer = tunnel.dialer();
        Socket socket = connect(dialer, echo.port())) {
      assertEchoes(socket);
      var reader = begin(() -> socket.getInputStream().read());
      awaitWaiting();

      server.kill();

      assertLost(end(reader));
      assertLost(end(begin(() -> socket.getOutputStream().write(1))));
      assertThat(nextEvent().state()).isEqualTo(TunnelState.UP);
      TunnelEvent lost = nextEvent();
      assertThat(lost.state()).isEqualTo(TunnelState.CONNECTING);
      assertThat(lost.tunnel()).isEqualTo(tunnel.name());
      assertThat(lost.cause().kind()).isEqualTo(Kind.LOST);
      assertThat(lost.cause())
          .hasMessageStartingWith(
              "Cannot keep the connection to %s:%s: it was lost (", server.host(), server.port())
          .hasMessageEndingWith("). It is made again by itself.");
      assertThat(tunnel.status().openConnections()).isZero();
      TunnelException refused = refusal(dialer, echo.port());
      String place = server.host() + ":" + server.port();
      assertThat(refused.kind()).isEqualTo(Kind.UNREACHABLE);
      assertThat(refused)
          .hasMessage(
              "Cannot connect to %s: the SSH server %s refuses connections. Look at host and port,"
                  + " whether sshd runs there, and at firewall and routes.",
              place, place);
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.CONNECTING);
      assertThat(tunnel.status().failure()).hasMessage(refused.getMessage());

      server.restart();

      assertConnects(dialer);
      assertThat(tunnel.status().sshConnections()).isEqualTo(2);
      assertThat(tunnel.status().failure()).isNull();
    }
  }

  @Test
  @DisplayName("T-03, T-04: a link that falls silent is given up after three questions")
  void silentLink() throws Exception {
    try (FaultProxy proxy = FaultProxy.before(server.host(), server.port())) {
      ForwardTunnel tunnel = forward(server, proxy.port()).keepAlive(KEEP_ALIVE).build();
      try (Dialer dialer = tunnel.dialer();
          Socket idle = connect(dialer, echo.port());
          Socket busy = connect(dialer, echo.port())) {
        assertEchoes(idle);
        var reader = begin(() -> idle.getInputStream().read());
        var writer =
            begin(
                () -> {
                  while (true) {
                    busy.getOutputStream().write(new byte[100_000]);
                  }
                });
        proxy.silenceOpen();
        long began = System.nanoTime();

        assertLost(end(reader));
        assertLost(end(writer));

        assertThat(Duration.ofNanos(System.nanoTime() - began))
            .isBetween(KEEP_ALIVE.multipliedBy(2), NOTICED);
        assertConnects(dialer);
        assertThat(tunnel.status().sshConnections()).isEqualTo(2);
        proxy.resetAll();
        server.dropConnections();
      }
    }
  }

  @Test
  @DisplayName("T-03: a link that takes nothing more is given up, whoever is stuck in it")
  void stuckLink() throws Exception {
    assumeTrue(kind == SshServerUnderTest.OPENSSH, "no server takes part in this");
    try (StuckLink link = StuckLink.to(server.host(), server.port());
        ServerSocket behind = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
      behind.setSoTimeout(SOON_MILLIS);
      ForwardTunnel tunnel = forward(server, link.port()).keepAlive(KEEP_ALIVE).build();
      try (Dialer dialer = tunnel.dialer()) {
        List<CompletableFuture<@Nullable Throwable>> writers = new ArrayList<>();
        List<Socket> sockets = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
          sockets.add(connect(dialer, behind.getLocalPort()));
        }
        link.stick();
        long began = System.nanoTime();
        for (Socket socket : sockets) {
          writers.add(
              begin(
                  () -> {
                    while (true) {
                      socket.getOutputStream().write(new byte[100_000]);
                    }
                  }));
        }
        for (CompletableFuture<@Nullable Throwable> writer : writers) {
          assertLost(end(writer));
        }
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(NOTICED);
        assertConnects(dialer);
        for (Socket socket : sockets) {
          socket.close();
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 45, 1_200, 1_500, 1_700, 2_000})
  @DisplayName("T-03: a link that is cut at some byte, while it is made, is made again")
  void cutWhileItIsMade(int bytes) throws Exception {
    try (FaultProxy proxy = FaultProxy.before(server.host(), server.port())) {
      ForwardTunnel tunnel = forward(server, proxy.port()).build();
      proxy.resetAfterBytes("SSH-2.0", bytes, 1);
      try (Dialer dialer = tunnel.dialer()) {
        TunnelEvent first = nextEvent();
        if (first.state() != TunnelState.UP) {
          assertThat(first.cause().kind()).as(first.cause().getMessage()).isEqualTo(Kind.NO_SSH);
          assertConnects(dialer);
        } else {
          // Some of the bytes may come after the log-in; the first connection may be of them.
          Throwable cut = catchThrowable(() -> assertConnects(dialer));
          if (cut != null) {
            assertLost(cut);
            assertConnects(dialer);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {45, 1_200, 1_700})
  @DisplayName("T-18: a server that falls silent at some byte is given up in time")
  void silentWhileItIsMade(int bytes) throws Exception {
    Duration timeout = Duration.ofSeconds(1);
    try (FaultProxy proxy = FaultProxy.before(server.host(), server.port())) {
      ForwardTunnel tunnel = forward(server, proxy.port()).connectTimeout(timeout).build();
      proxy.silenceAfterBytes("SSH-2.0", bytes, Direction.BOTH, 1);
      try (Dialer dialer = tunnel.dialer()) {
        long began = System.nanoTime();
        TunnelEvent first = nextEvent();
        assertThat(Duration.ofNanos(System.nanoTime() - began))
            .isLessThan(timeout.multipliedBy(2).plusSeconds(5));
        if (first.state() != TunnelState.UP) {
          assertThat(first.cause().kind()).isEqualTo(Kind.NO_SSH);
          assertThat(first.cause().getMessage())
              .containsAnyOf(
                  "did not name itself as an SSH server within 1000 ms",
                  "fell silent while keys were exchanged within 1000 ms",
                  "fell silent while it looked at the log-in of %s within 1000 ms"
                      .formatted(server.user()));
        }
        Eventually.is(true, "connects", () -> connectsInTime(dialer));
        proxy.resetAll();
      }
    }
  }

  /** False if an attempt did not end within its second either; the next one may. */
  private boolean connectsInTime(Dialer dialer) {
    try {
      assertConnects(dialer);
      return true;
    } catch (IOException e) {
      assertThat(e).hasMessageContaining(" 1000 ms");
      return false;
    }
  }

  @Test
  @DisplayName("T-07: a tunnel closes over a link that takes nothing more")
  void closeOfStuckLink() throws Exception {
    try (StuckLink link = StuckLink.to(server.host(), server.port())) {
      ForwardTunnel tunnel = forward(server, link.port()).build();
      OpenTunnel open = tunnel.open();
      open.awaitUp(SOON);
      link.stick();
      long began = System.nanoTime();
      open.close();
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(4));
      assertThat(threads()).isEmpty();
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.CLOSED);
    }
  }

  @Test
  @DisplayName("a link that is cut again and again stands again each time")
  void cutLink() throws Exception {
    try (FaultProxy proxy = FaultProxy.before(server.host(), server.port())) {
      ForwardTunnel tunnel = forward(server, proxy.port()).build();
      try (Dialer dialer = tunnel.dialer()) {
        for (int i = 1; i <= 3; i++) {
          assertConnects(dialer);
          assertThat(tunnel.status().sshConnections()).isEqualTo(i);
          assertThat(proxy.resetAll()).isEqualTo(1);
          Eventually.is(true, "lost or up again", () -> server.connections() <= 1);
        }
        assertConnects(dialer);
      }
    }
  }

  @Test
  @DisplayName("what was lost stays lost: a socket of the old connection does not move to the new")
  void oldSocketStaysLost() throws Exception {
    ForwardTunnel tunnel = forward().build();
    try (Dialer dialer = tunnel.dialer();
        Socket socket = connect(dialer, echo.port())) {
      server.dropConnections();
      assertLost(end(begin(() -> socket.getInputStream().read())));
      assertConnects(dialer);
      assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketException.class);
      assertThatThrownBy(() -> socket.getOutputStream().write(1))
          .isInstanceOf(SocketException.class);
    }
  }
}
