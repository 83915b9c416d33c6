package io.fulmar.internal.lines;

import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A file to which whole batches are appended, each durable before the next one begins. Whoever
 * comes first after a crash cuts off what it left. Used by one thread at a time; a lock on a file
 * beside it keeps others away for as long as a batch is written.
 */
public final class LinesFile {
  private static final Pattern NUMBER = Pattern.compile("[0-9]{6,18}");

  private final LinesTarget target;
  private final Path path;
  private final boolean posix;

  /** Where our last batch ended: nothing needs to be looked at if the file still ends there. */
  private long knownEnd = -1;

  private @Nullable Object knownFile;

  /** A file that is opened for each batch. */
  public LinesFile(LinesTarget target) {
    this.target = target;
    this.path = target.path();
    this.posix = path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }

  private interface Work {
    void run() throws Exception;
  }

  /** Appends a batch; it is durable on return. */
  public void append(ByteBuffer batch) throws Exception {
    locked(
        () -> {
          rotate();
          boolean isNew = !Files.exists(path);
          try (FileChannel channel = open()) {
            long end = end(channel);
            write(channel, end, batch);
            knownEnd = channel.size();
            knownFile = key();
          }
          if (isNew) {
            forceDirectory();
          }
        });
  }

  /** Empties the file and removes those that it was rotated into. */
  public void clear() throws Exception {
    locked(
        () -> {
          for (Path rotated : rotated()) {
            Files.delete(rotated);
          }
          if (Files.exists(path)) {
            try (FileChannel channel = open()) {
              end(channel); // whatever is not ours is left alone
              channel.truncate(0);
              channel.force(true);
            }
          }
          forceDirectory();
        });
  }

  /** Looks whether it could write, and writes nothing: gives the reason why not, null for none. */
  public @Nullable String objection() throws IOException {
    Path directory = directory();
    if (!Files.isDirectory(directory)) {
      return "there is no directory " + directory;
    }
    if (!Files.isWritable(directory)) {
      return "the directory " + directory + " cannot be written to";
    }
    if (!Files.exists(path)) {
      return null;
    }
    if (!Files.isRegularFile(path) || !Files.isWritable(path)) {
      return path + " is no file that can be written to";
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      new Tail(channel, target.json()).wholeBatches();
      return null;
    } catch (Tail.ForeignException e) {
      return e.getMessage();
    }
  }

  private void locked(Work work) throws Exception {
    try {
      Closeable lock = FileLocks.tryLock(path, owned());
      if (lock == null) {
        throw new NotAppliedException(
            "another writer is at work on " + path + ", which it has locked", (Throwable) null);
      }
      try (lock) {
        work.run();
      }
    } catch (NoSuchFileException e) {
      throw stop("NO_DIRECTORY", "there is no directory " + directory(), "Create it");
    } catch (AccessDeniedException e) {
      throw stop(
          "ACCESS_DENIED",
          "the system refuses access to " + e.getFile(),
          "Change its owner or mode");
    } catch (Tail.ForeignException e) {
      throw stop(
          "FOREIGN_FILE", String.valueOf(e.getMessage()), "Move it away, or write to another");
    }
  }

  private StopRunException stop(String code, String fact, String remedy) {
    return new StopRunException(code, "Cannot write to %s: %s. %s.".formatted(path, fact, remedy));
  }

  private FileChannel open() throws IOException {
    return FileChannel.open(
        path,
        Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
        owned());
  }

  /** Where the next batch goes; what a crash left there is cut off. */
  private long end(FileChannel channel) throws IOException, Tail.ForeignException {
    long size = channel.size();
    Object key = key();
    if (size == knownEnd && key != null && key.equals(knownFile)) {
      return size;
    }
    long end = new Tail(channel, target.json()).wholeBatches();
    if (end < size) {
      channel.truncate(end);
    }
    return end;
  }

  private void write(FileChannel channel, long end, ByteBuffer batch)
      throws IOException, NotAppliedException {
    try {
      long at = end;
      while (batch.hasRemaining()) {
        at += channel.write(batch, at);
      }
      channel.force(true);
    } catch (ClosedChannelException e) {
      throw e; // interrupted: what is there the next batch sees
    } catch (IOException e) {
      knownEnd = -1;
      try {
        channel.truncate(end);
        channel.force(true);
      } catch (IOException again) {
        e.addSuppressed(again);
        throw e;
      }
      throw new NotAppliedException(
          "Cannot append to %s: the system took not all of it, which was undone. Is the disk full?"
              .formatted(path),
          e);
    }
  }

  /** Moves a file that is large enough aside, under the next number. */
  private void rotate() throws IOException, Tail.ForeignException {
    if (!Files.exists(path) || Files.size(path) < target.rotateBytes()) {
      return;
    }
    try (FileChannel channel = open()) {
      end(channel);
      channel.force(true);
    }
    List<Path> rotated = rotated();
    long next = rotated.isEmpty() ? 1 : 1 + number(rotated.get(rotated.size() - 1));
    Path aside =
        path.resolveSibling(String.format(Locale.ROOT, "%s.%06d", path.getFileName(), next));
    Files.move(path, aside, StandardCopyOption.ATOMIC_MOVE);
    forceDirectory();
  }

  /** The files that it was rotated into, the oldest first. */
  private List<Path> rotated() throws IOException {
    String prefix = path.getFileName() + ".";
    try (Stream<Path> all = Files.list(directory())) {
      return all.filter(
              file -> {
                String name = file.getFileName().toString();
                return name.startsWith(prefix)
                    && NUMBER.matcher(name.substring(prefix.length())).matches();
              })
          .sorted((a, b) -> Long.compare(number(a), number(b)))
          .toList();
    }
  }

  private long number(Path rotated) {
    String name = rotated.getFileName().toString();
    return Long.parseLong(name.substring(name.lastIndexOf('.') + 1));
  }

  private Path directory() {
    Path parent = path.getParent();
    return parent == null ? path : parent;
  }

  /** Makes the name of a file durable; Windows has no such call and needs none. */
  private void forceDirectory() throws IOException {
    if (posix) {
      try (FileChannel directory = FileChannel.open(directory(), StandardOpenOption.READ)) {
        directory.force(true);
      }
    }
  }

  private @Nullable Object key() throws IOException {
    return Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes.class).fileKey();
  }

  private FileAttribute<?>[] owned() {
    return posix
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(target.permissions())}
        : new FileAttribute<?>[0];
  }
}
