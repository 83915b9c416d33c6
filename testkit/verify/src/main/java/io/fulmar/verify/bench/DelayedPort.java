package io.fulmar.verify.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * A port of the loopback that leads to another one, where every byte arrives so much later; as wide
 * as the machine allows, as a long line is. This class is threadsafe; closing it ends its threads.
 */
final class DelayedPort implements AutoCloseable {
  private static final int PIECE = 128 << 10;

  /**
   * So many pieces may be on the way: 64 MB or more, many times what a line of that length holds.
   */
  private static final int MOST = 512;

  private record Piece(byte[] bytes, long due) {}

  private final ServerSocket listening;
  private final int target;
  private final long delayNanos;

  /**
   * Begins to listen.
   *
   * @param target the port that it leads to
   * @param delayMillis how much later bytes arrive, each way
   */
  DelayedPort(int target, int delayMillis) throws IOException {
    this.target = target;
    this.delayNanos = delayMillis * 1_000_000L;
    this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    daemon(this::accept);
  }

  int port() {
    return listening.getLocalPort();
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(task, "delayed");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket near = listening.accept();
        Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
        near.setTcpNoDelay(true);
        far.setTcpNoDelay(true);
        carry(near, far);
        carry(far, near);
      } catch (IOException e) {
        // Closed, or nobody behind it: the benchmark fails by itself then.
        continue;
      }
    }
  }

  private void carry(Socket from, Socket to) {
    BlockingQueue<Piece> line = new LinkedBlockingQueue<>(MOST);
    daemon(() -> read(from, line));
    daemon(() -> write(line, to));
  }

  private void read(Socket from, BlockingQueue<Piece> line) {
    byte[] bytes = new byte[PIECE];
    try {
      InputStream in = from.getInputStream();
      int count = in.read(bytes);
      while (count > 0) {
        line.put(new Piece(Arrays.copyOf(bytes, count), System.nanoTime() + delayNanos));
        count = in.read(bytes);
      }
      line.put(new Piece(new byte[0], System.nanoTime() + delayNanos));
    } catch (IOException e) {
      line.offer(new Piece(new byte[0], System.nanoTime()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void write(BlockingQueue<Piece> line, Socket to) {
    try (to) {
      OutputStream out = to.getOutputStream();
      for (Piece piece = line.take(); piece.bytes.length > 0; piece = line.take()) {
        long early = piece.due - System.nanoTime();
        while (early > 0) {
          LockSupport.parkNanos(early);
          early = piece.due - System.nanoTime();
        }
        out.write(piece.bytes);
      }
      to.shutdownOutput();
    } catch (IOException e) {
      // The reader of the other direction notices.
      return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() throws IOException {
    listening.close();
  }
}
