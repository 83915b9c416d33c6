package io.fulmar.verify.consumer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What would be published, made by the profile {@code release} out of copies of the sources: twice,
 * in two folders, the second time signed and while tests use the first. It is made once for all
 * classes of a JVM, under a version that nothing else has, so that a project which uses it can have
 * it from here alone.
 */
final class StagedRelease {
  private static final List<String> MODULES =
      List.of("fulmar-core", "fulmar-lightning", "fulmar-testkit", "fulmar-tunnel");

  private static @Nullable StagedRelease shared;

  private final Path folder;
  private final String version;
  private final Path keys;
  private final Process second;

  private StagedRelease(Path folder, String version, Path keys, Process second) {
    this.folder = folder;
    this.version = version;
    this.keys = keys;
    this.second = second;
  }

  /** That of this JVM, which is made when it is first asked for. */
  static synchronized StagedRelease get() throws IOException, InterruptedException {
    if (shared == null) {
      shared = make();
    }
    return shared;
  }

  private static StagedRelease make() throws IOException, InterruptedException {
    byte[] random = new byte[4];
    new SecureRandom().nextBytes(random);
    String version = "0.1.0-staged." + HexFormat.of().formatHex(random);
    Path folder = Path.of("target", "release").toAbsolutePath();
    delete(folder);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> forget(version), "forget " + version));
    Path keys = key();
    Maven.output(stage(folder.resolve("first"), version, Map.of()), folder.resolve("first"));
    // Not before, since both would put the same plugins into an empty local repository.
    Process second =
        stage(
            folder.resolve("second"),
            version,
            Map.of("GNUPGHOME", keys.toString()),
            keys.toString().isEmpty() ? "-Dgpg.skip" : "-Dgpg.keyname=test@example.org");
    return new StagedRelease(folder, version, keys, second);
  }

  private static Process stage(
      Path copy, String version, Map<String, String> environment, String... more)
      throws IOException {
    copySources(root(), copy);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "-Prelease",
                "-Drevision=" + version,
                "-Denforcer.skip",
                "-Dmaven.test.skip",
                "-Dmdep.analyze.skip",
                "-Dspotless.check.skip",
                "-pl",
                "!testkit/verify",
                "deploy",
                "dependency:list",
                "-DincludeScope=runtime",
                "-DoutputFile=target/runtime.txt"));
    arguments.addAll(Arrays.asList(more));
    return Maven.start(copy, environment, arguments.toArray(String[]::new));
  }

  /** A folder with a key to sign with, deleted with the JVM; empty where there is no GnuPG. */
  private static Path key() throws IOException, InterruptedException {
    if (!GnuPg.isInstalled()) {
      return Path.of("");
    }
    Path keys = Files.createTempDirectory("gpg"); // a short name: a socket is made in it
    GnuPg.run(keys, "--passphrase", "", "--quick-gen-key", "test@example.org", "ed25519", "sign");
    return keys;
  }

  /** The modules that are published as jars. */
  static List<String> modules() {
    return MODULES;
  }

  /** The folder of a module below the root of the project. */
  static String folderOf(String module) {
    return module.substring("fulmar-".length());
  }

  String version() {
    return version;
  }

  /** Of the first build: a Maven repository. */
  Path repository() {
    return folder.resolve("first/target/staged");
  }

  /** The copy of the sources of the first build. */
  Path sources() {
    return folder.resolve("first");
  }

  /** Of the second build, for which this waits. */
  Path repositoryBuiltAgain() throws IOException, InterruptedException {
    Maven.output(second, folder.resolve("second"));
    return folder.resolve("second/target/staged");
  }

  /** Where the key is with which the second build was signed; empty if it was not. */
  Path keys() {
    return keys;
  }

  /** A file of the first build. */
  Path file(String artifact, String suffix) {
    return repository()
        .resolve("io/fulmar/%s/%s/%s-%s%s".formatted(artifact, version, artifact, version, suffix));
  }

  /**
   * Builds a project of {@code src/consumer} against the first build, in a copy, and returns it.
   */
  Path build(String consumer, String... arguments) throws IOException, InterruptedException {
    Path copy = folder.resolve("consumer").resolve(consumer);
    copySources(Path.of("src", "consumer", consumer), copy);
    List<String> all = new ArrayList<>(Arrays.asList(arguments));
    all.add("-Dfulmar.version=" + version);
    all.add("-Dfulmar.repository=" + repository().toUri());
    Maven.run(copy, all.toArray(String[]::new));
    return copy;
  }

  private static Path root() {
    Path root = Path.of("").toAbsolutePath();
    while (root != null && !Files.exists(root.resolve(".mvn"))) {
      root = root.getParent();
    }
    assertThat(root).as("the folder with .mvn").isNotNull();
    return root;
  }

  private static void copySources(Path from, Path to) throws IOException {
    Set<Path> left =
        Set.of(from.resolve(".git"), from.resolve("target"), from.resolve("testkit/verify/src"));
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
              throws IOException {
            if (left.contains(directory) || directory.endsWith("target")) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            Files.createDirectories(to.resolve(from.relativize(directory)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (!left.contains(file)) {
              Files.copy(
                  file, to.resolve(from.relativize(file)), StandardCopyOption.REPLACE_EXISTING);
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Takes out of the local repository what came into it under this version. */
  private static void forget(String version) {
    try {
      if (shared != null) {
        shared.second.destroy();
        shared.second.waitFor(10, TimeUnit.SECONDS);
        if (!shared.keys.toString().isEmpty()) {
          GnuPg.end(shared.keys);
          delete(shared.keys);
        }
      }
      Path fulmar = Maven.localRepository().resolve("io/fulmar");
      if (Files.isDirectory(fulmar)) {
        try (Stream<Path> artifacts = Files.list(fulmar)) {
          for (Path artifact : artifacts.toList()) {
            delete(artifact.resolve(version));
            forgetMetadata(artifact);
          }
        }
        deleteIfEmpty(fulmar);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What deploying keeps of the repository that it deploys to. */
  private static void forgetMetadata(Path artifact) throws IOException {
    List<Path> others = new ArrayList<>();
    try (Stream<Path> files = Files.list(artifact)) {
      for (Path file : files.toList()) {
        if (file.getFileName().toString().startsWith("maven-metadata-staged.xml")) {
          Files.delete(file);
        } else {
          others.add(file.getFileName());
        }
      }
    }
    if (others.equals(List.of(Path.of("resolver-status.properties")))) {
      Files.delete(artifact.resolve("resolver-status.properties"));
    }
    deleteIfEmpty(artifact);
  }

  private static void deleteIfEmpty(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      if (files.findAny().isPresent()) {
        return;
      }
    }
    Files.delete(folder);
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    }
  }
}
