package io.fulmar.tunnel.internal.keys;

import io.fulmar.ConfigurationException;
import io.fulmar.Secret;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.params.Ed25519PrivateKeyParameters;
import org.jspecify.annotations.Nullable;

/** An Ed25519 key pair that was made here. Immutable. */
public final class GeneratedKey {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?");
  private static final Pattern IPV6 =
      Pattern.compile("[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9.]+)?");

  private static final String COMMENT = "fulmar";

  /**
   * {@code restrict} turns everything off, {@code port-forwarding} turns forwarding on again; the
   * command is run instead of any that is asked for, shell and sftp included.
   */
  private static final String OPTIONS =
      "restrict,port-forwarding,permitopen=\"%s\",permitlisten=\"%s\",command=\"/usr/sbin/nologin\"";

  /** There is no way to write "none", so a port that no user but root may have. */
  private static final String NO_LISTEN = "localhost:1";

  private final byte[] seed;
  private final byte[] publicKey;

  private GeneratedKey(byte[] seed, byte[] publicKey) {
    this.seed = seed;
    this.publicKey = publicKey;
  }

  /** Makes a pair. */
  public static GeneratedKey generate() {
    Ed25519PrivateKeyParameters key = new Ed25519PrivateKeyParameters(new SecureRandom());
    return new GeneratedKey(key.getEncoded(), key.generatePublicKey().getEncoded());
  }

  /** Type, key and comment. */
  public String publicKeyLine(String comment) {
    Objects.requireNonNull(comment, "comment");
    if (comment.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException("comment may not have control characters");
    }
    String wire = Base64.getEncoder().encodeToString(OpenSshKeyFormat.wire(publicKey));
    return ("ssh-ed25519 " + wire + " " + comment).strip();
  }

  /** As {@code ssh-keygen -l} shows it. */
  public String fingerprint() {
    return HostKey.fingerprint(OpenSshKeyFormat.wire(publicKey));
  }

  /** The text of the private key, encrypted if there is a passphrase. */
  public String privateKey(@Nullable Secret passphrase) {
    if (passphrase == null) {
      return OpenSshKeyFormat.ed25519(seed, publicKey, COMMENT, null);
    }
    String phrase = passphrase.reveal();
    if (phrase.isEmpty()) {
      throw new ConfigurationException(
          "Cannot encrypt the key: the passphrase is empty. Give one, or none at all.");
    }
    return OpenSshKeyFormat.ed25519(seed, publicKey, COMMENT, phrase.toCharArray());
  }

  /** Writes the private key to a new file. */
  public void write(Path file, @Nullable Secret passphrase) {
    byte[] text = privateKey(passphrase).getBytes(StandardCharsets.US_ASCII);
    try (SeekableByteChannel channel =
        Files.newByteChannel(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            KnownHostsFile.onlyForOwner(file, "rw-------"))) {
      ByteBuffer buffer = ByteBuffer.wrap(text);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    } catch (FileAlreadyExistsException e) {
      throw new ConfigurationException(
          "Cannot write the key to %s: there is such a file already. Name another or remove it."
              .formatted(file),
          e);
    } catch (IOException e) {
      throw new ConfigurationException(
          "Cannot write the key to %s: %s. Name a file in a folder that exists and can be written."
              .formatted(file, e.getClass().getSimpleName()),
          e);
    }
  }

  /** The line for connections to one place. */
  public String authorizedKeysForForward(String host, int port) {
    return line(place(host, port), NO_LISTEN);
  }

  /** The line for one port that is forwarded back, under both names that a client may ask for. */
  public String authorizedKeysForReverse(int port) {
    return line(
        place("127.0.0.1", port),
        "%s\",permitlisten=\"%s".formatted(place("127.0.0.1", port), place("localhost", port)));
  }

  private String line(String open, String listen) {
    return OPTIONS.formatted(open, listen) + " " + publicKeyLine(COMMENT);
  }

  /** What goes between quotes, and can therefore neither end them nor be a pattern. */
  private static String place(String host, int port) {
    Objects.requireNonNull(host, "host");
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException("port must be 1 to 65535, is " + port);
    }
    if (NAME.matcher(host).matches()) {
      return "%s:%s".formatted(host, port);
    }
    if (IPV6.matcher(host).matches()) {
      return "[%s]:%s".formatted(host, port);
    }
    throw new IllegalArgumentException(
        "host must be a name or an address, without a port or brackets");
  }

  @Override
  public String toString() {
    return fingerprint();
  }
}
