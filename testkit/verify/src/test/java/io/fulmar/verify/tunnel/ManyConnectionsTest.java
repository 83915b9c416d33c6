package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** As many connections as are allowed go through one SSH connection, and no more. */
@BothSshServers
class ManyConnectionsTest extends ChannelFixture {
  private static final int MOST = 200;

  /** Connects all at the same moment. */
  private static List<Socket> connectAtOnce(int count, Connector connector) throws Exception {
    return connectAtOnce(count, count, connector);
  }

  /** Of all that connect at the same moment, so many get through. */
  private static List<Socket> connectAtOnce(int count, int through, Connector connector)
      throws Exception {
    List<Socket> sockets = Collections.synchronizedList(new ArrayList<>());
    CyclicBarrier together = new CyclicBarrier(count);
    List<CompletableFuture<@Nullable Throwable>> ends = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ends.add(
          begin(
              () -> {
                together.await(SOON_MILLIS, TimeUnit.MILLISECONDS);
                Socket socket = connector.connect();
                assertEchoes(socket);
                sockets.add(socket);
              }));
    }
    List<Throwable> failures = new ArrayList<>();
    for (CompletableFuture<@Nullable Throwable> each : ends) {
      Throwable failure = end(each);
      if (failure != null) {
        failures.add(failure);
      }
    }
    assertThat(sockets).as("%s", failures).hasSize(through);
    assertThat(failures).hasSize(count - through);
    return sockets;
  }

  private interface Connector {
    Socket connect() throws IOException;
  }

  @Test
  @DisplayName("T-10: 200 connections take no thread each, and one more is refused")
  void mostConnectionsThatAreAllowed() throws Exception {
    ForwardTunnel tunnel = forward().build();
    try (Dialer dialer = tunnel.dialer()) {
      assertConnects(dialer);
      List<String> threads = threads();
      assertThat(threads).hasSizeLessThanOrEqualTo(3);

      List<Socket> sockets = connectAtOnce(MOST + 50, MOST, () -> connect(dialer, echo.port()));

      assertThat(threads()).isEqualTo(threads);
      assertThat(tunnel.status().openConnections()).isEqualTo(MOST);
      TunnelException refused = refusal(dialer, echo.port());
      assertThat(refused.kind()).isEqualTo(Kind.BUSY);
      assertThat(refused)
          .hasMessage(
              "Cannot connect to 127.0.0.1:%s: 200 connections go through the tunnel already. Use"
                  + " smaller pools, or raise maxConnections.",
              echo.port());
      assertThat(tunnel.status().refusals()).isEqualTo(51);
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.UP);
      for (Socket socket : sockets) {
        assertEchoes(socket);
      }
      sockets.get(0).close();
      assertConnects(dialer);
      for (Socket socket : sockets) {
        socket.close();
      }
      assertThat(tunnel.status().openConnections()).isZero();
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  @DisplayName("T-10: what failed to connect takes no room")
  void failuresTakeNoRoom() throws Exception {
    ForwardTunnel tunnel = forward().maxConnections(2).build();
    try (Dialer dialer = tunnel.dialer()) {
      int nobody = FreePort.choose();
      for (int i = 0; i < 5; i++) {
        assertThat(refusal(dialer, nobody).kind()).isEqualTo(Kind.TARGET_UNREACHABLE);
      }
      server.dropConnections();
      for (int round = 0; round < 3; round++) {
        List<Socket> sockets = connectAtOnce(2, () -> connect(dialer, echo.port()));
        assertThat(refusal(dialer, echo.port()).kind()).isEqualTo(Kind.BUSY);
        server.dropConnections();
        // Their users have not closed them, but nothing of them is in the tunnel.
        Eventually.is(0, "open connections", () -> tunnel.status().openConnections());
        sockets.forEach(socket -> assertThat(socket.isClosed()).isFalse());
      }
      assertThat(tunnel.status().refusals()).isEqualTo(8);
    }
  }

  @Test
  @DisplayName("T-10: a local port takes as many connections as it may, and closes one more")
  void mostConnectionsOfAPort() throws Exception {
    int most = 10;
    ForwardTunnel tunnel = forward().build();
    try (OpenTunnel open = tunnel.open()) {
      LocalPort port = open.listen(0, "127.0.0.1", echo.port(), most);
      for (int round = 0; round < 2; round++) {
        List<Socket> sockets =
            connectAtOnce(
                3 * most,
                most,
                () -> {
                  Socket socket = new Socket("127.0.0.1", port.port());
                  socket.setSoTimeout(SOON_MILLIS);
                  return socket;
                });
        try (Socket more = new Socket("127.0.0.1", port.port())) {
          more.setSoTimeout(SOON_MILLIS);
          assertThat(more.getInputStream().read()).isEqualTo(-1);
        }
        for (Socket socket : sockets) {
          assertEchoes(socket);
          socket.close();
        }
        Eventually.is(0, "open connections", () -> tunnel.status().openConnections());
        Eventually.is(
            0L,
            "threads that carry",
            () ->
                Thread.getAllStackTraces().entrySet().stream()
                    .filter(each -> each.getKey().getName().startsWith("fulmar-tunnel-port"))
                    .filter(
                        each -> List.of(each.getValue()).toString().contains("relay.Relays.carry"))
                    .count());
      }
    }
  }

  @Test
  @DisplayName("T-16: a tunnel listens nowhere, and a local port on 127.0.0.1 alone")
  void listensNowhere() throws Exception {
    Set<String> before = OwnProcess.listening();
    assertThat(before).as("the server behind").anyMatch(place -> place.endsWith(":" + echo.port()));
    try (OpenTunnel open = forward().build().open();
        Dialer dialer = forward().build().dialer()) {
      assertConnects(dialer);
      open.awaitUp(SOON);
      assertThat(OwnProcess.listening()).isEqualTo(before);

      LocalPort port = open.listen(0, "127.0.0.1", echo.port(), 5);

      Set<String> more = new HashSet<>(OwnProcess.listening());
      more.removeAll(before);
      assertThat(more).hasSize(1);
      assertThat(more.iterator().next()).endsWith("0100007F:" + port.port());
      port.close();
      assertThat(OwnProcess.listening()).isEqualTo(before);
    }
  }
}
