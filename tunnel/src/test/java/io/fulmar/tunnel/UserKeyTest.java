package io.fulmar.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Secret;
import io.fulmar.TunnelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.Base64;
import java.util.Objects;
import net.schmizz.sshj.common.Buffer;
import net.schmizz.sshj.userauth.keyprovider.KeyProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Private keys as ssh-keygen, PuTTY and others write them. Each is read, and the public part that
 * comes with it is the one that ssh-keygen tells; or it is refused with one message that says why.
 */
class UserKeyTest {
  private static final Secret PASSPHRASE = Secret.of("correct horse");

  @TempDir Path folder;
  private SshKeygen keygen;

  @BeforeEach
  void findKeygen() {
    keygen = new SshKeygen(folder);
  }

  @ParameterizedTest
  @DisplayName("T-11: Keys as ssh-keygen writes them are read, in each of its formats")
  @CsvSource({
    "ed25519, 256, RFC4716",
    "ecdsa, 256, RFC4716",
    "ecdsa, 384, RFC4716",
    "ecdsa, 521, RFC4716",
    "rsa, 2048, RFC4716",
    "ecdsa, 256, PKCS8",
    "ecdsa, 384, PKCS8",
    "ecdsa, 521, PKCS8",
    "rsa, 2048, PKCS8",
    "ecdsa, 256, PEM",
    "ecdsa, 521, PEM",
    "rsa, 3072, PEM"
  })
  void keyOfSshKeygenIsRead(String type, String bits, String format) throws IOException {
    Path plain = keygen.make("-t", type, "-b", bits, "-m", format);
    Path encrypted = keygen.make("-t", type, "-b", bits, "-m", format, "-N", PASSPHRASE.reveal());

    assertThat(publicLine(UserKey.file(plain))).isEqualTo(SshKeygen.publicLine(plain));
    assertThat(publicLine(UserKey.file(encrypted, PASSPHRASE)))
        .isEqualTo(SshKeygen.publicLine(encrypted));
    assertThat(publicLine(UserKey.text(Secret.of(SshKeygen.read(plain)), PASSPHRASE)))
        .as("a passphrase that is not needed")
        .isEqualTo(SshKeygen.publicLine(plain));
    assertRefused(
        UserKey.file(encrypted),
        "Cannot use the key %s: it is encrypted, and there is no passphrase for it. Give the"
            + " passphrase as a Secret with the key.",
        encrypted);
    assertRefused(
        UserKey.file(encrypted, Secret.of("wrong")),
        "Cannot use the key %s: it could not be decrypted with its passphrase. Try the passphrase"
            + " with ssh-keygen -y -f on a copy of the key (PuTTY: puttygen -L).",
        encrypted);
  }

  @ParameterizedTest
  @DisplayName("T-11: Keys are read in each cipher that ssh-keygen encrypts them with")
  @ValueSource(strings = {"aes128-cbc", "aes256-cbc", "aes256-ctr", "aes256-gcm@openssh.com"})
  void eachCipherIsRead(String cipher) throws IOException {
    Path key = keygen.make("-t", "ed25519", "-Z", cipher, "-N", PASSPHRASE.reveal());

    assertThat(publicLine(UserKey.file(key, PASSPHRASE))).isEqualTo(SshKeygen.publicLine(key));
  }

  @ParameterizedTest
  @DisplayName("T-11: Keys as PuTTY writes them are read, in versions 2 and 3")
  @CsvSource({"ed25519, 2", "ed25519, 3", "ecdsa, 2", "ecdsa, 3", "rsa, 2", "rsa, 3"})
  void keyOfPuttyIsRead(String type, int version) throws IOException {
    String text = resource("%s-v%d.ppk".formatted(type, version));
    String expected = resource(type + ".pub");

    assertThat(expected).startsWith(publicLine(UserKey.text(Secret.of(text))) + " ");
    assertThat(expected)
        .as("with the line ends of Windows")
        .startsWith(publicLine(UserKey.text(Secret.of(text.replace("\n", "\r\n")))) + " ");
  }

  @ParameterizedTest
  @DisplayName("T-11: Encrypted keys as PuTTY writes them are read, and refused without passphrase")
  @ValueSource(ints = {2, 3})
  void encryptedKeyOfPuttyIsRead(int version) throws IOException {
    Secret text = Secret.of(resource("ed25519-encrypted-v%d.ppk".formatted(version)));

    assertThat(resource("ed25519.pub"))
        .startsWith(publicLine(UserKey.text(text, PASSPHRASE)) + " ");
    assertRefused(
        UserKey.text(text),
        "Cannot use the given key: it is encrypted, and there is no passphrase for it. Give the"
            + " passphrase as a Secret with the key.");
    assertRefused(
        UserKey.text(text, Secret.of("wrong")),
        "Cannot use the given key: it could not be decrypted with its passphrase. Try the"
            + " passphrase with ssh-keygen -y -f on a copy of the key (PuTTY: puttygen -L).");
  }

