package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.testkit.internal.ssh.SshSettings;
import io.fulmar.tunnel.SshKeyPair;
import io.fulmar.verify.fixture.EchoServer;
import io.fulmar.verify.fixture.OpenSshClient;
import io.fulmar.verify.fixture.OpenSshServer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.util.List;
import org.apache.sshd.common.util.security.SecurityUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The lines for {@code authorized_keys} of a key pair, in the OpenSSH server, which by its settings
 * allows more than by default, against the OpenSSH client: what the line is for works, and all else
 * that SSH has to offer is refused.
 */
class AuthorizedKeysTest {
  private static final String NOT_AVAILABLE = "This account is currently not available.";

  @TempDir Path directory;

  private final SshKeyPair pair = SshKeyPair.generate();
  private EchoServer echo;
  private OpenSshServer server;
  private OpenSshClient client;

  @BeforeEach
  void start() throws IOException, GeneralSecurityException {
    echo = EchoServer.start();
    server =
        OpenSshServer.start(
            SshSettings.builder()
                .line("Subsystem sftp internal-sftp")
                .line("PermitUserEnvironment yes")
                .build());
    Path file = directory.resolve("key");
    pair.write(file);
    client = OpenSshClient.of(directory, server, readByOthers(file));
  }

  @AfterEach
  void end() {
    server.close();
    echo.close();
  }

  private SshKeyFile readByOthers(Path file) throws IOException, GeneralSecurityException {
    try (InputStream in = Files.newInputStream(file)) {
      KeyPair read =
          SecurityUtils.loadKeyPairIdentities(null, file::toString, in, null).iterator().next();
      return new SshKeyFile(SshKeyFile.Kind.ED25519, file, read, pair.publicKeyLine(""));
    }
  }

  @Test
  @DisplayName("The line of a forward tunnel opens its place, under that name alone")
  void forwardLineOpensItsPlace() {
    server.authorise(pair.authorizedKeysForForward("127.0.0.1", echo.port()));

    assertThat(client.run(List.of("-W", "127.0.0.1:" + echo.port())).exit()).isZero();
    assertThat(echo.accepted()).isEqualTo(1);
    assertNotOpened("localhost:" + echo.port());
    assertNotOpened("127.0.0.1:" + server.port());
    assertThat(echo.accepted()).isEqualTo(1);
  }

  @Test
  @DisplayName("The line of a forward tunnel forwards no port back")
  void forwardLineForwardsNothingBack() {
    server.authorise(pair.authorizedKeysForForward("127.0.0.1", echo.port()));
    int port = FreePort.choose();

    assertNotForwardedBack("127.0.0.1:" + port);
    assertNotForwardedBack("localhost:" + port);
    assertNotForwardedBack("localhost:0");
    assertNotForwardedBack("127.0.0.1:1");
    assertNotForwardedBack("*:" + port);
  }

  @Test
  @DisplayName("The line of a reverse tunnel forwards its port back, on loopback alone")
  void reverseLineForwardsItsPortBack() {
    int port = FreePort.choose();
    server.authorise(pair.authorizedKeysForReverse(port));

    for (String place : List.of("127.0.0.1:" + port, "localhost:" + port, "" + port)) {
      try (OpenSshClient.Running ssh =
          client.start("-R", place + ":127.0.0.1:" + echo.port()).awaitReverse()) {
        assertThat(ssh.isRunning()).isTrue();
        assertThat(client.run(List.of("-W", "127.0.0.1:" + port)).exit())
            .as("the probe of " + place)
            .isZero();
      }
    }
    assertThat(echo.accepted()).isEqualTo(3);
    assertNotForwardedBack("*:" + port);
    assertNotForwardedBack("0.0.0.0:" + port);
    assertNotForwardedBack("[::1]:" + port);
    assertNotForwardedBack("localhost:0");
    assertNotForwardedBack("localhost:" + FreePort.choose());
    assertNotOpened("127.0.0.1:" + echo.port());
    assertNotOpened("127.0.0.1:" + server.port());
  }

  @ParameterizedTest
  @DisplayName("No line allows a command, a shell, a terminal, sftp or a device")
  @ValueSource(strings = {"forward", "reverse"})
  void nothingElseIsAllowed(String use) {
    server.authorise(
        use.equals("forward")
            ? pair.authorizedKeysForForward("127.0.0.1", echo.port())
            : pair.authorizedKeysForReverse(FreePort.choose()));
    Path done = directory.resolve("done");

    OpenSshClient.End command = client.run(List.of(), "touch", done.toString());
    OpenSshClient.End shell = client.run(List.of());
    OpenSshClient.End terminal = client.run(List.of("-tt"));
    OpenSshClient.End sftp = client.run(List.of("-s"), "sftp");
    OpenSshClient.End device = client.run(List.of("-w", "any", "-N"));
    OpenSshClient.End environment = client.run(List.of("-o", "SetEnv=LC_X=1"), "env");

    assertThat(command.output()).contains(NOT_AVAILABLE);
    assertThat(command.exit()).isEqualTo(1);
    assertThat(done).doesNotExist();
    assertThat(shell.output()).contains(NOT_AVAILABLE);
    assertThat(terminal.output()).contains("PTY allocation request failed");
    assertThat(sftp.output()).contains(NOT_AVAILABLE);
    assertThat(environment.output()).contains(NOT_AVAILABLE);
    assertThat(device.exit()).isEqualTo(255);
  }

  private void assertNotOpened(String place) {
    OpenSshClient.End end = client.run(List.of("-W", place));
    assertThat(end.exit()).as(place).isEqualTo(255);
    assertThat(end.output()).as(place).contains("administratively prohibited");
  }

  private void assertNotForwardedBack(String place) {
    OpenSshClient.End end = client.run(List.of("-N", "-R", place + ":127.0.0.1:" + echo.port()));
    assertThat(end.exit()).as(place).isEqualTo(255);
    assertThat(end.output()).as(place).contains("remote port forwarding failed for listen port");
  }
}
