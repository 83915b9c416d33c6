package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.testkit.internal.ssh.SshSettings;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.io.IOException;
import java.net.Socket;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the two sides of an SSH connection agree on, and agree on again while data flows. */
@BothSshServers
class AlgorithmsTest extends ChannelFixture {
  /** Settings of a server by what is in them. */
  record Case(String name, SshSettings settings) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> legacy() {
    return Stream.of(
        new Case(
            "key exchange",
            SshSettings.builder().kexAlgorithms("diffie-hellman-group14-sha1").build()),
        new Case("cipher", SshSettings.builder().ciphers("aes128-cbc", "3des-cbc").build()),
        new Case("MAC", SshSettings.builder().ciphers("aes256-ctr").macs("hmac-sha1").build()),
        new Case(
            "host key",
            SshSettings.builder()
                .hostKeys(SshKeyFile.Kind.RSA)
                .hostKeyAlgorithms("ssh-rsa")
                .build()));
  }

  static Stream<Case> modern() {
    return Stream.of(
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "aes128-ctr",
            "aes192-ctr",
            "aes256-ctr")
        .map(cipher -> new Case(cipher, SshSettings.builder().ciphers(cipher).build()))
        .flatMap(
            each ->
                each.name().contains("gcm")
                    ? Stream.of(each)
                    : Stream.of(
                            "hmac-sha2-256-etm@openssh.com",
                            "hmac-sha2-512-etm@openssh.com",
                            "hmac-sha2-256",
                            "hmac-sha2-512")
                        .map(
                            mac ->
                                new Case(
                                    each.name() + " " + mac,
                                    SshSettings.builder().ciphers(each.name()).macs(mac).build())));
  }

  static Stream<Case> exchanges() {
    return Stream.of(
            "curve25519-sha256",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp521",
            "diffie-hellman-group14-sha256")
        .map(kex -> new Case(kex, SshSettings.builder().kexAlgorithms(kex).build()));
  }

  private void assertConnects(ForwardTunnel tunnel) throws IOException {
    try (Dialer dialer = tunnel.dialer()) {
      assertConnects(dialer);
    }
  }

  @ParameterizedTest
  @MethodSource
  @DisplayName("T-13: legacy algorithms are refused, unless they are asked for")
  void legacy(Case with) throws IOException {
    restartWith(with.settings());
    TunnelException refused = refusal(forward().build());
    assertThat(refused.kind()).isEqualTo(Kind.ALGORITHMS);
    String place = server.host() + ":" + server.port();
    assertThat(refused.getMessage())
        .startsWith(
            "Cannot connect to %s: the SSH server %s offers no algorithm that is allowed here ("
                .formatted(place, place))
        .endsWith("). Renew the server; or call legacyAlgorithms() if you must.");
    assertConnects(forward().legacyAlgorithms().build());
  }

  @ParameterizedTest
  @MethodSource({"modern", "exchanges"})
  @DisplayName("T-13: a server that offers one modern algorithm alone")
  void modern(Case with) throws IOException {
    restartWith(with.settings());
    assertConnects(forward().build());
  }

  @Test
  @DisplayName("T-13: packets cannot be left out before keys are agreed on (strict key exchange)")
  void strictKeyExchange() throws IOException {
    assumeTrue(kind == SshServerUnderTest.OPENSSH, "the other server does not log it");
    restartWith(SshSettings.builder().line("LogLevel DEBUG3").build());
    assertConnects(forward().build());
    assertThat(server.log()).contains("will use strict KEX ordering");
  }

  @Test
  @DisplayName("T-14: no compression, and no harm from what a server says unasked")
  void unasked() throws IOException {
    SshSettings.Builder settings = SshSettings.builder().banner("Private.\n".repeat(100));
    if (kind == SshServerUnderTest.OPENSSH) {
      settings.line("LogLevel DEBUG3").line("Compression yes");
    }
    restartWith(settings.build());
    assertConnects(forward().build());
    if (kind == SshServerUnderTest.OPENSSH) {
      assertThat(server.log())
          .containsPattern("cipher: aes128-gcm@openssh.com MAC: <implicit> compression: none")
          .contains("notify_hostkeys: sent 1 hostkeys");
    }
  }

  private static String digest(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  @Test
  @DisplayName("T-14: keys are renewed every megabyte while data goes both ways")
  void rekeyUnderLoad() throws Exception {
    restartWith(SshSettings.builder().rekeyBytes(1_000_000).build());
    byte[] sent = new byte[3_000_000];
    new Random(14).nextBytes(sent);
    ForwardTunnel tunnel = forward().windowBytes(256 << 10).build();
    try (Dialer dialer = tunnel.dialer();
        Socket first = connect(dialer, echo.port());
        Socket second = connect(dialer, echo.port())) {
      var reader = begin(() -> assertReturns(first, sent));
      assertReturns(second, sent);
      assertThat(end(reader)).isNull();
      assertEchoes(connect(dialer, echo.port()));
      assertThat(tunnel.status().sshConnections()).isEqualTo(1);
    }
    if (kind == SshServerUnderTest.OPENSSH) {
      assertThat(server.connections()).isLessThanOrEqualTo(1);
    }
  }

  private static void assertReturns(Socket socket, byte[] sent) throws Exception {
    var writer =
        begin(
            () -> {
              socket.getOutputStream().write(sent);
              socket.shutdownOutput();
            });
    DigestInputStream in =
        new DigestInputStream(socket.getInputStream(), MessageDigest.getInstance("SHA-256"));
    in.transferTo(java.io.OutputStream.nullOutputStream());
    assertThat(end(writer)).isNull();
    assertThat(HexFormat.of().formatHex(in.getMessageDigest().digest())).isEqualTo(digest(sent));
  }
}
