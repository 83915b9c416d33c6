package io.fulmar.verify.bench.compare;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;

/** The standard engine, its state in a temporary directory. */
final class StandardContender extends FulmarContender {
  private final Path root;
  private final Path directory;

  StandardContender(Shape shape, Model model) throws IOException {
    super(shape, model);
    root = Files.createTempDirectory("fulmar-bench");
    directory = root.resolve("state");
  }

  @Override
  SyncEngine open(Source source) {
    return StandardEngine.on(source, directory);
  }

  @Override
  public Set<Scenario> scenarios() {
    return EnumSet.allOf(Scenario.class);
  }

  @Override
  public StateSize state() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      long bytes =
          files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
      return new StateSize(bytes, bytes);
    }
  }

  @Override
  public void forget() throws IOException {
    delete(directory);
  }

  @Override
  public void close() throws IOException {
    delete(root);
  }

  private static void delete(Path path) throws IOException {
    if (Files.exists(path)) {
      try (Stream<Path> files = Files.walk(path)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
