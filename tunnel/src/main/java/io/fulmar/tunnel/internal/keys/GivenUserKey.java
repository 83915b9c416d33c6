package io.fulmar.tunnel.internal.keys;

import io.fulmar.Secret;
import io.fulmar.TunnelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import net.schmizz.sshj.userauth.keyprovider.KeyPairWrapper;
import net.schmizz.sshj.userauth.keyprovider.KeyProvider;
import org.jspecify.annotations.Nullable;

/** A private key in a file, or as a text. */
public final class GivenUserKey implements UserKeySource {
  /** More than any private key has. */
  private static final long MAX_BYTES = 1 << 20;

  private static final Set<PosixFilePermission> OWNER =
      EnumSet.of(
          PosixFilePermission.OWNER_READ,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_EXECUTE);

  private final @Nullable Path file;
  private final @Nullable Secret text;
  private final @Nullable Secret passphrase;

  private GivenUserKey(@Nullable Path file, @Nullable Secret text, @Nullable Secret passphrase) {
    this.file = file;
    this.text = text;
    this.passphrase = passphrase;
  }

  /** A key in a file. */
  public static GivenUserKey file(Path file, @Nullable Secret passphrase) {
    return new GivenUserKey(file, null, passphrase);
  }

  /** A key as a text. */
  public static GivenUserKey text(Secret text, @Nullable Secret passphrase) {
    return new GivenUserKey(null, text, passphrase);
  }

  @Override
  public String name() {
    return file == null ? "the given key" : file.toString();
  }

  @Override
  public KeyProvider load() {
    PrivateKeyReader reader = new PrivateKeyReader(doing(), passphrase);
    String content = text != null ? SecretText.of(doing(), "the key", text) : content();
    return new KeyPairWrapper(reader.read(content));
  }

  private String doing() {
    return file == null ? "use the given key" : "use the key " + file;
  }

  private String content() {
    Path path = Objects.requireNonNull(file, "file");
    try {
      if (Files.isDirectory(path)) {
        throw bad("it is a directory", "Name the file of the private key in it.", null);
      }
      refuseIfOthersCanRead(path);
      if (Files.size(path) > MAX_BYTES) {
        throw bad(
            "its format is unknown",
            "Give a private key in the format of OpenSSH, PEM or PuTTY.",
            null);
      }
      return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      throw bad(
          "there is no such file",
          "Name the file of a private key, or make one: ssh-keygen -t ed25519 -f " + path + ".",
          e);
    } catch (AccessDeniedException e) {
      throw bad(
          "the user that runs this application may not read the file",
          "Give the file to that user with chown, and keep chmod 600.",
          e);
    } catch (IOException e) {
      throw bad("the file cannot be read", "The cause says why.", e);
    }
  }

  /** As ssh does: somebody else's file, as a mounted secret may be, is their business. */
  private void refuseIfOthersCanRead(Path path) throws IOException {
    if (!path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return;
    }
    PosixFileAttributes attributes = Files.readAttributes(path, PosixFileAttributes.class);
    if (!OWNER.containsAll(attributes.permissions()) && isOurs(path, attributes)) {
      int mode = 0;
      for (PosixFilePermission permission : attributes.permissions()) {
        mode |= 0400 >> permission.ordinal();
      }
      throw bad(
          "others have access to the file, too (mode %04o)".formatted(mode),
          "Run chmod 600 " + path + ".",
          null);
    }
  }

  private static boolean isOurs(Path path, PosixFileAttributes attributes) throws IOException {
    Path self = Path.of("/proc/self");
    if (Files.exists(self) && path.getFileSystem().supportedFileAttributeViews().contains("unix")) {
      return Files.getAttribute(path, "unix:uid").equals(Files.getAttribute(self, "unix:uid"));
    }
    return attributes.owner().getName().equals(System.getProperty("user.name"));
  }

  private TunnelException bad(String fact, String remedy, @Nullable Throwable cause) {
    return new TunnelException(TunnelException.Kind.USER_KEY, doing(), fact, remedy, cause);
  }

  @Override
  public String toString() {
    return name();
  }
}
