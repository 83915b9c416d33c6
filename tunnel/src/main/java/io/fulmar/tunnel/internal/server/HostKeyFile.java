package io.fulmar.tunnel.internal.server;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyPairResourceWriter;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.util.security.SecurityUtils;

/** The file in which a server keeps its private key, in the form of OpenSSH. */
final class HostKeyFile {
  private static final Set<PosixFilePermission> OWNER_ALONE =
      PosixFilePermissions.fromString("rw-------");
  private static final boolean POSIX =
      FileSystems.getDefault().supportedFileAttributeViews().contains("posix");

  private HostKeyFile() {}

  /** Reads the key, and makes it before if there is none. */
  static KeyPair readOrMake(Path file) throws IOException {
    if (!Files.exists(file)) {
      make(file);
    }
    return read(file);
  }

  private static KeyPair read(Path file) throws IOException {
    if (POSIX) {
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
      permissions.removeAll(
          Set.of(
              PosixFilePermission.OWNER_READ,
              PosixFilePermission.OWNER_WRITE,
              PosixFilePermission.OWNER_EXECUTE));
      if (!permissions.isEmpty()) {
        throw refusal(file, "others than its owner may use it. Run chmod 600 on it", null);
      }
    }
    List<KeyPair> found = new ArrayList<>();
    try (InputStream in = Files.newInputStream(file)) {
      Iterable<KeyPair> pairs =
          SecurityUtils.loadKeyPairIdentities(
              null, NamedResource.ofName("host key"), in, (session, resource, retry) -> null);
      if (pairs != null) {
        pairs.forEach(found::add);
      }
    } catch (GeneralSecurityException | IOException | RuntimeException e) {
      throw refusal(
          file,
          "it is no private key without passphrase. Delete it to have a new one made, which all"
              + " clients must be told of",
          e);
    }
    if (found.size() != 1) {
      throw refusal(file, "it holds %s private keys instead of one".formatted(found.size()), null);
    }
    try {
      PublicKeyLine.parse(PublicKeyEntry.toString(found.get(0).getPublic()));
    } catch (IllegalArgumentException e) {
      throw refusal(file, "it must be an Ed25519, ECDSA or RSA key of 2,048 bits or more", e);
    }
    return found.get(0);
  }

  /** There at once with all that is in it, or not at all. */
  private static void make(Path file) throws IOException {
    Path directory = file.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      throw refusal(file, "its directory does not exist", null);
    }
    FileAttribute<?>[] attributes =
        POSIX
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER_ALONE)}
            : new FileAttribute<?>[0];
    Path temporary = Files.createTempFile(directory, "host-key-", ".tmp", attributes);
    try {
      KeyPair pair = KeyUtils.generateKeyPair(KeyPairProvider.SSH_ED25519, 256);
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      OpenSSHKeyPairResourceWriter.INSTANCE.writePrivateKey(
          pair, "fulmar tunnel server", null, text);
      Files.write(temporary, text.toByteArray());
      // Unlike a move, this never takes the place of a key that another process has just made.
      Files.createLink(file, temporary);
    } catch (FileAlreadyExistsException e) {
      // The other process's key is as good.
      return;
    } catch (GeneralSecurityException e) {
      throw refusal(file, "no key could be made", e);
    } catch (UnsupportedOperationException e) {
      Files.move(temporary, file);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static IOException refusal(
      Path file, String why, @org.jspecify.annotations.Nullable Throwable cause) {
    return new IOException("Cannot use the host key in %s: %s.".formatted(file, why), cause);
  }
}
