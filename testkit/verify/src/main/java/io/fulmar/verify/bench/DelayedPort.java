package io.fulmar.verify.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A port of the loopback that leads to another one, where every byte arrives so much later; as wide
 * as the machine allows, as a long line is. It is a process of its own, so that it takes neither
 * heap nor collections from one of those that are measured. Closing it ends the process.
 */
final class DelayedPort implements AutoCloseable {
  private final Process process;
  private final int port;

  /**
   * Starts the process.
   *
   * @param target the port that it leads to
   * @param delayMillis how much later bytes arrive, each way
   */
  DelayedPort(int target, int delayMillis) throws IOException {
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                DelayedPort.class.getName(),
                Integer.toString(target),
                Integer.toString(delayMillis))
            .redirectError(Redirect.INHERIT)
            .start();
    BufferedReader said =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
    String line = said.readLine();
    if (line == null) {
      throw new IOException("the delayed port does not run");
    }
    port = Integer.parseInt(line);
  }

  int port() {
    return port;
  }

  /**
   * The process: says on which port it listens, and ends with its input, so with whoever started
   * it.
   *
   * @param args the port that it leads to, how many milliseconds later bytes arrive
   */
  public static void main(String[] args) throws IOException {
    int target = Integer.parseInt(args[0]);
    long delayNanos = Long.parseLong(args[1]) * 1_000_000L;
    ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    DelayedWay.daemon(() -> accept(listening, target, delayNanos));
    System.out.println(listening.getLocalPort());
    while (System.in.read() >= 0) {
      // Nothing is said to it.
      continue;
    }
  }

  private static void accept(ServerSocket listening, int target, long delayNanos) {
    while (!listening.isClosed()) {
      try {
        Socket near = listening.accept();
        Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
        near.setTcpNoDelay(true);
        far.setTcpNoDelay(true);
        new DelayedWay(near, far, delayNanos).start();
        new DelayedWay(far, near, delayNanos).start();
      } catch (IOException e) {
        // Nobody behind it: the benchmark fails by itself then.
        continue;
      }
    }
  }

  @Override
  public void close() {
    process.destroy();
  }
}
