package io.fulmar.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Secret;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import net.schmizz.sshj.common.Buffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Key pairs that are made here, read by the real ssh-keygen and by the reader of user keys. */
class SshKeyPairTest {
  @TempDir Path folder;
  private SshKeygen keygen;
  private final SshKeyPair pair = SshKeyPair.generate();

  @BeforeEach
  void findKeygen() {
    keygen = new SshKeygen(folder);
  }

  @Test
  @DisplayName("A new key is read by ssh-keygen, which gives the same public key and fingerprint")
  void keyIsReadBySshKeygen() throws Exception {
    Path file = folder.resolve("key");
    pair.write(file);

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(keygen.run("-y", "-f", file.toString()).strip())
        .isEqualTo(pair.publicKeyLine("fulmar"));
    assertThat(keygen.run("-l", "-f", file.toString()))
        .isEqualTo("256 %s fulmar (ED25519)\n".formatted(pair.fingerprint()));
    assertReadable(UserKey.file(file));
    assertReadable(UserKey.text(pair.privateKey()));
  }

  @Test
  @DisplayName("A new key that is encrypted is read by ssh-keygen with its passphrase alone")
  void encryptedKeyIsReadBySshKeygen() throws Exception {
    Path file = folder.resolve("key");
    Secret passphrase = Secret.of("Ärger & Müh \"1\"");
    pair.write(file, passphrase);

    assertThat(keygen.run("-y", "-P", passphrase.reveal(), "-f", file.toString()).strip())
        .isEqualTo(pair.publicKeyLine("fulmar"));
    assertThat(keygen.tryRun("-y", "-P", "wrong", "-f", file.toString()).exit()).isNotZero();
    assertReadable(UserKey.file(file, passphrase));
    assertReadable(UserKey.text(pair.privateKey(passphrase), passphrase));
    assertThatThrownBy(() -> pair.privateKey(Secret.of("")))
        .isExactlyInstanceOf(ConfigurationException.class)
        .hasMessage("Cannot encrypt the key: the passphrase is empty. Give one, or none at all.");
  }

  private void assertReadable(UserKey key) throws Exception {
    byte[] wire =
        new Buffer.PlainBuffer().putPublicKey(key.source().load().getPublic()).getCompactData();
    assertThat("ssh-ed25519 " + Base64.getEncoder().encodeToString(wire))
        .isEqualTo(pair.publicKeyLine(""));
  }

  @Test
  @DisplayName("A file that exists is not overwritten")
  void fileIsNotOverwritten() throws Exception {
    Path file = Files.writeString(folder.resolve("key"), "precious");
    Path nowhere = folder.resolve("no").resolve("key");

    assertThatThrownBy(() -> pair.write(file))
        .isExactlyInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot write the key to %s: there is such a file already. Name another or remove it.",
            file);
    assertThat(file).hasContent("precious");
    assertThatThrownBy(() -> pair.write(nowhere))
        .isExactlyInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot write the key to %s: NoSuchFileException. Name a file in a folder that exists"
                + " and can be written.",
            nowhere);
  }

  @Test
  @DisplayName("P11: The private key does not show, and two pairs differ")
  void privateKeyDoesNotShow() {
    assertThat(pair).hasToString("SshKeyPair[%s]".formatted(pair.fingerprint()));
    assertThat(pair.privateKey()).hasToString("Secret[***]");
    assertThat(SshKeyPair.generate().fingerprint()).isNotEqualTo(pair.fingerprint());
  }

  @Test
  @DisplayName("The lines for authorized_keys hold the user to one use")
  void linesHoldToOneUse() {
    String end = ",command=\"/usr/sbin/nologin\" " + pair.publicKeyLine("fulmar");

    assertThat(pair.authorizedKeysForForward("db.internal", 5432))
        .isEqualTo(
            "restrict,port-forwarding,permitopen=\"db.internal:5432\",permitlisten=\"localhost:1\""
                + end);
    assertThat(pair.authorizedKeysForForward("2001:db8::1", 5432))
        .isEqualTo(
            "restrict,port-forwarding,permitopen=\"[2001:db8::1]:5432\",permitlisten=\"localhost:1\""
                + end);
    assertThat(pair.authorizedKeysForReverse(5433))
        .isEqualTo(
            "restrict,port-forwarding,permitopen=\"127.0.0.1:5433\",permitlisten=\"127.0.0.1:5433\""
                + ",permitlisten=\"localhost:5433\""
                + end);
  }

  @ParameterizedTest
  @DisplayName("No option and no pattern can be put into a line by the host")
  @ValueSource(
      strings = {
        "", "*", "db*", "db\"", "db,x", "db x", "db\n", "db:5432", "[::1]", "-x", "x-", ".", "dü",
        "a:*"
      })
  void hostIsChecked(String host) {
    assertThatThrownBy(() -> pair.authorizedKeysForForward(host, 5432))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("host must be a name or an address, without a port or brackets");
  }

  @ParameterizedTest
  @DisplayName("Ports and comments are checked")
  @CsvSource({"0", "-1", "65536"})
  void portIsChecked(int port) {
    assertThatThrownBy(() -> pair.authorizedKeysForReverse(port))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("port must be 1 to 65535, is " + port);
    assertThatThrownBy(() -> pair.publicKeyLine("a\nb"))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("comment may not have control characters");
  }
}
