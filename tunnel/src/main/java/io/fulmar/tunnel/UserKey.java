package io.fulmar.tunnel;

import io.fulmar.Secret;
import io.fulmar.tunnel.internal.keys.GivenUserKey;
import io.fulmar.tunnel.internal.keys.UserKeySource;
import java.nio.file.Path;
import java.util.Objects;

/**
 * The private key with which a user proves to an SSH server who they are. This class is immutable
 * and threadsafe.
 *
 * <p>It is read anew for each SSH connection, so that a key can be exchanged while the application
 * runs; errors come with the connection, as {@link io.fulmar.TunnelException} of kind {@code
 * USER_KEY}, one for each cause. Ed25519, ECDSA on P-256, P-384 and P-521, and RSA of at least 2048
 * bits, in the formats of OpenSSH, PKCS#8, PKCS#1, SEC 1 and PuTTY (2 and 3), each also encrypted
 * with a passphrase. DSA and keys that are in a security key (FIDO) are refused, and certificates
 * of users are not used.
 */
public final class UserKey {
  private final UserKeySource source;

  private UserKey(UserKeySource source) {
    this.source = source;
  }

  /**
   * A key that is not encrypted, in a file.
   *
   * @param file the file; need not exist before a connection is made. If it belongs to the user
   *     that runs the application, nobody else may have access to it (mode 0600), as with {@code
   *     ssh}.
   */
  public static UserKey file(Path file) {
    return new UserKey(GivenUserKey.file(Objects.requireNonNull(file, "file"), null));
  }

  /**
   * A key in a file.
   *
   * @param file the file; need not exist before a connection is made. If it belongs to the user
   *     that runs the application, nobody else may have access to it (mode 0600), as with {@code
   *     ssh}.
   * @param passphrase what it is encrypted with; not asked for if it is not encrypted
   */
  public static UserKey file(Path file, Secret passphrase) {
    return new UserKey(
        GivenUserKey.file(
            Objects.requireNonNull(file, "file"),
            Objects.requireNonNull(passphrase, "passphrase")));
  }

  /**
   * A key that is not encrypted, as a text.
   *
   * @param pem what would stand in the file, with its line breaks
   */
  public static UserKey text(Secret pem) {
    return new UserKey(GivenUserKey.text(Objects.requireNonNull(pem, "pem"), null));
  }

  /**
   * A key as a text.
   *
   * @param pem what would stand in the file, with its line breaks
   * @param passphrase what it is encrypted with; not asked for if it is not encrypted
   */
  public static UserKey text(Secret pem, Secret passphrase) {
    return new UserKey(
        GivenUserKey.text(
            Objects.requireNonNull(pem, "pem"), Objects.requireNonNull(passphrase, "passphrase")));
  }

  /** Where it is read from. */
  UserKeySource source() {
    return source;
  }

  @Override
  public String toString() {
    return "UserKey[%s]".formatted(source.name());
  }
}
