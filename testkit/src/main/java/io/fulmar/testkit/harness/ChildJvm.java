package io.fulmar.testkit.harness;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Another JVM of the same version with the same class path and module path. */
final class ChildJvm {
  /** What tells a JVM about modules, as surefire does for tests of a module. */
  private static final List<String> OF_MODULES =
      List.of("--patch-module", "--add-reads", "--add-opens", "--add-exports", "--add-modules");

  private ChildJvm() {}

  /**
   * How a JVM ended.
   *
   * @param code its exit code; -1 if it did not end in time and was killed
   * @param output all that it has written
   */
  record End(int code, String output) {}

  /**
   * Runs a class of this package.
   *
   * @param main its name
   * @param options of the JVM
   * @param patience how long it may take
   * @param output a file for what it writes
   * @param arguments of its main method
   */
  static End run(
      Class<?> main, List<String> options, Duration patience, Path output, String... arguments)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command(main, options, arguments));
    // Longer than a command line may be on some systems.
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path", ""));
    builder.redirectErrorStream(true).redirectOutput(output.toFile());
    Process process = builder.start();
    try {
      boolean ended = process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
      return new End(ended ? process.exitValue() : -1, Files.readString(output));
    } finally {
      process.destroyForcibly();
      process.onExit().join();
    }
  }

  private static List<String> command(Class<?> main, List<String> options, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(options);
    String modules = System.getProperty("jdk.module.path");
    String module = main.getModule().getName();
    if (modules == null || module == null) {
      command.add(main.getName());
    } else {
      command.addAll(List.of("--module-path", modules));
      ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
          .filter(ChildJvm::isOfModules)
          .forEach(command::add);
      command.addAll(List.of("--add-modules", "ALL-MODULE-PATH"));
      command.addAll(List.of("--module", module + "/" + main.getName()));
    }
    command.addAll(List.of(arguments));
    return command;
  }

  private static boolean isOfModules(@Nullable String argument) {
    return argument != null && OF_MODULES.stream().anyMatch(argument::startsWith);
  }
}
