package io.fulmar.testkit.internal.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A temporary directory, in memory where the system has a place for that. It is removed when it is
 * closed, at the latest when the JVM ends. This class is threadsafe.
 */
public final class OwnDirectory implements AutoCloseable {
  private static final Path MEMORY = Path.of("/dev/shm");

  /** Names the process too: what a killed one left is told from what a living one uses. */
  private static final String PREFIX = "fulmar-memory-" + ProcessHandle.current().pid() + "-";

  private final Path path;
  private final Thread hook;
  private boolean closed;

  private OwnDirectory(Path path) {
    this.path = path;
    this.hook = new Thread(() -> remove(path), "fulmar-memory-remove");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Makes one. */
  public static OwnDirectory make() {
    try {
      return new OwnDirectory(
          Files.isDirectory(MEMORY) && Files.isWritable(MEMORY)
              ? Files.createTempDirectory(MEMORY, PREFIX)
              : Files.createTempDirectory(PREFIX));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot make a temporary directory for the state", e);
    }
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      return; // the JVM ends, and the hook does it
    }
    remove(path);
  }

  private static void remove(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      List<Path> all = files.sorted(Comparator.reverseOrder()).toList();
      for (Path file : all) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // What is left is small, and in a place that is emptied.
    }
  }
}
