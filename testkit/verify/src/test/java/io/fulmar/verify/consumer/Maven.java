package io.fulmar.verify.consumer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The Maven that runs this build, started again for a project of its own. It has the same local
 * repository, so that nothing is downloaded twice; what it may not leave there, {@link
 * StagedRelease} takes away.
 */
final class Maven {
  private static final long MOST_MINUTES = 10;

  private Maven() {}

  /** The local repository of this build. */
  static Path localRepository() {
    return Path.of(System.getProperty("fulmar.verify.maven.repository"));
  }

  /** Runs it until it ends, and returns what it printed. */
  static String run(Path project, String... arguments) throws IOException, InterruptedException {
    return output(start(project, Map.of(), arguments), project);
  }

  /** Starts it; what it prints is in {@code maven.log} of the project. */
  static Process start(Path project, Map<String, String> environment, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("fulmar.verify.maven.home"), "bin", "mvn").toString());
    command.addAll(List.of("-B", "-ntp", "-Dmaven.repo.local=" + localRepository()));
    Collections.addAll(command, arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(project.toFile())
            .redirectErrorStream(true)
            .redirectOutput(project.resolve("maven.log").toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    process.getOutputStream().close();
    return process;
  }

  /** Waits for it, and returns what it printed. */
  static String output(Process process, Path project) throws IOException, InterruptedException {
    boolean ended = process.waitFor(MOST_MINUTES, TimeUnit.MINUTES);
    String output = Files.readString(project.resolve("maven.log"));
    if (!ended) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    assertThat(ended).as("Maven ends. It printed:%n%s", output).isTrue();
    assertThat(process.exitValue()).as("exit code of Maven, which printed:%n%s", output).isZero();
    return output;
  }
}
