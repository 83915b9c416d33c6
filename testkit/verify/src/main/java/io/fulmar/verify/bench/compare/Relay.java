package io.fulmar.verify.bench.compare;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A port that hands everything on to the server and counts. This class is threadsafe; closing it
 * ends the port, and connections end with their own ends.
 */
final class Relay implements AutoCloseable {
  private static final int BUFFER = 64 << 10;

  private final ServerSocket port;
  private final int server;
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong received = new AtomicLong();
  private final AtomicLong roundTrips = new AtomicLong();

  /**
   * What went through so far.
   *
   * @param sent bytes to the server
   * @param received bytes from it
   * @param roundTrips how often something was sent after something had been received, or as the
   *     first thing of a connection
   */
  record Traffic(long sent, long received, long roundTrips) {
    Traffic since(Traffic before) {
      return new Traffic(
          sent - before.sent, received - before.received, roundTrips - before.roundTrips);
    }
  }

  Relay(int server) throws IOException {
    this.server = server;
    port = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    daemon(this::accept);
  }

  int port() {
    return port.getLocalPort();
  }

  Traffic traffic() {
    return new Traffic(sent.get(), received.get(), roundTrips.get());
  }

  private void accept() {
    try {
      while (true) {
        Socket client = port.accept();
        Socket forward = new Socket(InetAddress.getLoopbackAddress(), server);
        client.setTcpNoDelay(true);
        forward.setTcpNoDelay(true);
        AtomicBoolean answered = new AtomicBoolean(true);
        daemon(() -> pass(client, forward, answered, true));
        daemon(() -> pass(forward, client, answered, false));
      }
    } catch (IOException e) {
      return; // it was closed
    }
  }

  private void pass(Socket from, Socket to, AtomicBoolean answered, boolean isRequest) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[BUFFER];
      for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
        if (isRequest) {
          sent.addAndGet(length);
          if (answered.getAndSet(false)) {
            roundTrips.incrementAndGet();
          }
        } else {
          received.addAndGet(length);
          answered.set(true);
        }
        out.write(buffer, 0, length);
      }
    } catch (IOException e) {
      return; // one end has gone, and now both have
    }
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(task, "relay");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    port.close();
  }
}
