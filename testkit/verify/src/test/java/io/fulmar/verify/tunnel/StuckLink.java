package io.fulmar.verify.tunnel;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Stands before a server and forwards, until it sticks: what is then open takes nothing more from
 * the client, as when packets are lost without a word and the buffers of the kernel fill. What is
 * made afterwards is forwarded again. This class is threadsafe.
 */
final class StuckLink implements AutoCloseable {
  private final ServerSocket listening;
  private final String host;
  private final int port;
  private final List<Pair> pairs = new CopyOnWriteArrayList<>();

  private StuckLink(ServerSocket listening, String host, int port) {
    this.listening = listening;
    this.host = host;
    this.port = port;
  }

  static StuckLink to(String host, int port) throws IOException {
    StuckLink link =
        new StuckLink(new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1")), host, port);
    run(link::accept);
    return link;
  }

  int port() {
    return listening.getLocalPort();
  }

  /** From now on nothing goes through the connections that are open. */
  void stick() {
    pairs.forEach(pair -> pair.stuck = true);
  }

  private void accept() throws IOException {
    while (true) {
      Pair pair = new Pair(listening.accept(), new Socket(host, port));
      pairs.add(pair);
      run(() -> pair.pump(pair.client, pair.server));
      run(() -> pair.pump(pair.server, pair.client));
    }
  }

  private interface Work {
    void run() throws Exception;
  }

  private static void run(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (Exception e) {
                // It was closed, which shows in the test.
                return;
              }
            },
            "stuck-link");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    listening.close();
    for (Pair pair : pairs) {
      pair.close();
    }
  }

  private static final class Pair {
    private final Socket client;
    private final Socket server;
    private volatile boolean stuck;

    Pair(Socket client, Socket server) {
      this.client = client;
      this.server = server;
    }

    void pump(Socket from, Socket to) throws IOException {
      byte[] bytes = new byte[8_192];
      int count = from.getInputStream().read(bytes);
      while (count >= 0) {
        if (stuck) {
          return;
        }
        to.getOutputStream().write(bytes, 0, count);
        count = from.getInputStream().read(bytes);
      }
      if (!stuck) {
        close();
      }
    }

    void close() throws IOException {
      client.close();
      server.close();
    }
  }
}
