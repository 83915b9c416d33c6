package io.fulmar.harness;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Another JVM with the same class path. */
public final class OtherProcess implements AutoCloseable {
  private final java.lang.Process process;
  private final BufferedReader output;

  private OtherProcess(java.lang.Process process) {
    this.process = process;
    this.output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /**
   * Starts a class.
   *
   * @param main the class
   * @param jvm options of the JVM
   * @param arguments of its main method
   */
  public static OtherProcess start(Class<?> main, List<String> jvm, String... arguments)
      throws IOException {
    return startUnder(List.of(), main, jvm, arguments);
  }

  /**
   * Starts a class by another program.
   *
   * @param program with its arguments, before those that start the JVM
   * @param main the class
   * @param jvm options of the JVM
   * @param arguments of its main method
   */
  public static OtherProcess startUnder(
      List<String> program, Class<?> main, List<String> jvm, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(program);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvm);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(List.of(arguments));
    return new OtherProcess(new ProcessBuilder(command).redirectErrorStream(true).start());
  }

  /** The next line that it writes; the empty string at its end. */
  public String line() throws IOException {
    String line = output.readLine();
    return line == null ? "" : line;
  }

  /** Writes a line to it. */
  public void send(String line) throws IOException {
    process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().flush();
  }

  /** All that it writes until it ends, and how it ends. */
  public String rest() throws IOException, InterruptedException {
    StringBuilder rest = new StringBuilder();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      rest.append(line).append('\n');
    }
    return rest.append("exit code ").append(process.waitFor()).toString();
  }

  /** Sends a signal, "TERM" or "STOP". */
  public void signal(String name) throws IOException, InterruptedException {
    int exit =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    if (exit != 0) {
      throw new AssertionError("kill -" + name + " ended with " + exit);
    }
  }

  /** Its id. */
  public long pid() {
    return process.pid();
  }

  /** As {@code kill -9} does. */
  public void kill() throws InterruptedException {
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
}
