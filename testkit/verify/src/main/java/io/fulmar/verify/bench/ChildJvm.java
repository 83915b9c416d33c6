package io.fulmar.verify.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Runs a class of the benchmark in a JVM of its own, with the class path of this one and its
 * options that begin with {@code -XX:}.
 */
public final class ChildJvm {
  private ChildJvm() {}

  /**
   * Runs it and waits for its end. What it says on standard error comes out here too.
   *
   * @param out takes each line that it prints
   * @param main the class
   * @param heap the most heap, as {@code -Xmx} takes it
   * @param args its arguments
   * @throws IllegalStateException if it ends with another exit code than 0
   */
  public static void run(Consumer<String> out, String main, String heap, List<String> args)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx%s".formatted(heap));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("-XX:"))
        .forEach(command::add);
    command.add("-Djava.awt.headless=true");
    command.add("-Dslf4j.internal.verbosity=ERROR"); // nothing logs here, and that is no news
    if (Boolean.getBoolean("bench.steps")) {
      command.add("-Dbench.steps=true");
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
    command.addAll(args);
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    Thread atExit = new Thread(process::destroy);
    Runtime.getRuntime().addShutdownHook(atExit);
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      lines.lines().forEach(out);
      int exit = process.waitFor();
      if (exit != 0) {
        throw new IllegalStateException("%s ended with exit code %d".formatted(main, exit));
      }
    } finally {
      process.destroy();
      Runtime.getRuntime().removeShutdownHook(atExit);
    }
  }
}
