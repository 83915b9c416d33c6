package io.fulmar.verify.bench;

import io.fulmar.tunnel.SshKeyPair;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The programs of OpenSSH: a server on a free port of the loopback, and clients that forward
 * through it. Closing it ends them all and deletes their files.
 */
final class OpenSsh implements AutoCloseable {
  private static final Path SERVER = Path.of("/usr/sbin/sshd");
  private static final Path CLIENT = Path.of("/usr/bin/ssh");

  private final Path directory;
  private final SshKeyPair host = SshKeyPair.generate();
  private final SshKeyPair user = SshKeyPair.generate();
  private final int port;
  private final String cipher;
  private final List<Process> processes = new ArrayList<>();

  /**
   * Starts the server.
   *
   * @param cipher the only one that it offers, as OpenSSH names it
   */
  OpenSsh(String cipher) throws IOException, InterruptedException {
    this.cipher = cipher;
    directory = Files.createTempDirectory("fulmar-bench-ssh");
    port = free();
    host.write(directory.resolve("host"));
    user.write(directory.resolve("user"));
    Files.writeString(directory.resolve("authorized"), user.publicKeyLine("bench") + "\n");
    Files.writeString(
        directory.resolve("config"),
        """
        Port %s
        Ciphers %s
        ListenAddress 127.0.0.1
        HostKey %s
        PidFile none
        AuthorizedKeysFile %s
        StrictModes no
        UsePAM no
        PermitRootLogin yes
        """
            .formatted(port, cipher, directory.resolve("host"), directory.resolve("authorized")));
    if ("root".equals(System.getProperty("user.name"))) {
      Files.createDirectories(Path.of("/run/sshd"));
    }
    start(SERVER.toString(), "-D", "-f", directory.resolve("config").toString());
    await(port);
  }

  /** Whether the programs are where Debian has them. */
  static boolean isInstalled() {
    return Files.isExecutable(SERVER) && Files.isExecutable(CLIENT);
  }

  int port() {
    return port;
  }

  Path key() {
    return directory.resolve("user");
  }

  String fingerprint() {
    return host.fingerprint();
  }

  String userName() {
    return System.getProperty("user.name");
  }

  /**
   * Starts {@code ssh -L}.
   *
   * @param through the port that it connects to
   * @param target the port that it forwards to
   * @return the port that it listens on
   */
  int forward(int through, int target) throws IOException, InterruptedException {
    int local = free();
    start(
        CLIENT.toString(),
        "-F",
        "/dev/null",
        "-N",
        "-i",
        key().toString(),
        "-p",
        Integer.toString(through),
        "-c",
        cipher,
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
        "-L",
        "127.0.0.1:%s:127.0.0.1:%s".formatted(local, target),
        userName() + "@127.0.0.1");
    await(local);
    return local;
  }

  private void start(String... command) throws IOException {
    processes.add(
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start());
  }

  private static int free() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private void await(int waited) throws IOException, InterruptedException {
    Process last = processes.get(processes.size() - 1);
    for (int i = 0; i < 500; i++) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress("127.0.0.1", waited), 1_000);
        return;
      } catch (IOException e) {
        if (last.waitFor(20, TimeUnit.MILLISECONDS)) {
          break;
        }
      }
    }
    throw new IOException("OpenSSH does not run: " + Files.readString(directory.resolve("log")));
  }

  @Override
  public void close() throws IOException {
    for (Process process : processes) {
      process.descendants().forEach(ProcessHandle::destroy);
      process.destroy();
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
