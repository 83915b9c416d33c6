package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Source;
import io.fulmar.tunnel.OpenReverseTunnel;
import io.fulmar.tunnel.SshKeyPair;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.TunnelServer;
import io.fulmar.tunnel.TunnelState;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** README.md's tunnels are the code that runs here, and its lines are those that are made. */
class TunnelExampleTest {
  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"TunnelExample", "ReverseTunnelExample", "TunnelServerExample"})
  void exampleIsTheCodeThatRuns(String example) {
    assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(Readme.tokens(Readme.marked("io.fulmar.verify.readme." + example)));
  }

  @Test
  void sourceHasTheTunnelAndOpensNothing() {
    Source source = TunnelExample.source(directory.resolve("none"), directory.resolve("none"));
    assertThat(Objects.requireNonNull(source.tunnel()).name())
        .isEqualTo("ssh://fulmar@bastion.example.com:22");
  }

  @Test
  void reverseTunnelTriesAndEnds() {
    SshKeyPair key = SshTunnel.generateKeyPair();
    key.write(directory.resolve("key"));
    OpenReverseTunnel tunnel = ReverseTunnelExample.open(directory.resolve("key"));
    assertThat(tunnel.status().state()).isEqualTo(TunnelState.CONNECTING);
    tunnel.close();
    assertThat(tunnel.status().state()).isEqualTo(TunnelState.CLOSED);
  }

  @Test
  void serverTakesTheKeyAndTellsItsOwn() throws Exception {
    String key = SshTunnel.generateKeyPair().publicKeyLine("shop");
    try (TunnelServer server = TunnelServerExample.start(directory.resolve("host"), key)) {
      assertThat(server.port()).isEqualTo(2222);
      assertThat(server.openPorts()).isEmpty();
    }
  }

  @Test
  void linesForAuthorizedKeysAreThoseThatAreMade() {
    SshKeyPair key = SshTunnel.generateKeyPair();
    String shown =
        Readme.blocks("text").stream()
            .filter(block -> block.contains("permitopen"))
            .findFirst()
            .orElseThrow();
    assertThat(shown.lines().map(line -> line.substring(0, line.indexOf(" ssh-ed25519 "))))
        .containsExactlyElementsOf(
            Stream.of(
                    key.authorizedKeysForForward("db.internal", 5432),
                    key.authorizedKeysForReverse(5433))
                .map(line -> line.substring(0, line.indexOf(" ssh-ed25519 ")))
                .toList());
  }
}
