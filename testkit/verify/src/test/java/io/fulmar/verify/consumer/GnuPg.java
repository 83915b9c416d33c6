package io.fulmar.verify.consumer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The program gpg with keys of its own. */
final class GnuPg {
  private static final Path PROGRAM = Path.of("/usr/bin/gpg");

  private GnuPg() {}

  static boolean isInstalled() {
    return Files.isExecutable(PROGRAM);
  }

  static String run(Path keys, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(PROGRAM.toString(), "--batch"));
    Collections.addAll(command, arguments);
    return run(keys, command);
  }

  /** Ends the agent that gpg leaves behind. */
  static void end(Path keys) throws IOException, InterruptedException {
    run(keys, List.of("/usr/bin/gpgconf", "--kill", "all"));
  }

  private static String run(Path keys, List<String> command)
      throws IOException, InterruptedException {
    Path output = Files.createTempFile("gpg", ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().put("GNUPGHOME", keys.toString());
    Process process = builder.start();
    process.getOutputStream().close();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    String text = Files.readString(output);
    Files.delete(output);
    assertThat(process.exitValue()).as(text).isZero();
    return text;
  }
}
