package io.fulmar.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Secret;
import io.fulmar.tunnel.internal.keys.HostKeyCheck;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import net.schmizz.sshj.SSHClient;
import net.schmizz.sshj.common.DisconnectReason;
import net.schmizz.sshj.common.SSHException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Host keys and user keys where they meet: sshj with our checks and keys logs in to the OpenSSH
 * server, which has an RSA and an Ed25519 host key, the latter with a certificate.
 */
class KeysWithServerTest {
  private static final Path PROGRAM = Path.of("/usr/sbin/sshd");
  private static final String USER = System.getProperty("user.name");

  @TempDir Path folder;
  private SshKeygen keygen;
  private Path rsa;
  private Path ed25519;
  private Path authority;
  private int port;
  private Process server;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    if (!Files.isExecutable(PROGRAM)) {
      String missing = "the program sshd is not installed (Debian package openssh-server)";
      assertThat(System.getenv("CI")).as(missing).isNotEqualTo("true");
      Assumptions.abort(missing);
    }
    if (USER.equals("root")) {
      Files.createDirectories(Path.of("/run/sshd"));
    }
    keygen = new SshKeygen(folder);
    rsa = keygen.make("-t", "rsa", "-b", "2048");
    ed25519 = keygen.make("-t", "ed25519");
    authority = keygen.make("-t", "ed25519");
    keygen.run(
        "-q", "-s", authority.toString(), "-I", "t", "-h", "-n", "127.0.0.1", ed25519 + ".pub");
    Path log = folder.resolve("log");
    for (int i = 0; i < 5; i++) {
      try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
        port = free.getLocalPort();
      }
      Path configuration = folder.resolve("sshd_config");
      Files.write(
          configuration,
          List.of(
              "ListenAddress 127.0.0.1:" + port,
              "HostKey " + rsa,
              "HostKey " + ed25519,
              "HostCertificate " + ed25519 + "-cert.pub",
              "AuthorizedKeysFile " + folder.resolve("authorized_keys"),
              "PidFile none",
              "StrictModes no",
              "UsePAM no",
              "PermitRootLogin prohibit-password"));
      server =
          new ProcessBuilder(PROGRAM.toString(), "-D", "-e", "-f", configuration.toString())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      for (int look = 0; look < 1000; look++) {
        if (Files.readString(log).contains("Server listening on")) {
          return;
        }
        if (server.waitFor(10, TimeUnit.MILLISECONDS)) {
          break;
        }
      }
      server.destroyForcibly();
    }
    throw new AssertionError("sshd does not start: " + Files.readString(log));
  }

  @AfterEach
  void end() throws InterruptedException {
    if (server != null) {
      server.destroyForcibly().waitFor();
    }
  }

  @ParameterizedTest
  @DisplayName("T-11: A key of each type and format, encrypted too, logs in")
  @CsvSource({
    "ed25519, 256, RFC4716",
    "ecdsa, 256, RFC4716",
    "ecdsa, 384, PKCS8",
    "ecdsa, 521, PEM",
    "rsa, 2048, RFC4716",
    "rsa, 2048, PKCS8",
    "rsa, 2048, PEM"
  })
  void keyLogsIn(String type, String bits, String format) throws IOException {
    Secret passphrase = Secret.of("correct horse");
    Path plain = keygen.make("-t", type, "-b", bits, "-m", format);
    Path encrypted = keygen.make("-t", type, "-b", bits, "-m", format, "-N", "correct horse");
    HostKeys keys = HostKeys.knownHostsText(name() + " " + SshKeygen.publicLine(ed25519));

    assertThat(logsIn(keys, UserKey.file(plain), SshKeygen.publicLine(plain))).isTrue();
    assertThat(logsIn(keys, UserKey.file(encrypted, passphrase), SshKeygen.publicLine(encrypted)))
        .isTrue();
  }

  @Test
  @DisplayName("T-11: A key pair that was made here logs in")
  void ownKeyLogsIn() throws IOException {
    SshKeyPair pair = SshKeyPair.generate();
    HostKeys keys = HostKeys.knownHostsText(name() + " " + SshKeygen.publicLine(ed25519));

    assertThat(logsIn(keys, UserKey.text(pair.privateKey()), pair.publicKeyLine(""))).isTrue();
  }

  @Test
  @DisplayName("T-08: Whichever of the keys of a server is known, it is the one that is asked for")
  void knownKeyIsAskedFor() throws IOException {
    for (Path key : List.of(rsa, ed25519)) {
      assertThat(
              connects(
                  HostKeys.knownHostsText(name() + " " + SshKeygen.publicLine(key))
                      .policy()
                      .check()))
          .isTrue();
    }
    Path file = folder.resolve("known_hosts");
    assertThat(connects(HostKeys.trustOnFirstUse(file).policy().check())).isTrue();
    assertThat(connects(HostKeys.knownHosts(file).policy().check())).isTrue();
  }

  @Test
  @DisplayName("T-08: The certificate of a server is accepted for its authority, and for no other")
  void certificateIsAccepted() throws IOException {
    String line = "@cert-authority * ";

    assertThat(
            connects(
                HostKeys.knownHostsText(line + SshKeygen.publicLine(authority)).policy().check()))
        .isTrue();
    HostKeyCheck other = HostKeys.knownHostsText(line + SshKeygen.publicLine(rsa)).policy().check();
    assertThatThrownBy(() -> connects(other))
        .isInstanceOfSatisfying(
            SSHException.class,
            e ->
                assertThat(e.getDisconnectReason())
                    .isEqualTo(DisconnectReason.HOST_KEY_NOT_VERIFIABLE));
    assertThat(Objects.requireNonNull(other.refusal()).fact())
        .startsWith(
            "its host key is not known: the given known hosts has no key of %s and no certificate of"
                .formatted(name()));
  }

  private String name() {
    return "[127.0.0.1]:" + port;
  }

  private boolean connects(HostKeyCheck check) throws IOException {
    try (SSHClient client = new SSHClient()) {
      client.addHostKeyVerifier(check);
      client.connect("127.0.0.1", port);
      return client.isConnected();
    }
  }

  private boolean logsIn(HostKeys keys, UserKey key, String publicLine) throws IOException {
    Files.writeString(folder.resolve("authorized_keys"), publicLine + "\n");
    try (SSHClient client = new SSHClient()) {
      client.addHostKeyVerifier(keys.policy().check());
      client.connect("127.0.0.1", port);
      client.authPublickey(USER, key.source().load());
      return client.isAuthenticated();
    }
  }
}
