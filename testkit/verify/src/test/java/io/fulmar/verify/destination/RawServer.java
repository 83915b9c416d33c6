package io.fulmar.verify.destination;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Reads requests and answers each with whatever bytes a test wants, at whatever pace. */
final class RawServer implements AutoCloseable {
  private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<String> heads = Collections.synchronizedList(new ArrayList<>());
  private final List<String> bodies = Collections.synchronizedList(new ArrayList<>());
  private final List<Socket> sockets = Collections.synchronizedList(new ArrayList<>());
  private volatile int connections;

  /** Answers one request; the connection is closed when it returns or throws. */
  interface Answer {
    void to(OutputStream out) throws Exception;
  }

  RawServer(Answer answer) throws IOException {
    threads.execute(
        () -> {
          try {
            while (true) {
              Socket socket = listener.accept();
              sockets.add(socket);
              connections++;
              threads.execute(() -> serve(socket, answer));
            }
          } catch (IOException e) {
            // closed
          }
        });
  }

  /** A server that gives the same answer to each request. */
  static RawServer saying(String answer) throws IOException {
    return new RawServer(out -> out.write(answer.getBytes(StandardCharsets.UTF_8)));
  }

  private void serve(Socket socket, Answer answer) {
    try (socket) {
      InputStream in = socket.getInputStream();
      StringBuilder head = new StringBuilder();
      for (int b = in.read(); b >= 0; b = in.read()) {
        head.append((char) b);
        if (head.toString().endsWith("\r\n\r\n")) {
          break;
        }
      }
      if (head.length() == 0) {
        return;
      }
      int length =
          head.toString()
              .lines()
              .filter(line -> line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:"))
              .mapToInt(line -> Integer.parseInt(line.substring(15).strip()))
              .findFirst()
              .orElse(0);
      bodies.add(new String(in.readNBytes(length), StandardCharsets.UTF_8));
      heads.add(head.toString());
      answer.to(socket.getOutputStream());
      socket.getOutputStream().flush();
    } catch (Exception e) {
      // the client is gone, as the test wants it
    }
  }

  int port() {
    return listener.getLocalPort();
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + port() + "/");
  }

  /** Request line and headers of each request. */
  List<String> heads() {
    return heads;
  }

  List<String> bodies() {
    return bodies;
  }

  int connections() {
    return connections;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : List.copyOf(sockets)) {
      socket.close();
    }
    threads.shutdownNow();
  }
}
