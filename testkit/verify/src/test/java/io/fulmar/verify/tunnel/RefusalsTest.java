package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fulmar.Secret;
import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.testkit.internal.ssh.SshSettings;
import io.fulmar.testkit.internal.ssh.SshSettings.Authentication;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.tunnel.UserKey;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.EchoServer;
import io.fulmar.verify.fixture.Eventually;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.io.IOException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** An SSH server that says no: what of it, and what to do, is in the message. */
@BothSshServers
class RefusalsTest extends ChannelFixture {
  private static final String PERMIT =
      "Look whether the public key is in authorized_keys of that user, its file and folder are"
          + " writable by nobody else, and AllowUsers, MaxAuthTries and PubkeyAcceptedAlgorithms"
          + " permit it; its log tells.";

  private String place() {
    return server.host() + ":" + server.port();
  }

  private ForwardTunnel.Builder without(String user) {
    return SshTunnel.forward(server.host())
        .port(server.port())
        .user(user)
        .hostKeys(HostKeys.fingerprint(server.fingerprint()));
  }

  private void assertRefusesLogIn(TunnelException refused, String fact) {
    assertThat(refused.kind()).isEqualTo(Kind.AUTHENTICATION);
    assertThat(refused)
        .hasMessage(
            "Cannot connect to %s: the SSH server %s %s. %s", place(), place(), fact, PERMIT);
  }

  @Test
  @DisplayName("T-11: wrong user")
  void wrongUser() {
    TunnelException refused = refusal(without("nobody-here").key(UserKey.file(key.file())).build());
    assertRefusesLogIn(
        refused,
        "refuses the user nobody-here with key %s; it allows publickey".formatted(key.file()));
  }

  @Test
  @DisplayName("T-11: wrong keys, each named")
  void wrongKeys() {
    SshKeyFile first = SshKeyFile.create(directory);
    SshKeyFile second = SshKeyFile.create(directory);
    TunnelException refused =
        refusal(
            without(server.user())
                .key(UserKey.file(first.file()))
                .key(UserKey.file(second.file()))
                .build());
    assertRefusesLogIn(
        refused,
        "refuses the user %s with key %s, key %s; it allows publickey"
            .formatted(server.user(), first.file(), second.file()));
    Eventually.is(0, "connections", () -> server.connections());
  }

  @Test
  @DisplayName("T-11: the right key after a wrong one")
  void rightKeyAfterAWrongOne() throws IOException {
    SshKeyFile wrong = SshKeyFile.create(directory);
    ForwardTunnel tunnel =
        without(server.user())
            .key(UserKey.file(wrong.file()))
            .key(UserKey.file(key.file()))
            .build();
    try (Dialer dialer = tunnel.dialer()) {
      assertConnects(dialer);
    }
  }

  @Test
  @DisplayName("T-11: more keys than the server looks at")
  void moreKeysThanTheServerLooksAt() {
    restartWith(SshSettings.builder().maxAuthTries(1).build());
    SshKeyFile first = SshKeyFile.create(directory);
    SshKeyFile second = SshKeyFile.create(directory);
    TunnelException refused =
        refusal(
            without(server.user())
                .key(UserKey.file(first.file()))
                .key(UserKey.file(second.file()))
                .key(UserKey.file(key.file()))
                .build());
    assertThat(refused.kind()).isEqualTo(Kind.AUTHENTICATION);
    assertThat(refused)
        .hasMessageStartingWith(
            "Cannot connect to %s: the SSH server %s ended the connection while it looked at the"
                + " user %s with key %s, key %s, key %s",
            place(), place(), server.user(), first.file(), second.file(), key.file())
        .hasMessageContaining("(Too many authentication failures")
        .hasMessageEndingWith(PERMIT);
  }

  @Test
  @DisplayName("T-11: a wrong password, a right one, and one that is asked for")
  void password() throws IOException {
    assumeTrue(kind == SshServerUnderTest.MINA, "the other server asks the system for passwords");
    for (Authentication way :
        new Authentication[] {Authentication.PASSWORD, Authentication.KEYBOARD_INTERACTIVE}) {
      restartWith(SshSettings.builder().authentication(way).password("canary-right").build());
      TunnelException refused =
          refusal(without(server.user()).password(Secret.of("canary-wrong")).build());
      String method = way == Authentication.PASSWORD ? "password" : "keyboard-interactive";
      assertRefusesLogIn(
          refused,
          "refuses the user %s with password; it allows %s".formatted(server.user(), method));
      assertThat(refused.toString() + refused.getCause()).doesNotContain("canary");
      try (Dialer dialer =
          without(server.user()).password(Secret.of("canary-right")).build().dialer()) {
        assertConnects(dialer);
      }
      assertRefusesLogIn(
          refusal(without(server.user()).key(UserKey.file(key.file())).build()),
          "refuses the user %s with key %s; it allows %s"
              .formatted(server.user(), key.file(), method));
    }
  }