  @ParameterizedTest
  @DisplayName(
      "T-11: PKCS#8 keys that Java made are read: Ed25519, and ECDSA without its public key")
  @CsvSource({"Ed25519, 255", "EC, 256", "RSA, 2048"})
  void keyOfJavaIsRead(String algorithm, int bits) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
    generator.initialize(bits);
    KeyPair pair = generator.generateKeyPair();
    String pem = pem("PRIVATE KEY", pair.getPrivate().getEncoded());

    assertThat(publicLine(UserKey.text(Secret.of(pem))))
        .endsWith(" " + Base64.getEncoder().encodeToString(wire(pair.getPublic())));
  }

  @Test
  @DisplayName("T-11: Text around a key, indentation and a byte order mark do no harm")
  void surroundingsDoNoHarm() throws IOException {
    Path key = keygen.make("-t", "ecdsa", "-m", "PEM");
    String indented = SshKeygen.read(key).indent(4).replace("\n", "\r\n");
    String parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

    assertThat(publicLine(UserKey.text(Secret.of("\uFEFF" + parameters + indented + "more\n"))))
        .isEqualTo(SshKeygen.publicLine(key));
  }

  @Test
  @DisplayName("T-11: Files that are not there, folders and empty files are told apart")
  void filesAreToldApart() throws IOException {
    Path missing = folder.resolve("missing");
    Path empty = Files.createFile(folder.resolve("empty"));
    Files.setPosixFilePermissions(empty, PosixFilePermissions.fromString("rw-------"));

    assertRefused(
        UserKey.file(missing),
        "Cannot use the key %s: there is no such file. Name the file of a private key, or make one:"
            + " ssh-keygen -t ed25519 -f %<s.",
        missing);
    assertRefused(
        UserKey.file(folder),
        "Cannot use the key %s: it is a directory. Name the file of the private key in it.",
        folder);
    assertRefused(
        UserKey.file(empty), "Cannot use the key %s: it is empty. Give a private key.", empty);
  }

  @ParameterizedTest
  @DisplayName("T-11: A key file that others have access to is refused, as ssh does")
  @CsvSource({"rw-r--r--, 0644", "rw-r-----, 0640", "rw-----w-, 0602"})
  void openFileIsRefused(String permissions, String mode) throws IOException {
    Path key = keygen.make("-t", "ed25519");
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString(permissions));

    assertRefused(
        UserKey.file(key),
        "Cannot use the key %s: others have access to the file, too (mode %s). Run chmod 600 %1$s.",
        key,
        mode);
  }

  @ParameterizedTest
  @DisplayName("T-11: RSA keys that are too small are refused")
  @CsvSource({"1024, RFC4716", "1024, PEM", "2047, PKCS8"})
  void smallRsaIsRefused(int bits, String format) {
    Path key = keygen.make("-t", "rsa", "-b", String.valueOf(bits), "-m", format);

    assertRefused(
        UserKey.file(key),
        "Cannot use the key %s: it is an RSA key of %d bits, and fewer than 2048 are not accepted."
            + " Make an Ed25519 key: ssh-keygen -t ed25519.",
        key,
        bits);
  }

  @ParameterizedTest
  @DisplayName("T-11: DSA keys are refused")
  @ValueSource(strings = {"dsa", "dsa.ppk"})
  void dsaIsRefused(String name) throws IOException {
    assertRefused(
        UserKey.text(Secret.of(resource(name))),
        "Cannot use the given key: it is a DSA key, which SSH servers have not accepted for years."
            + " Make an Ed25519 key: ssh-keygen -t ed25519.");
  }

  @Test
  @DisplayName("T-11: Types and curves that SSH does not have are refused")
  void otherTypesAreRefused() throws Exception {
    String ed448 =
        pem(
            "PRIVATE KEY",
            KeyPairGenerator.getInstance("Ed448").generateKeyPair().getPrivate().getEncoded());

    assertRefused(
        UserKey.text(Secret.of(ed448)),
        "Cannot use the given key: its type is not supported: another algorithm; Ed25519, ECDSA and"
            + " RSA are. Make an Ed25519 key: ssh-keygen -t ed25519.");
  }

  @Test
  @DisplayName("T-11: A public key in place of the private one is told")
  void publicKeyIsTold() throws Exception {
    Path key = keygen.make("-t", "ed25519");
    String message =
        "Cannot use the given key: it is a public key. Give the private key; of the two files that"
            + " ssh-keygen makes it is the one without .pub.";

    assertRefused(UserKey.text(Secret.of(SshKeygen.read(Path.of(key + ".pub")))), message);
    assertRefused(
        UserKey.text(Secret.of(keygen.run("-e", "-m", "PKCS8", "-f", rsa() + ".pub"))), message);
    assertRefused(UserKey.text(Secret.of(keygen.run("-e", "-f", key + ".pub"))), message);
  }

  private Path rsa() {
    return keygen.make("-t", "rsa", "-b", "2048");
  }

  @Test
  @DisplayName("T-11: What is no key at all, and a key that lost its line breaks, are told")
  void whatIsNoKeyIsTold() {
    Path key = keygen.make("-t", "ed25519");

    assertRefused(
        UserKey.text(Secret.of("hunter2")),
        "Cannot use the given key: its format is unknown. Give a private key in the format of"
            + " OpenSSH, PEM or PuTTY.");
    assertRefused(
        UserKey.text(Secret.of(SshKeygen.read(key).replace("\n", " "))),
        "Cannot use the given key: its line breaks are missing. Give the key with the line breaks"
            + " that it had.");
  }

  @ParameterizedTest
  @DisplayName("T-11: A key that is cut off or damaged is told, without a piece of it")
  @CsvSource({"ed25519, RFC4716", "ecdsa, PKCS8", "rsa, PEM"})
  void damagedKeyIsTold(String type, String format) {
    String text = SshKeygen.read(keygen.make("-t", type, "-m", format));
    String[] lines = text.split("\n");
    String shorter = text.replace(lines[2] + "\n", "");

    assertRefused(
        UserKey.text(Secret.of(text.substring(0, text.indexOf("-----END")))),
        "Cannot use the given key: it is cut off: the END line is missing. Give the whole file, as"
            + " it was made.");
    assertRefused(
        UserKey.text(Secret.of(shorter)),
        "Cannot use the given key: it is damaged or cut off. Give the whole file, as it was made.");
    assertRefused(
        UserKey.text(Secret.of(text.replace(lines[1], lines[1].substring(1) + "*"))),
        "Cannot use the given key: it is damaged or cut off. Give the whole file, as it was made.");
  }

  @Test
  @DisplayName("T-11: A private part under another public part is told")
  void foreignPublicPartIsTold() throws Exception {
    Path one = rsa();
    Path two = rsa();
    String text = SshKeygen.read(one);
    byte[] body =
        Base64.getMimeDecoder().decode(text.replaceAll("-----[A-Z ]*-----", "").replace("\n", ""));
    byte[] right = Base64.getDecoder().decode(SshKeygen.publicLine(one).split(" ")[1]);
    byte[] wrong = Base64.getDecoder().decode(SshKeygen.publicLine(two).split(" ")[1]);
    int at = "openssh-key-v1\0".length() + 4 + 4 + 4 + 4 + 4 + 4 + 4;
    assertThat(Arrays.copyOfRange(body, at, at + right.length)).isEqualTo(right);
    System.arraycopy(wrong, 0, body, at, wrong.length);

    assertRefused(
        UserKey.text(Secret.of(pem("OPENSSH PRIVATE KEY", body))),
        "Cannot use the given key: its public and its private part do not belong together. Give the"
            + " whole file, as it was made.");
  }

  @Test
  @DisplayName("P11: Nothing of a key or a passphrase is shown, and they are asked for late")
  void nothingIsShown() {
    Secret forbidden =
        Secret.of(
            () -> {
              throw new ConfigurationException("asked");
            });
    UserKey key = UserKey.text(forbidden, forbidden);

    assertThat(key).hasToString("UserKey[the given key]");
    assertThat(UserKey.file(Path.of("/k"), forbidden)).hasToString("UserKey[/k]");
    assertThatThrownBy(() -> key.source().load())
        .isExactlyInstanceOf(TunnelException.class)
        .hasMessage(
            "Cannot use the given key: the key is not to be had (asked). Look at where it comes"
                + " from.");
  }

  private static String pem(String label, byte[] body) {
    return "-----BEGIN %s-----\n%s\n-----END %1$s-----\n"
        .formatted(label, Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(body));
  }

  private static String publicLine(UserKey key) throws IOException {
    KeyProvider provider = key.source().load();
    assertThat(provider.getPrivate()).isNotNull();
    return provider.getType()
        + " "
        + Base64.getEncoder().encodeToString(wire(provider.getPublic()));
  }

  private static byte[] wire(PublicKey key) {
    return new Buffer.PlainBuffer().putPublicKey(key).getCompactData();
  }

  private static void assertRefused(UserKey key, String message, Object... values) {
    assertThatThrownBy(() -> key.source().load())
        .isExactlyInstanceOf(TunnelException.class)
        .hasMessage(message.formatted(values))
        .extracting(e -> ((TunnelException) e).kind())
        .isEqualTo(TunnelException.Kind.USER_KEY);
  }

  private static String resource(String name) throws IOException {
    try (var in = UserKeyTest.class.getResourceAsStream("keys/" + name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
