package io.fulmar.internal.lines;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps other writers of a file away, in this process and in others; the system frees it when the
 * process dies.
 *
 * <p>Two files, because closing any channel of a file gives back all locks that the process has on
 * it. Who is refused in this process has opened the first file alone, and its closing does not
 * touch the second, which keeps other processes out.
 */
final class FileLocks {
  private FileLocks() {}

  /** Takes the lock; null if somebody else has it. */
  static @Nullable Closeable tryLock(Path path, FileAttribute<?>[] owned) throws IOException {
    FileChannel here = locked(path.resolveSibling(path.getFileName() + ".lock.jvm"), owned);
    if (here == null) {
      return null;
    }
    try {
      FileChannel everywhere = locked(path.resolveSibling(path.getFileName() + ".lock"), owned);
      if (everywhere == null) {
        here.close();
        return null;
      }
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

  private static @Nullable FileChannel locked(Path file, FileAttribute<?>[] owned)
      throws IOException {
    FileChannel channel =
        Files.exists(file)
            ? FileChannel.open(file, StandardOpenOption.WRITE)
            : FileChannel.open(
                file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), owned);
    try {
      if (channel.tryLock() != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      channel.close();
      return null; // a writer of this process has it
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
    channel.close();
    return null;
  }
}
