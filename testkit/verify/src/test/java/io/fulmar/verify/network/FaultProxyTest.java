package io.fulmar.verify.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.network.Direction;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.testkit.network.Traffic;
import io.fulmar.verify.fixture.EchoServer;
import io.fulmar.verify.fixture.Eventually;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The proxy does to connections what it says, in front of a server that sends back what it gets.
 */
class FaultProxyTest {
  private static final int SOON_MILLIS = 20_000;
  private static final int SILENCE_MILLIS = 300;

  private EchoServer echo;
  private FaultProxy proxy;

  @BeforeEach
  void start() {
    echo = EchoServer.start();
    proxy = FaultProxy.before("127.0.0.1", echo.port());
  }

  @AfterEach
  void stop() {
    proxy.close();
    echo.close();
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
    socket.setSoTimeout(SOON_MILLIS);
    return socket;
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static String read(Socket socket, int bytes) throws IOException {
    return new String(socket.getInputStream().readNBytes(bytes), StandardCharsets.US_ASCII);
  }

  private static String echoed(Socket socket, String text) throws IOException {
    send(socket, text);
    return read(socket, text.length());
  }

  private static void assertSilent(Socket socket) throws IOException {
    socket.setSoTimeout(SILENCE_MILLIS);
    assertThatThrownBy(() -> socket.getInputStream().read())
        .isInstanceOf(SocketTimeoutException.class);
    socket.setSoTimeout(SOON_MILLIS);
  }

  private static void assertReset(Socket socket) {
    assertThatThrownBy(() -> socket.getInputStream().read())
        .isInstanceOf(SocketException.class)
        .hasMessageContaining("reset");
  }

  @Test
  void everythingIsForwardedAndCountedUntilToldOtherwise() throws IOException {
    try (Socket one = connect();
        Socket other = connect()) {
      assertThat(echoed(one, "a")).isEqualTo("a");
      assertThat(echoed(other, "b")).isEqualTo("b");
      assertThat(echoed(one, "c")).isEqualTo("c");
      assertThat(proxy.connections()).isEqualTo(2);
      assertThat(proxy.takeRoundTrips()).isEqualTo(3);
      assertThat(proxy.takeRoundTrips()).isZero();
      assertThat(proxy.happened()).isZero();
      one.shutdownOutput();
      assertThat(one.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void lateBytesTakeTheirTimeEachWay() throws IOException {
    proxy.traffic(Traffic.late(Duration.ofMillis(100), Duration.ofMillis(20)));
    try (Socket socket = connect()) {
      long start = System.nanoTime();
      assertThat(echoed(socket, "hello")).isEqualTo("hello");
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(199));
    }
  }

  @Test
  void thinLineHoldsUpWhatIsLarge() throws IOException {
    proxy.traffic(Traffic.thin(100_000));
    try (Socket socket = connect()) {
      long start = System.nanoTime();
      String text = "0123456789".repeat(3_000);
      assertThat(echoed(socket, text)).isEqualTo(text);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(299));
    }
  }

  @Test
  void slicesArriveInOrderAndWhole() throws IOException {
    proxy.traffic(Traffic.sliced(1));
    try (Socket socket = connect()) {
      String text = "0123456789".repeat(1_000);
      assertThat(echoed(socket, text)).isEqualTo(text);
    }
  }

  @Test
  void silenceTakesWhatIsSentAndEndsWhenItIsHealed() throws IOException {
    try (Socket before = connect()) {
      assertThat(echoed(before, "a")).isEqualTo("a");
      proxy.silence();
      send(before, "lost");
      assertSilent(before);
      try (Socket later = connect()) {
        send(later, "lost");
        assertSilent(later);
        proxy.heal();
        assertThat(echoed(before, "b")).isEqualTo("b");
        assertThat(echoed(later, "c")).isEqualTo("c");
      }
    }
  }

  @Test
  void oneWayIsCutAndTheOtherIsNot() throws Exception {
    try (Recorder server = new Recorder();
        FaultProxy before = FaultProxy.before("127.0.0.1", server.port());
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), before.port())) {
      before.silence(Direction.TO_CLIENT);
      send(socket, "a");
      assertThat(server.next()).isEqualTo("a");
      assertSilent(socket);
      before.silence(Direction.TO_SERVER);
      send(socket, "b");
      assertThat(server.next(SILENCE_MILLIS)).isNull();
      before.heal();
      send(socket, "c");
      assertThat(server.next()).isEqualTo("c");
    }
  }

  @Test
  void openConnectionsBecomeHalfOpenAndNewOnesDoNot() throws IOException {
    try (Socket old = connect()) {
      assertThat(echoed(old, "a")).isEqualTo("a");
      assertThat(proxy.silenceOpen()).isEqualTo(1);
      send(old, "b");
      assertSilent(old);
      proxy.heal();
      send(old, "c");
      assertSilent(old);
      try (Socket fresh = connect()) {
        assertThat(echoed(fresh, "d")).isEqualTo("d");
      }
    }
  }

  @Test
  void connectionsAreReset() throws IOException {
    try (Socket one = connect();
        Socket other = connect()) {
      assertThat(echoed(one, "a") + echoed(other, "b")).isEqualTo("ab");
      assertThat(proxy.resetAll()).isEqualTo(2);
      assertReset(one);
      assertReset(other);
    }
    proxy.resetOnConnect(2);
    for (int i = 1; i <= 2; i++) {
      try (Socket socket = connect()) {
        assertReset(socket);
        assertThat(proxy.happened()).isEqualTo(i);
      }
    }
    try (Socket socket = connect()) {
      assertThat(echoed(socket, "c")).isEqualTo("c");
    }
  }

