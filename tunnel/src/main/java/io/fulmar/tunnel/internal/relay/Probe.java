package io.fulmar.tunnel.internal.relay;

import io.fulmar.TunnelException;
import io.fulmar.TunnelException.Kind;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;

/**
 * Asks a PostgreSQL server for something that it answers with one byte and does not log (manual,
 * "Message Formats", GSSENCRequest), and goes.
 */
public final class Probe {
  private static final int GSS_REQUEST_LENGTH = 8;
  private static final int GSS_REQUEST = 80_877_104;

  /** Encrypted, not encrypted, TLS, an error: whatever of these comes, comes from PostgreSQL. */
  private static final String ANSWERS = "GNSE";

  private Probe() {}

  /**
   * Asks.
   *
   * @param socket not yet connected; closed afterwards
   * @param timeout bound on connecting, and again on the answer
   * @throws TunnelException if no PostgreSQL answers there
   */
  public static void ask(Socket socket, String host, int port, Duration timeout)
      throws TunnelException {
    String target = host + ":" + port;
    String doing = "probe " + target;
    int millis = (int) Math.max(1, timeout.toMillis());
    try (socket) {
      socket.connect(address(socket, host, port), millis);
      socket.setSoTimeout(millis);
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      out.write(request());
      out.flush();
      int answer = socket.getInputStream().read();
      if (answer < 0 || ANSWERS.indexOf(answer) < 0) {
        throw new TunnelException(
            Kind.TARGET_UNREACHABLE,
            doing,
            answer < 0
                ? "%s ended the connection without an answer".formatted(target)
                : "what listens on %s is not a PostgreSQL server".formatted(target),
            "Look at host and port, and whether the server is up.",
            null);
      }
    } catch (SocketTimeoutException e) {
      throw new TunnelException(
          Kind.TARGET_UNREACHABLE,
          doing,
          "%s did not answer within %s ms".formatted(target, millis),
          "Look whether the server hangs, and at what stands between.",
          e);
    } catch (IOException e) {
      if (e.getCause() instanceof TunnelException failure) {
        throw new TunnelException(failure.kind(), doing, failure.fact(), failure.remedy(), failure);
      }
      throw new TunnelException(
          Kind.TARGET_UNREACHABLE,
          doing,
          "%s cannot be reached (%s)".formatted(target, e.getMessage()),
          "Look whether the server runs and listens there.",
          e);
    }
  }

  private static InetSocketAddress address(Socket socket, String host, int port) {
    return socket.getClass() == Socket.class
        ? new InetSocketAddress(host, port)
        : InetSocketAddress.createUnresolved(host, port);
  }

  private static byte[] request() {
    java.nio.ByteBuffer request = java.nio.ByteBuffer.allocate(GSS_REQUEST_LENGTH);
    request.putInt(GSS_REQUEST_LENGTH).putInt(GSS_REQUEST);
    return request.array();
  }
}
