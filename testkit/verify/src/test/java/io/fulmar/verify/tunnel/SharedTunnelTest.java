package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.testkit.internal.ssh.SshServer;
import io.fulmar.testkit.internal.ssh.SshSettings;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.OpenTunnel;
import io.fulmar.tunnel.SshHop;
import io.fulmar.tunnel.TunnelEvent;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.tunnel.TunnelStatus;
import io.fulmar.tunnel.UserKey;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.HangingPort;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.net.Socket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** One tunnel for several users, what it tells, and the way through several servers. */
@BothSshServers
class SharedTunnelTest extends ChannelFixture {
  private static SshHop hop(SshServer through, UserKey key) {
    return SshHop.builder(through.host())
        .port(through.port())
        .user(through.user())
        .key(key)
        .hostKeys(HostKeys.fingerprint(through.fingerprint()))
        .build();
  }

  @Test
  @DisplayName("users of a tunnel share one SSH connection, which ends with the last of them")
  void usersShareOneConnection() throws Exception {
    ForwardTunnel tunnel = forward().build();
    assertThat(tunnel.status().state()).isEqualTo(TunnelState.CLOSED);
    Dialer first = tunnel.dialer();
    Dialer second = tunnel.dialer();
    try (OpenTunnel open = tunnel.open()) {
      open.awaitUp(SOON);
      assertConnects(first);
      assertConnects(second);
      first.close();
      assertConnects(second);
      second.close();
      assertThat(server.connections()).isEqualTo(1);
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.UP);
      assertThat(tunnel.status().sshConnections()).isEqualTo(1);
    }
    assertThat(tunnel.status().state()).isEqualTo(TunnelState.CLOSED);
    Eventually.is(0, "connections to the SSH server", () -> server.connections());
  }

  @Test
  @DisplayName("a tunnel counts what goes through it, over all its SSH connections")
  void counts() throws Exception {
    ForwardTunnel tunnel = forward().build();
    Instant before = Instant.now();
    try (Dialer dialer = tunnel.dialer()) {
      assertConnects(dialer);
      try (Socket socket = connect(dialer, echo.port())) {
        assertEchoes(socket);
        TunnelStatus status = tunnel.status();
        assertThat(status.since()).isBetween(before, Instant.now());
        assertThat(status)
            .isEqualTo(new TunnelStatus(TunnelState.UP, status.since(), 1, 1, 2, 0, 10, 10, null));
      }
      server.dropConnections();
      assertConnects(dialer);
      TunnelStatus status = tunnel.status();
      assertThat(status)
          .isEqualTo(new TunnelStatus(TunnelState.UP, status.since(), 2, 0, 3, 0, 15, 15, null));
      assertThat(refusal(dialer, FreePort.choose()).kind()).isEqualTo(Kind.TARGET_UNREACHABLE);
      assertThat(tunnel.status().refusals()).isEqualTo(1);
    }
  }

  @Test
  @DisplayName("a listener hears of each change, in order, with the cause")
  void events() throws Exception {
    int nobody = FreePort.choose();
    ForwardTunnel tunnel = forward().build();
    try (Dialer dialer = tunnel.dialer()) {
      assertConnects(dialer);
      TunnelException refused = refusal(dialer, nobody);
      assertThat(refusal(dialer, nobody).kind()).isEqualTo(Kind.TARGET_UNREACHABLE);
      Instant degraded = tunnel.status().since();
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.DEGRADED);
      assertThat(tunnel.status().failure().kind()).isEqualTo(refused.kind());
      assertConnects(dialer);
      assertThat(tunnel.status().since()).isAfter(degraded);
      server.dropConnections();
      assertConnects(dialer);
    }
    List<TunnelEvent> heard = new ArrayList<>(events);
    assertThat(heard)
        .extracting(TunnelEvent::state)
        .containsExactly(
            TunnelState.UP,
            TunnelState.DEGRADED,
            TunnelState.UP,
            TunnelState.CONNECTING,
            TunnelState.UP,
            TunnelState.CLOSED);
    assertThat(heard.stream().map(TunnelEvent::cause).map(e -> e == null ? null : e.kind()))
        .containsExactly(null, Kind.TARGET_UNREACHABLE, null, Kind.LOST, null, null);
    assertThat(heard).extracting(TunnelEvent::tunnel).containsOnly(tunnel.name());
    assertThat(heard).isSortedAccordingTo((a, b) -> a.at().compareTo(b.at()));
  }

  @Test
  @DisplayName("a listener hears one event after the other, whoever brings them, and in order")
  void slowListener() throws Exception {
    int nobody = FreePort.choose();
    CountDownLatch heardFirst = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicInteger atOnce = new AtomicInteger();
    AtomicInteger mostAtOnce = new AtomicInteger();
    ForwardTunnel tunnel =
        forward()
            .listener(
                event -> {
                  mostAtOnce.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
                  heardFirst.countDown();
                  awaitQuietly(goOn);
                  events.add(event);
                  atOnce.decrementAndGet();
                })
            .build();
    try (Dialer dialer = tunnel.dialer()) {
      heardFirst.await();
      // Neither of these waits for the listener, and it hears of both.
      assertThat(refusal(dialer, nobody).kind()).isEqualTo(Kind.TARGET_UNREACHABLE);
      assertConnects(dialer);
      assertThat(events).isEmpty();
      goOn.countDown();
    }
    assertThat(events)
        .extracting(TunnelEvent::state)
        .containsExactly(TunnelState.UP, TunnelState.DEGRADED, TunnelState.UP, TunnelState.CLOSED);
    assertThat(mostAtOnce).hasValue(1);
  }

  @Test
  @DisplayName(
      "a tunnel that is opened again tells that it was closed before it tells that it is up")
  void openedAgain() throws Exception {
    AtomicBoolean first = new AtomicBoolean(true);
    CountDownLatch goOn = new CountDownLatch(1);
    ForwardTunnel tunnel =
        forward()
            .listener(
                event -> {
                  if (first.getAndSet(false)) {
                    awaitQuietly(goOn);
                  }
                  events.add(event);
                })
            .build();
    OpenTunnel opened = tunnel.open();
    opened.awaitUp(SOON);
    var closing = begin(opened::close);
    Eventually.is(TunnelState.CLOSED, "state", () -> tunnel.status().state());
    try (OpenTunnel again = tunnel.open()) {
      again.awaitUp(SOON);
      goOn.countDown();
      assertThat(end(closing)).isNull();
    }
    assertThat(events)
        .extracting(TunnelEvent::state)
        .containsExactly(TunnelState.UP, TunnelState.CLOSED, TunnelState.UP, TunnelState.CLOSED);
  }

  /** Whoever interrupts, but not for ever. */
  private static void awaitQuietly(CountDownLatch latch) {
    long until = System.nanoTime() + SOON.toNanos();
    boolean interrupted = false;
    while (true) {
      try {
        latch.await(until - System.nanoTime(), TimeUnit.NANOSECONDS);
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  @DisplayName("how long there has been no SSH connection is not changed by attempts to make one")
  void sinceTheLoss() throws Exception {
    ForwardTunnel tunnel = forward().build();
    try (OpenTunnel open = tunnel.open()) {
      open.awaitUp(SOON);
      server.kill();
      assertThat(nextEvent().state()).isEqualTo(TunnelState.UP);
      TunnelEvent lost = nextEvent();
      assertThat(lost.cause().kind()).isEqualTo(Kind.LOST);
      TunnelStatus status = tunnel.status();
      assertThat(nextEvent().cause().kind()).isEqualTo(Kind.UNREACHABLE);
      assertThat(nextEvent().cause().kind()).isEqualTo(Kind.UNREACHABLE);
      assertThat(tunnel.status().since()).isEqualTo(status.since());
      assertThat(tunnel.status().failure().kind()).isEqualTo(Kind.UNREACHABLE);
    }
  }

  @Test
  @DisplayName("a listener that throws harms nothing")
  void listenerThatThrows() throws Exception {
    ForwardTunnel tunnel =
        forward()
            .listener(
                event -> {
                  throw new IllegalStateException("the listener's own fault");
                })
            .build();
    try (Dialer dialer = tunnel.dialer()) {
      assertConnects(dialer);
      server.dropConnections();
      assertConnects(dialer);
    }
  }

  @Test
  @DisplayName("through two servers to a third, each with its own key and host key")
  void throughTwoServers() throws Exception {
    try (SshServer edge = start(SshSettings.defaults());
        SshServer middle = start(SshSettings.defaults())) {
      UserKey own = UserKey.file(key.file());
      ForwardTunnel tunnel = forward().via(hop(edge, own), hop(middle, own)).build();
      byte[] sent = new byte[1_000_000];
      new Random(3).nextBytes(sent);
      try (Dialer dialer = tunnel.dialer();
          Socket socket = connect(dialer, echo.port())) {
        for (SshServer each : List.of(edge, middle, server)) {
          assertThat(each.connections()).isEqualTo(1);
        }
        var writer =
            begin(
                () -> {
                  socket.getOutputStream().write(sent);
                  socket.shutdownOutput();
                });
        byte[] got = socket.getInputStream().readAllBytes();
        assertThat(end(writer)).isNull();
        assertThat(Arrays.equals(got, sent)).isTrue();
        assertThat(tunnel.status().receivedBytes()).isEqualTo(sent.length);

        Socket idle = connect(dialer, echo.port());
        var reader = begin(() -> idle.getInputStream().read());
        awaitWaiting();
        edge.dropConnections();
        assertThat(end(reader)).hasMessageContaining("the SSH connection was lost");
        assertConnects(dialer);
        assertThat(tunnel.status().sshConnections()).isEqualTo(2);
      }
      for (SshServer each : List.of(edge, middle, server)) {
        Eventually.is(0, "connections", each::connections);
      }
    }
  }

  @Test
  @DisplayName("of several servers on the way, an error names the one that it is about")
  void errorsOnTheWay() {
    try (SshServer edge = start(SshSettings.defaults())) {
      UserKey own = UserKey.file(key.file());
      UserKey other = UserKey.file(SshKeyFile.create(directory).file());
      String at = edge.host() + ":" + edge.port();
      assertThat(refusal(forward().via(hop(edge, other)).build()))
          .hasMessageContaining("the SSH server %s refuses the user", at)
          .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.AUTHENTICATION));

      int nobody = FreePort.choose();
      TunnelException unreached = refusal(forward(server, nobody).via(hop(edge, own)).build());
      assertThat(unreached.kind()).isEqualTo(Kind.UNREACHABLE);
      assertThat(unreached.getMessage())
          .startsWith(
              "Cannot connect to 127.0.0.1:%s: the SSH server does not reach 127.0.0.1:%s"
                  .formatted(nobody, nobody));

      edge.authoriseNobody();
      edge.authorise(key.publicLine(), "restrict");
      TunnelException forbidden = refusal(forward().via(hop(edge, own)).build());
      assertThat(forbidden.kind()).isEqualTo(Kind.FORWARDING_REFUSED);
      assertThat(forbidden.getMessage())
          .startsWith(
              "Cannot connect to 127.0.0.1:%s: the SSH server refuses to forward to 127.0.0.1:%s"
                  .formatted(server.port(), server.port()));
      Eventually.is(0, "connections", edge::connections);
    }
  }

  @Test
  @DisplayName("an SSH server is told that a tunnel goes, and not left to find out")
  void saysGoodbye() throws Exception {
    ForwardTunnel tunnel = forward().build();
    try (OpenTunnel open = tunnel.open();
        Dialer dialer = tunnel.dialer()) {
      open.awaitUp(SOON);
      // What the server says after a log-in has arrived with this.
      assertConnects(dialer);
    }
    Eventually.is(0, "connections", () -> server.connections());
    if (kind == SshServerUnderTest.OPENSSH) {
      assertThat(server.log()).contains("Received disconnect from 127.0.0.1");
    }
  }

  @Test
  @DisplayName("waiting for a tunnel is bounded")
  void awaitUpIsBounded() throws Exception {
    try (var hanging = HangingPort.open();
        OpenTunnel open = forward(server, hanging.port()).build().open()) {
      assertThatThrownBy(() -> open.awaitUp(Duration.ofMillis(300)))
          .isExactlyInstanceOf(TunnelException.class)
          .hasMessage(
              "Cannot connect to 127.0.0.1:%s: there was no SSH connection within 300 ms. Raise"
                  + " connectTimeout, or look at the SSH server.",
              hanging.port());
    }
  }
}
