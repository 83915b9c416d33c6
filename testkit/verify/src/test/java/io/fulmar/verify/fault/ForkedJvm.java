package io.fulmar.verify.fault;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM of its own for what must not be tried in that of the tests: little heap, sudden death. */
public final class ForkedJvm {
  private ForkedJvm() {}

  /**
   * How it ended.
   *
   * @param exit its exit code
   * @param output what it wrote
   */
  public record End(int exit, String output) {}

  /**
   * Runs a class with the class path of the tests, at most five minutes.
   *
   * @param output where its output goes
   * @param options of the JVM
   * @param main the class
   * @param arguments of its main method
   */
  public static End run(Path output, List<String> options, Class<?> main, List<String> arguments)
      throws IOException, InterruptedException {
    return run(output, options, System.getProperty("java.class.path"), main, arguments);
  }

  /**
   * As {@link #run(Path, List, Class, List)}, with another class path.
   *
   * @param classPath the class path
   */
  public static End run(
      Path output, List<String> options, String classPath, Class<?> main, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, main.getName()));
    command.addAll(arguments);
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      if (!process.waitFor(5, TimeUnit.MINUTES)) {
        return new End(-1, "still running after five minutes\n" + read(output));
      }
      return new End(process.exitValue(), read(output));
    } finally {
      process.destroyForcibly();
    }
  }

  /** Whatever the charset of the JVM was: what is not UTF-8 is replaced. */
  private static String read(Path output) throws IOException {
    return new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
  }
}