  @Test
  @DisplayName("T-11: who was refused is told at once, until the server lets him in")
  void refusedUntilItIsMended() throws Exception {
    server.authoriseNobody();
    ForwardTunnel tunnel = forward().build();
    try (Dialer dialer = tunnel.dialer()) {
      String first = refusal(dialer, echo.port()).getMessage();
      int asked = 50;
      for (int i = 0; i < asked; i++) {
        assertThat(refusal(dialer, echo.port())).hasMessage(first);
      }
      assertThat(events).as("attempts to log in").hasSizeLessThan(asked / 2);
      assertThat(tunnel.status().failure()).isNotNull();

      server.authorise(key.publicLine());

      // Tried again with a pause, so as not to be locked out.
      while (nextEvent().state() != TunnelState.UP) {
        continue;
      }
      assertConnects(dialer);
    }
  }

  private static final String FORBIDDEN =
      "Look at AllowTcpForwarding and PermitOpen in its sshd_config, and at permitopen and restrict"
          + " in authorized_keys: host and port must be written there as they are here.";

  private void assertRefusesToForward(TunnelException refused, int port) {
    assertThat(refused.kind()).isEqualTo(Kind.FORWARDING_REFUSED);
    assertThat(refused.getMessage())
        .matches(
            "Cannot connect to 127.0.0.1:%s: the SSH server refuses to forward to 127.0.0.1:%s \\([^)]+\\)\\. \\Q%s\\E"
                .formatted(port, port, FORBIDDEN));
  }

  @Test
  @DisplayName("T-12: a server that does not forward")
  void serverThatDoesNotForward() {
    restartWith(SshSettings.builder().tcpForwarding(SshSettings.Forwarding.NO).build());
    ForwardTunnel tunnel = forward().build();
    try (Dialer dialer = tunnel.dialer()) {
      assertRefusesToForward(refusal(dialer, echo.port()), echo.port());
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.DEGRADED);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  @DisplayName("T-12: a place that a key may not open, beside one that it may")
  void placeThatAKeyMayNotOpen() throws IOException {
    server.authoriseNobody();
    server.authorise(
        key.publicLine(),
        "restrict",
        "port-forwarding",
        "permitopen=\"127.0.0.1:" + echo.port() + "\"");
    ForwardTunnel tunnel = forward().build();
    try (EchoServer other = EchoServer.start();
        Dialer dialer = tunnel.dialer()) {
      assertRefusesToForward(refusal(dialer, other.port()), other.port());
      assertConnects(dialer);
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.UP);
      assertThat(other.accepted()).isZero();
    }
  }

  @Test
  @DisplayName("T-12: a place that a server opens for nobody, beside one that it does")
  void placeThatAServerDoesNotOpen() throws IOException {
    assumeTrue(kind == SshServerUnderTest.OPENSSH, "reads no sshd_config");
    restartWith(SshSettings.builder().line("PermitOpen 127.0.0.1:" + echo.port()).build());
    try (EchoServer other = EchoServer.start();
        Dialer dialer = forward().build().dialer()) {
      assertRefusesToForward(refusal(dialer, other.port()), other.port());
      assertConnects(dialer);
      assertThat(other.accepted()).isZero();
    }
  }

  @Test
  @DisplayName("nobody listens on the place behind the server")
  void nobodyListens() {
    int nobody = FreePort.choose();
    ForwardTunnel tunnel = forward().build();
    try (Dialer dialer = tunnel.dialer()) {
      TunnelException refused = refusal(dialer, nobody);
      assertThat(refused.kind()).isEqualTo(Kind.TARGET_UNREACHABLE);
      assertThat(refused.getMessage())
          .startsWith(
              "Cannot connect to 127.0.0.1:%s: the SSH server does not reach 127.0.0.1:%s ("
                  .formatted(nobody, nobody))
          .endsWith(
              "). Look from that server whether the database runs, its name resolves, and no"
                  + " firewall stands between.");
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.DEGRADED);
      assertThat(tunnel.status().failure()).hasMessage(refused.getMessage());
    }
  }
}
