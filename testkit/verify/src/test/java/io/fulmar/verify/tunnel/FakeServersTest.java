package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.tunnel.ForwardTunnel;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What listens is no SSH server, or one that does not go on: told apart, and soon. */
class FakeServersTest extends ChannelFixture {
  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  /** What a machine takes that does something else as well. */
  private static final Duration LOADED = Duration.ofSeconds(10);

  private static final int MEGABYTE = 1 << 20;
  private static final String NAME = "SSH-2.0-OpenSSH_9.2p1\r\n";
  private static final String LISTENS = "Look at what listens there, and at its load.";
  private static final String NO_SERVER = "what listens on %s is not an SSH server";

  private final CountDownLatch over = new CountDownLatch(1);

  /** What it does with a connection, and what is said of it; {@code %s} is where it listens. */
  enum Fake {
    SILENT(
        "%s accepted the connection and did not name itself as an SSH server within 2000 ms",
        LISTENS) {
      @Override
      void speak(Socket socket) {}
    },
    SILENT_AFTER_NAME(
        "%s accepted the connection and fell silent while keys were exchanged within 2000 ms",
        LISTENS) {
      @Override
      void speak(Socket socket) throws IOException {
        say(socket, NAME);
      }
    },
    SLOW_NAME(
        "%s accepted the connection and did not name itself as an SSH server within 2000 ms",
        LISTENS) {
      @Override
      void speak(Socket socket) throws IOException {
        say(socket, "SSH");
      }
    },
    LARGE_BANNER(NO_SERVER, "Look at host and port.") {
      @Override
      void speak(Socket socket) throws IOException {
        say(socket, ("x".repeat(70) + "\r\n").repeat(10 * MEGABYTE / 72) + NAME);
      }
    },
    ENDLESS_LINE(NO_SERVER, "Look at host and port.") {
      @Override
      void speak(Socket socket) throws IOException {
        while (true) {
          say(socket, "x".repeat(1_000));
        }
      }
    },
    ENDLESS_NAME(
        "what listens on %s names itself an SSH server and does not go on as one (its name is longer than 255 bytes)",
        "Look at host and port, and whether it speaks SSH 2.") {
      @Override
      void speak(Socket socket) throws IOException {
        say(socket, "SSH-2.0-");
        while (true) {
          say(socket, "x".repeat(1_000));
        }
      }
    },
    GARBAGE(NO_SERVER, "Look at host and port.") {
      @Override
      void speak(Socket socket) throws IOException {
        byte[] bytes = new byte[MEGABYTE];
        new Random(18).nextBytes(bytes);
        socket.getOutputStream().write(bytes);
      }
    },
    GARBAGE_AFTER_NAME(
        "what listens on %s names itself an SSH server and does not go on as one (invalid packet length: 140610235)",
        "Look at host and port, and whether it speaks SSH 2.") {
      @Override
      void speak(Socket socket) throws IOException {
        say(socket, NAME);
        GARBAGE.speak(socket);
      }
    },
    HTTP(NO_SERVER, "Look at host and port.") {
      @Override
      void speak(Socket socket) throws IOException {
        say(socket, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        socket.close();
      }
    },
    CLOSES(
        "%s accepted the connection and ended it before it had named itself",
        "Look at its log: MaxStartups, an address that is blocked (fail2ban), or a proxy in between.") {
      @Override
      void speak(Socket socket) throws IOException {
        socket.close();
      }
    },
    CLOSES_AFTER_NAME(
        "the SSH server %s ended the connection while keys were exchanged", "Look at its log.") {
      @Override
      void speak(Socket socket) throws IOException {
        say(socket, NAME);
        socket.shutdownOutput();
      }
    },
    OLD_VERSION(
        "what listens on %s names itself an SSH server and does not go on as one (Server does not support SSHv2, identified as: SSH-1.5-old)",
        "Look at host and port, and whether it speaks SSH 2.") {
      @Override
      void speak(Socket socket) throws IOException {
        say(socket, "SSH-1.5-old\r\n");
      }
    };

    private final String fact;
    private final String remedy;

    Fake(String fact, String remedy) {
      this.fact = fact;
      this.remedy = remedy;
    }

    abstract void speak(Socket socket) throws IOException;

    static void say(Socket socket, String text) throws IOException {
      OutputStream out = socket.getOutputStream();
      out.write(text.getBytes(StandardCharsets.US_ASCII));
    }
  }

  @AfterEach
  void end() {
    over.countDown();
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("T-18: fake SSH servers are given up in time, and said to be what they are")
  void fakeServer(Fake fake) throws Exception {
    try (ServerSocket listening = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
      begin(
          () -> {
            while (true) {
              Socket socket = listening.accept();
              begin(
                  () -> {
                    try (socket) {
                      fake.speak(socket);
                      over.await();
                    }
                  });
            }
          });
      String place = "127.0.0.1:" + listening.getLocalPort();
      ForwardTunnel tunnel =
          forward(server, listening.getLocalPort()).connectTimeout(TIMEOUT).build();
      try (Dialer dialer = tunnel.dialer()) {
        long began = System.nanoTime();
        TunnelException refused = refusal(dialer, echo.port());
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(TIMEOUT.plus(LOADED));
        assertThat(refused.kind()).isEqualTo(Kind.NO_SSH);
        assertThat(refused)
            .hasMessage(
                "Cannot connect to %s: %s. %s", place, fake.fact.formatted(place), fake.remedy);
      }
      assertThat(threads()).isEmpty();
    }
  }
}
