package io.fulmar.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.Secret;
import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Suppliers of secrets that fail with words that hold the secret, and secrets that are missing. */
@DisplayName("P11, S-04: no secret is in what is said when one is not to be had")
class SecretsOfTunnelTest {
  private static final String CANARY = "canary-4711";
  private static final Secret FAILING =
      Secret.of(
          () -> {
            throw new IllegalStateException("vault: " + CANARY);
          });

  @TempDir Path directory;

  private static TunnelException refusal(ForwardTunnel.Builder builder) {
    ForwardTunnel tunnel =
        builder
            .port(1)
            .user("fulmar")
            .hostKeys(HostKeys.fingerprint(SshKeyPair.generate().fingerprint()))
            .build();
    try (OpenTunnel open = tunnel.open()) {
      TunnelException refusal =
          catchThrowableOfType(TunnelException.class, () -> open.awaitUp(Duration.ofSeconds(20)));
      StringWriter all = new StringWriter();
      refusal.printStackTrace(new PrintWriter(all));
      assertThat(all.toString() + tunnel + open.status()).doesNotContain(CANARY);
      assertThat(refusal.kind()).isEqualTo(Kind.USER_KEY);
      return refusal;
    }
  }

  @Test
  void supplierOfThePasswordFails() {
    assertThat(refusal(SshTunnel.forward("127.0.0.1").password(FAILING)).fact())
        .isEqualTo("the supplier of the password threw java.lang.IllegalStateException");
  }

  @Test
  void passwordIsMissing() {
    assertThat(
            refusal(SshTunnel.forward("127.0.0.1").password(Secret.ofEnv("FULMAR_TEST_IS_NOT_SET")))
                .fact())
        .isEqualTo(
            "the password is not to be had (Cannot read the secret: the environment variable"
                + " FULMAR_TEST_IS_NOT_SET is not set. Set it.)");
  }

  @Test
  void supplierOfTheKeyFails() {
    assertThat(refusal(SshTunnel.forward("127.0.0.1").key(UserKey.text(FAILING))).fact())
        .isEqualTo("the supplier of the key threw java.lang.IllegalStateException");
  }

  @Test
  void supplierOfThePassphraseFails() {
    Path key = directory.resolve("key");
    SshKeyPair.generate().write(key, Secret.of("right"));
    assertThat(refusal(SshTunnel.forward("127.0.0.1").key(UserKey.file(key, FAILING))).fact())
        .isEqualTo("the supplier of the passphrase threw java.lang.IllegalStateException");
  }
}
