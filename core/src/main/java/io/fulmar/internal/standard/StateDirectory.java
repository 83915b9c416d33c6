package io.fulmar.internal.standard;

import io.fulmar.AlreadyRunningException;
import io.fulmar.StateException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The directory of one sync: which file is what, who may write, and how files come to be durable.
 * Files are readable by their owner alone, where the file system knows owners.
 */
final class StateDirectory {
  private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> DIRECTORY =
      PosixFilePermissions.fromString("rwx------");

  private final Path path;
  private final boolean posix;
  private final CrashPoint.Watch watch;

  StateDirectory(Path root, String sync) {
    this(root, sync, CrashPoint.Watch.NONE);
  }

  StateDirectory(Path root, String sync, CrashPoint.Watch watch) {
    // Names differ in case only on file systems that keep them apart; elsewhere the lock and the
    // name in the file tell.
    this.path = root.resolve(sync);
    this.posix = root.getFileSystem().supportedFileAttributeViews().contains("posix");
    this.watch = watch;
  }

  /** Says that a point is passed. */
  void passed(CrashPoint point) {
    watch.passed(point);
  }

  Path path() {
    return path;
  }

  /** Whether there is a state, in whatever condition. */
  boolean hasState() throws IOException {
    return Files.exists(path)
        && (Files.exists(syncFile()) || !files("state-").isEmpty() || !files("plan-").isEmpty());
  }

  void make() throws IOException {
    Files.createDirectories(path, owned(DIRECTORY));
  }

  Path syncFile() {
    return path.resolve("sync");
  }

  Path state(long generation) {
    return path.resolve("state-" + generation);
  }

  Path plan(long run) {
    return path.resolve("plan-" + run);
  }

  Path ledger(long run) {
    return path.resolve("ledger-" + run);
  }

  Path scratch(long run) {
    return path.resolve("scratch-" + run);
  }

  /** Makes an empty file for reading and writing, in place of one that may be there. */
  FileChannel create(Path file) throws IOException {
    Files.deleteIfExists(file);
    return FileChannel.open(
        file,
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
        owned(FILE));
  }

  /** Puts a finished, durable file in its place, all or nothing. */
  void place(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    force();
  }

  /** Makes the names of files durable; Windows has no such call and needs none. */
  void force() throws IOException {
    if (posix) {
      try (FileChannel directory = FileChannel.open(path, StandardOpenOption.READ)) {
        directory.force(true);
      }
    }
  }

  /** All files whose name begins so. */
  List<Path> files(String prefix) throws IOException {
    try (Stream<Path> all = Files.list(path)) {
      return all.filter(file -> file.getFileName().toString().startsWith(prefix)).sorted().toList();
    }
  }

  /**
   * Takes the sync; the system gives it back when the process ends.
   *
   * <p>Two files, because closing any channel of a file gives back all locks that the process has
   * on it. Who is refused in this process has opened the first file alone, and its closing does not
   * touch the second, which keeps other processes out.
   */
  Closeable lock(String sync) throws IOException {
    FileChannel here = locked("lock.jvm", sync);
    try {
      FileChannel everywhere = locked("lock", sync);
      return () -> {
        try (here) {
          everywhere.close();
        }
      };
    } catch (IOException | RuntimeException | Error e) {
      here.close();
      throw e;
    }
  }

  private FileChannel locked(String name, String sync) throws IOException {
    Path file = path.resolve(name);
    FileChannel channel =
        Files.exists(file)
            ? FileChannel.open(file, StandardOpenOption.WRITE)
            : FileChannel.open(
                file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), owned(FILE));
    try {
      if (tryLock(channel) != null) {
        return channel;
      }
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
    channel.close();
    throw new AlreadyRunningException(
        "Cannot run %s: another run holds %s. Wait for it to end. [sync=%s]"
            .formatted(sync, file, sync));
  }

  private FileAttribute<?>[] owned(Set<PosixFilePermission> permissions) {
    return posix
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
        : new FileAttribute<?>[0];
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // another engine of this JVM has it
    }
  }

  /** Fails while there is still room, if a file of this size would fill the disk. */
  void checkRoom(long bytes, String about) throws IOException {
    long free = Files.getFileStore(path).getUsableSpace();
    if (free < bytes) {
      throw new StateException(
          "Cannot keep the state: %s has %s bytes free and about %s are needed. Make room, nothing was sent. %s"
              .formatted(path, free, bytes, about));
    }
  }
}
