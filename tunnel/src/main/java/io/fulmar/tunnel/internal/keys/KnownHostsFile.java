package io.fulmar.tunnel.internal.keys;

import io.fulmar.TunnelException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A known_hosts file, read anew for each connection; new hosts are added to it only if asked for.
 */
public final class KnownHostsFile implements KnownHostsSource {
  private static final Duration LOCK_WAIT = Duration.ofSeconds(10);
  private static final Duration LOCK_POLL = Duration.ofMillis(5);

  /** What becomes of a host that is not known. */
  public enum NewHosts {
    /** Its key is refused. */
    REFUSED,
    /** Its key is taken in. */
    LEARNT
  }

  private final Path file;
  private final NewHosts newHosts;

  /**
   * Names a file.
   *
   * @param file the file, of the form of known_hosts
   * @param newHosts what becomes of a host that is not in it
   */
  public KnownHostsFile(Path file, NewHosts newHosts) {
    this.file = file;
    this.newHosts = newHosts;
  }

  @Override
  public KnownHosts read() {
    try {
      return parse(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      if (learns()) {
        return parse(new byte[0]);
      }
      throw new TunnelException(
          TunnelException.Kind.HOST_KEY,
          "read " + file,
          "there is no such file",
          "Write the host keys of the SSH server to it with ssh-keyscan -p 22 bastion >> %s and"
                  .formatted(file)
              + " compare ssh-keygen -lf %s with the fingerprints that its administrator gives, or"
                  .formatted(file)
              + " pin a fingerprint with HostKeys.fingerprint(...).",
          e);
    } catch (IOException e) {
      throw new TunnelException(
          TunnelException.Kind.HOST_KEY,
          "read " + file,
          Files.isDirectory(file) ? "it is a directory" : "the file cannot be read",
          Files.isDirectory(file)
              ? "Name the known_hosts file in it."
              : "Let the user that runs this application read it.",
          e);
    }
  }

  private KnownHosts parse(byte[] bytes) {
    return KnownHosts.parse(file.toString(), new String(bytes, StandardCharsets.UTF_8));
  }

  @Override
  public boolean learns() {
    return newHosts == NewHosts.LEARNT;
  }

  @Override
  public @Nullable TunnelException learn(
      String host,
      int port,
      String line,
      Function<KnownHosts, KnownHostsPolicy.@Nullable Verdict> already) {
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null && !Files.isDirectory(folder)) {
        Files.createDirectories(folder, onlyForOwner(folder, "rwx------"));
      }
      try (FileChannel channel =
          FileChannel.open(
              file,
              Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
              onlyForOwner(file, "rw-------"))) {
        lock(channel);
        byte[] before = readAll(channel);
        KnownHostsPolicy.Verdict verdict = already.apply(parse(before));
        if (verdict != null) {
          return verdict.refusal();
        }
        boolean open = before.length > 0 && before[before.length - 1] != '\n';
        append(channel, before.length, (open ? "\n" : "") + line + "\n");
        return null;
      }
    } catch (IOException e) {
      return new TunnelException(
          TunnelException.Kind.HOST_KEY,
          AbstractHostKeyCheck.doing(host, port),
          "its host key is new and could not be written to " + file,
          "Let the user that runs this application write the file, or add the line: " + line,
          e);
    }
  }

  /**
   * Waits for other JVMs in the kernel, and for other threads of this one here. The lock goes with
   * the channel.
   */
  private static void lock(FileChannel channel) throws IOException {
    long end = System.nanoTime() + LOCK_WAIT.toNanos();
    while (true) {
      try {
        channel.lock();
        return;
      } catch (OverlappingFileLockException e) {
        if (System.nanoTime() - end > 0) {
          throw new IOException("another thread of this JVM holds the file", e);
        }
        LockSupport.parkNanos(LOCK_POLL.toNanos());
      }
    }
  }

  private static byte[] readAll(FileChannel channel) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ByteBuffer buffer = ByteBuffer.allocate(8192);
    while (channel.read(buffer) >= 0) {
      bytes.write(buffer.array(), 0, buffer.position());
      buffer.clear();
    }
    return bytes.toByteArray();
  }

  private static void append(FileChannel channel, long at, String text) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    try {
      long position = at;
      while (buffer.hasRemaining()) {
        position += channel.write(buffer, position);
      }
      channel.force(true);
    } catch (IOException e) {
      // Half a line would be an error for everybody who reads the file.
      try {
        channel.truncate(at);
      } catch (IOException e2) {
        e.addSuppressed(e2);
      }
      throw e;
    }
  }

  /** The permissions of what is made new, where the file system has such. */
  static FileAttribute<?>[] onlyForOwner(Path path, String permissions) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        }
        : new FileAttribute<?>[0];
  }

  @Override
  public String toString() {
    return learns() ? "%s, new hosts are added".formatted(file) : file.toString();
  }
}
