package io.fulmar.internal.standard;

import io.fulmar.AlreadyRunningException;
import io.fulmar.internal.store.Claim;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Another JVM with the same class path. */
final class OtherProcess implements AutoCloseable {
  private final java.lang.Process process;
  private final BufferedReader output;

  private OtherProcess(java.lang.Process process) {
    this.process = process;
    this.output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  static OtherProcess start(Class<?> main, List<String> jvm, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvm);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(List.of(arguments));
    return new OtherProcess(new ProcessBuilder(command).redirectErrorStream(true).start());
  }

  /** A JVM that claims the sync in a directory, says what came of it, and holds what it got. */
  static OtherProcess claiming(Path root) throws IOException {
    return start(Claiming.class, List.of("-Xmx64m"), root.toString());
  }

  /** The next line that it writes; the empty string at its end. */
  String line() throws IOException {
    String line = output.readLine();
    return line == null ? "" : line;
  }

  /** All that it writes until it ends, and how it ends. */
  String rest() throws IOException, InterruptedException {
    StringBuilder rest = new StringBuilder();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      rest.append(line).append('\n');
    }
    return rest.append("exit code ").append(process.waitFor()).toString();
  }

  /** Sends a signal, "TERM" or "INT". */
  void signal(String name) throws IOException, InterruptedException {
    int exit =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    if (exit != 0) {
      throw new AssertionError("kill -" + name + " ended with " + exit);
    }
  }

  /** As {@code kill -9} does. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      throw new AssertionError("the other process does not die");
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }

  /** Claims a sync and holds it until the end of its input. */
  static final class Claiming {
    private Claiming() {}

    public static void main(String[] arguments) throws IOException {
      try (StandardStore store =
              new StandardStore(
                  new MemoryModel(),
                  Path.of(arguments[0]),
                  StandardStore.MissingState.BEGIN,
                  0,
                  Clock.systemUTC());
          Claim claim = store.claim(Process.sync(new Crm()).build())) {
        System.out.println("claimed");
        while (System.in.read() >= 0) {
          // until the parent ends
        }
        System.out.println("given back " + claim.run());
      } catch (AlreadyRunningException e) {
        System.out.println("refused");
      }
    }
  }
}