  @Test
  void whatTriggersAResetDoesNotArriveAlsoInTwoPackets() throws Exception {
    try (Recorder server = new Recorder();
        FaultProxy before = FaultProxy.before("127.0.0.1", server.port())) {
      before.resetWhenClientSends("COMMIT", 1);
      before.skip(1);
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), before.port())) {
        send(socket, "COMMIT 1");
        assertThat(server.next()).isEqualTo("COMMIT 1");
        assertThat(read(socket, 4)).isEqualTo("done");
        send(socket, "COM");
        assertThat(server.next()).isEqualTo("COM");
        send(socket, "MIT 2");
        assertThat(read(socket, 4)).isEqualTo("done");
        assertReset(socket);
      }
      assertThat(before.happened()).isEqualTo(1);
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), before.port())) {
        send(socket, "COMMIT 3");
        assertThat(server.next()).isEqualTo("COMMIT 3");
      }
    }
  }

  @Test
  void serverHasDoneWhatItsAnswerIsLostOf() throws Exception {
    try (Recorder server = new Recorder();
        FaultProxy before = FaultProxy.before("127.0.0.1", server.port())) {
      before.resetWhenServerSends("done", 1);
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), before.port())) {
        send(socket, "COMMIT");
        assertThat(server.next()).isEqualTo("COMMIT");
        assertReset(socket);
      }
      before.silenceWhenClientSends("COMMIT", Direction.TO_CLIENT, 1);
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), before.port())) {
        send(socket, "COMMIT");
        assertThat(server.next()).isEqualTo("COMMIT");
        assertSilent(socket);
      }
      assertThat(before.happened()).isEqualTo(1);
    }
  }

  @Test
  void streamEndsAfterExactlySoManyBytesAndTheOtherWayStaysOpen() throws Exception {
    proxy.finishAfterBytes("begin", 7, 1);
    try (Socket socket = connect()) {
      assertThat(echoed(socket, "before")).isEqualTo("before");
      send(socket, "begin and go on");
      assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
          .isEqualTo("begin a");
      send(socket, "still open");
      assertThat(proxy.happened()).isEqualTo(1);
    }
  }

  @Test
  void anEmptyTextIsThereFromTheBeginning() throws IOException {
    proxy.resetAfterBytes("", 5, 1);
    try (Socket socket = connect()) {
      assertThat(echoed(socket, "12345")).isEqualTo("12345");
      send(socket, "6");
      assertReset(socket);
    }
    proxy.silenceAfterBytes("", 5, Direction.BOTH, 1);
    try (Socket socket = connect()) {
      assertThat(echoed(socket, "12345")).isEqualTo("12345");
      send(socket, "6");
      assertSilent(socket);
    }
  }

  @Test
  void clientSeesThatTheServerIsGone() throws IOException {
    try (FaultProxy before = FaultProxy.before("127.0.0.1", FreePort.choose());
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), before.port())) {
      socket.setSoTimeout(SOON_MILLIS);
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void closingResetsWhatIsOpenAndLeavesNoThread() throws Exception {
    int before = threads();
    FaultProxy other = FaultProxy.before("127.0.0.1", echo.port());
    other.traffic(Traffic.late(Duration.ofMillis(1), Duration.ZERO));
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), other.port())) {
      assertThat(echoed(socket, "a")).isEqualTo("a");
      assertThat(threads()).isGreaterThan(before);
      other.close();
      assertReset(socket);
      assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), other.port()).close())
          .isInstanceOf(IOException.class);
    }
    Eventually.is(true, "threads end", () -> threads() <= before);
  }

  private static int threads() {
    return (int)
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith("proxy-"))
            .count();
  }

  @Test
  void whatIsOutOfBoundsIsRefusedAtOnce() {
    assertThatThrownBy(() -> FaultProxy.before("localhost", 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("port must be 1 to 65535, is 0");
    assertThatThrownBy(() -> proxy.resetOnConnect(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("times must be at least 1, is 0");
    assertThatThrownBy(() -> proxy.resetAfterBytes("", -1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("must be at least 0, is -1");
    assertThatThrownBy(() -> Traffic.sliced(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("sliceBytes must be at least 1, is 0");
    assertThatThrownBy(() -> Traffic.thin(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bytesPerSecond must be at least 1, is 0");
    assertThatThrownBy(() -> Traffic.late(Duration.ofMillis(-1), Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("latency must be at least PT0S, is PT-0.001S");
  }

  /** Keeps what it is sent, packet by packet, and answers each with "done". */
  private static final class Recorder implements AutoCloseable {
    private final ServerSocket listening =
        new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final BlockingQueue<String> packets = new LinkedBlockingQueue<>();

    Recorder() throws IOException {
      run(this::accept);
    }

    private static void run(Runnable work) {
      Thread thread = new Thread(work, "recorder");
      thread.setDaemon(true);
      thread.start();
    }

    int port() {
      return listening.getLocalPort();
    }

    String next() throws InterruptedException {
      return next(SOON_MILLIS);
    }

    String next(int millis) throws InterruptedException {
      return packets.poll(millis, TimeUnit.MILLISECONDS);
    }

    private void accept() {
      while (!listening.isClosed()) {
        try {
          Socket socket = listening.accept();
          run(() -> serve(socket));
        } catch (IOException e) {
          return;
        }
      }
    }

    private void serve(Socket socket) {
      byte[] buffer = new byte[100];
      try (socket;
          InputStream in = socket.getInputStream()) {
        for (int length = in.read(buffer); length > 0; length = in.read(buffer)) {
          packets.add(new String(buffer, 0, length, StandardCharsets.US_ASCII));
          send(socket, "done");
        }
      } catch (IOException e) {
        // Cut, as the test wants it.
      }
    }

    @Override
    public void close() throws IOException {
      listening.close();
    }
  }
}
