package io.fulmar.internal.postgres;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Takes connections on a free port of this machine and does with each what it was made for. Closing
 * it ends it, and with it whoever waits for an answer.
 */
final class StubServer implements AutoCloseable {
  /** What is done with a connection. */
  @FunctionalInterface
  interface Conversation {
    void with(Socket socket) throws IOException;
  }

  private final ServerSocket listening;
  private final AtomicInteger connections = new AtomicInteger();
  private volatile boolean closed;

  private StubServer(ServerSocket listening) {
    this.listening = listening;
  }

  static StubServer start(Conversation conversation) {
    try {
      StubServer server = new StubServer(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
      thread(() -> server.accept(conversation));
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Takes what is sent and never answers. */
  static StubServer silent() {
    return start(StubServer::readToTheEnd);
  }

  /** Says something at once, as SSH or MySQL do, and takes what is sent. */
  static StubServer greeting(byte[] bytes) {
    return start(
        socket -> {
          socket.getOutputStream().write(bytes);
          readToTheEnd(socket);
        });
  }

  /** Answers what comes first, as HTTP does, and ends the connection. */
  static StubServer answering(byte[] bytes) {
    return start(
        socket -> {
          byte[] first = new byte[1_024];
          if (socket.getInputStream().read(first) > 0) {
            socket.getOutputStream().write(bytes);
          }
        });
  }

  static void readToTheEnd(Socket socket) throws IOException {
    byte[] buffer = new byte[1_024];
    while (socket.getInputStream().read(buffer) >= 0) {
      // Whatever it is, it is not answered.
      continue;
    }
  }

  int port() {
    return listening.getLocalPort();
  }

  int connections() {
    return connections.get();
  }

  private void accept(Conversation conversation) {
    while (!closed) {
      try {
        Socket socket = listening.accept();
        connections.incrementAndGet();
        thread(() -> converse(conversation, socket));
      } catch (IOException e) {
        // Closed; the loop ends.
        continue;
      }
    }
  }

  private static void converse(Conversation conversation, Socket socket) {
    try (socket) {
      conversation.with(socket);
    } catch (IOException e) {
      // The other side went away, as it should.
      return;
    }
  }

  private static void thread(Runnable work) {
    Thread thread = new Thread(work, "stub-server");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    closed = true;
    listening.close();
  }
}
