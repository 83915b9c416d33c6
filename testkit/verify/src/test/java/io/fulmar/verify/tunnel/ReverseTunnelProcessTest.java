package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.testkit.FreePort;
import io.fulmar.tunnel.ReverseTunnelMain;
import io.fulmar.verify.fault.ForkedJvm;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A reverse tunnel as a process with a configuration file, as a supervisor runs it. */
@BothSshServers
class ReverseTunnelProcessTest extends ChannelFixture {
  private final int port = FreePort.choose();

  private Path configuration(String... more) throws IOException {
    return configurationFor(server.host(), more);
  }

  private Path configurationFor(String host, String... more) throws IOException {
    Path file = directory.resolve("tunnel.properties");
    Files.writeString(
        file,
        """
        server = %s:%s
        user = %s
        key = %s
        fingerprint = %s
        listen = %s
        database = 127.0.0.1:%s
        probe-seconds = 0
        """
                .formatted(
                    host,
                    server.port(),
                    server.user(),
                    key.file(),
                    server.fingerprint(),
                    port,
                    echo.port())
            + String.join("\n", more));
    return file;
  }

  private FutureTask<ForkedJvm.End> start(Path configuration, String... options) {
    FutureTask<ForkedJvm.End> end =
        new FutureTask<>(
            () ->
                ForkedJvm.run(
                    directory.resolve("output"),
                    Stream.concat(Stream.of("-XX:TieredStopAtLevel=1"), Stream.of(options))
                        .toList(),
                    ReverseTunnelMain.class,
                    List.of(configuration.toString())));
    new Thread(end, "test-process").start();
    return end;
  }

  private boolean listens() {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      return socket.isConnected();
    } catch (ConnectException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Java cuts it where it is long. */
  private static String commandLine(ProcessHandle of) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(of.pid()), "cmdline"));
    } catch (IOException e) {
      return "";
    }
  }

  /** Of the children of this process that which was given the file. */
  private static ProcessHandle process(Path configuration) {
    return ProcessHandle.current()
        .children()
        .filter(each -> commandLine(each).endsWith("\0" + configuration + "\0"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  @DisplayName("T-07: a process that is asked to end frees the port")
  void processCarriesUntilItIsEnded() throws Exception {
    Path configuration = configuration();
    FutureTask<ForkedJvm.End> end = start(configuration);
    Eventually.is(true, "the port", this::listens);
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(SOON_MILLIS);
      assertEchoes(socket);

      // SIGTERM.
      assertThat(process(configuration).destroy()).isTrue();

      ForkedJvm.End ended = end.get(20, TimeUnit.SECONDS);
      assertThat(ended.exit()).isEqualTo(128 + 15);
      assertThat(ended.output())
          .contains(
              "ReverseTunnel[ssh://%s@%s:%s listens on 127.0.0.1:%s for 127.0.0.1:%s]"
                  .formatted(server.user(), server.host(), server.port(), port, echo.port()))
          .doesNotContain("Exception");
    }
    Eventually.is(false, "the port", Duration.ofSeconds(2), this::listens);
  }

  @Test
  @DisplayName("the name of the server is resolved anew at each attempt")
  void serverThatHasMovedIsFoundUnderItsName() throws Exception {
    Path hosts = directory.resolve("hosts");
    Files.writeString(hosts, "127.0.0.9 bastion.example\n");
    Path configuration = configurationFor("bastion.example");
    FutureTask<ForkedJvm.End> end;
    try (ServerSocket before =
        new ServerSocket(server.port(), 1, InetAddress.getByName("127.0.0.9"))) {
      before.setSoTimeout(SOON_MILLIS);
      end = start(configuration, "-Djdk.net.hosts.file=" + hosts, "-Dsun.net.inetaddr.ttl=0");
      Socket first = before.accept();
      Files.writeString(hosts, "127.0.0.1 bastion.example\n");
      first.close();
    }
    Eventually.is(true, "the port", this::listens);
    assertThat(process(configuration).destroy()).isTrue();
    end.get(20, TimeUnit.SECONDS);
  }

  @Test
  void processWithAWrongFileEndsAndSaysWhy() throws Exception {
    Path configuration = configuration("prot = 22\n");
    ForkedJvm.End end = start(configuration).get();
    assertThat(end.exit()).isEqualTo(1);
    assertThat(end.output())
        .contains(
            "java.lang.IllegalArgumentException: %s: there is no setting prot. There are"
                .formatted(configuration));
  }
}
