package io.fulmar.tunnel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import net.schmizz.sshj.common.Buffer;
import org.junit.jupiter.api.Assumptions;

/** The real ssh-keygen, which makes and reads what is tested. */
final class SshKeygen {
  private final Path folder;
  private int made;

  SshKeygen(Path folder) {
    this.folder = folder;
  }

  /** Makes a key; its name with .pub is the public part. */
  Path make(String... options) {
    Path file = folder.resolve("key" + made++);
    List<String> all = new ArrayList<>(List.of("-q", "-C", "test", "-f", file.toString()));
    all.addAll(List.of(options));
    if (!all.contains("-N")) {
      all.addAll(List.of("-N", ""));
    }
    run(all.toArray(new String[0]));
    return file;
  }

  /** Runs it and gives what it printed. */
  String run(String... arguments) {
    Output output = tryRun(arguments);
    if (output.exit() != 0) {
      throw new AssertionError("ssh-keygen failed: " + output.text());
    }
    return output.text();
  }

  /**
   * What it said.
   *
   * @param exit its exit code
   * @param text what it printed
   */
  record Output(int exit, String text) {}

  /** Runs it, whatever comes of it. */
  Output tryRun(String... arguments) {
    List<String> command = new ArrayList<>(List.of("ssh-keygen"));
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("ssh-keygen hangs");
      }
      return new Output(process.exitValue(), text);
    } catch (IOException e) {
      if ("true".equals(System.getenv("CI"))) {
        throw new UncheckedIOException("the tests need openssh-client", e);
      }
      return Assumptions.abort("ssh-keygen is not installed (openssh-client): " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  /** The public part of a key, without its comment. */
  static String publicLine(Path key) {
    String[] parts = read(Path.of(key + ".pub")).split(" ");
    return parts[0] + " " + parts[1].strip();
  }

  /** The fingerprint as ssh-keygen gives it. */
  String fingerprint(Path key) {
    return run("-lf", key + ".pub").split(" ")[1];
  }

  /** The public part of a key, as sshj shows it to a check of host keys. */
  static PublicKey publicKey(String line) {
    try {
      return new Buffer.PlainBuffer(Base64.getDecoder().decode(line.split(" ")[1])).readPublicKey();
    } catch (Buffer.BufferException e) {
      throw new AssertionError(e);
    }
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
