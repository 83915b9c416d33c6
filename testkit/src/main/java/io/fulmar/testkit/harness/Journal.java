package io.fulmar.testkit.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file to which a process adds lines, each whole or not at all if the process dies. Whoever holds
 * its monitor is alone in writing. This class is threadsafe.
 */
final class Journal {
  private final Path file;

  Journal(Path file) {
    this.file = file;
  }

  /** Adds a line; the system has it when this returns. */
  synchronized void note(String line) {
    try {
      Files.write(
          file,
          (line + "\n").getBytes(StandardCharsets.UTF_8),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
