package io.fulmar.tunnel;

import io.fulmar.ConfigurationException;
import io.fulmar.Secret;
import io.fulmar.tunnel.internal.keys.GeneratedKey;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A new Ed25519 key pair for an SSH user that does nothing but one tunnel, and the lines for {@code
 * authorized_keys} that hold the user to that. This class is immutable and threadsafe.
 *
 * <pre>{@code
 * SshKeyPair pair = SshKeyPair.generate();
 * pair.write(Path.of("/etc/crm/tunnel_key"));
 * System.out.println(pair.authorizedKeysForForward("db.internal", 5432));
 * }</pre>
 *
 * <p>With such a line, the user should still be one of its own on the SSH server, without a
 * password and not root. Two things no option of {@code authorized_keys} forbids to whom it allows
 * forwarding: to forward a Unix socket of the SSH server back to the client, and network devices.
 * {@code AllowStreamLocalForwarding no} and {@code PermitTunnel no} (the default) in {@code
 * sshd_config} do.
 */
public final class SshKeyPair {
  private final GeneratedKey key;

  private SshKeyPair(GeneratedKey key) {
    this.key = key;
  }

  /** Makes a key pair from the randomness of the operating system. */
  public static SshKeyPair generate() {
    return new SshKeyPair(GeneratedKey.generate());
  }

  /**
   * The public key as {@code ssh-keygen} writes it to a {@code .pub} file, without a line break.
   * With it in {@code authorized_keys}, the user may do everything: prefer the lines for a use.
   *
   * @param comment what the key is called; may be empty, may not have control characters
   * @throws IllegalArgumentException if the comment has control characters
   */
  public String publicKeyLine(String comment) {
    return key.publicKeyLine(comment);
  }

  /** The SHA-256 fingerprint of the public key, as {@code ssh-keygen -l} shows it. */
  public String fingerprint() {
    return key.fingerprint();
  }

  /** The private key in the format of OpenSSH, not encrypted. */
  public Secret privateKey() {
    return Secret.of(key.privateKey(null));
  }

  /**
   * The private key in the format of OpenSSH, encrypted as {@code ssh-keygen} does it (AES-256-CTR,
   * bcrypt with 24 rounds).
   *
   * @param passphrase asked for once, now; may not be empty
   */
  public Secret privateKey(Secret passphrase) {
    return Secret.of(key.privateKey(Objects.requireNonNull(passphrase, "passphrase")));
  }

  /**
   * Writes the private key, not encrypted, to a new file that its owner alone can read (mode 0600
   * where the file system has modes).
   *
   * @param file where to; its folder must exist
   * @throws ConfigurationException if there is such a file already, or it cannot be written
   */
  public void write(Path file) {
    key.write(Objects.requireNonNull(file, "file"), null);
  }

  /**
   * Writes the private key, encrypted, to a new file that its owner alone can read (mode 0600 where
   * the file system has modes).
   *
   * @param file where to; its folder must exist
   * @param passphrase asked for once, now; may not be empty
   * @throws ConfigurationException if there is such a file already, or it cannot be written
   */
  public void write(Path file, Secret passphrase) {
    key.write(
        Objects.requireNonNull(file, "file"), Objects.requireNonNull(passphrase, "passphrase"));
  }

  /**
   * The line of {@code authorized_keys} for a forward tunnel: connections to one place, as seen
   * from the SSH server, and nothing else. No command, file transfer, agent, X11 or other place; a
   * port of the SSH server cannot be forwarded back, except port 1, for which no user but root is
   * allowed. Needs OpenSSH 7.8 or later.
   *
   * @param host the database, spelled as in the URL of the source: the SSH server compares text
   * @param port its port, 1 to 65535
   * @throws IllegalArgumentException if the host is neither a name nor an address, or the port is
   *     out of range
   */
  public String authorizedKeysForForward(String host, int port) {
    return key.authorizedKeysForForward(host, port);
  }

  /**
   * The line of {@code authorized_keys} for a reverse tunnel: one port of the loopback interface of
   * the SSH server is forwarded back, connections to just that port are allowed for the health
   * probe, and nothing else. Needs OpenSSH 7.8 or later.
   *
   * @param port the port on the SSH server, 1 to 65535
   * @throws IllegalArgumentException if the port is out of range
   */
  public String authorizedKeysForReverse(int port) {
    return key.authorizedKeysForReverse(port);
  }

  @Override
  public String toString() {
    return "SshKeyPair[%s]".formatted(key.fingerprint());
  }
}
