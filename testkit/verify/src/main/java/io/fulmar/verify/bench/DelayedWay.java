package io.fulmar.verify.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a delayed line: what is read from one socket is written to another so much
 * later, by two threads around a ring.
 */
final class DelayedWay {
  /** What may be on the way; many times what a line of that length holds. */
  private static final int RING = 16 << 20;

  private static final int PIECE = 256 << 10;

  private record Piece(int length, long due) {}

  private final Socket from;
  private final Socket to;
  private final long delayNanos;
  private final byte[] ring = new byte[RING];

  /** What has arrived and was not written, in the order of its arrival. */
  private final Deque<Piece> pieces = new ArrayDeque<>();

  private int count;
  private boolean end;

  DelayedWay(Socket from, Socket to, long delayNanos) {
    this.from = from;
    this.to = to;
    this.delayNanos = delayNanos;
  }

  static void daemon(Runnable task) {
    Thread thread = new Thread(task, "delayed");
    thread.setDaemon(true);
    thread.start();
  }

  void start() {
    daemon(this::read);
    daemon(this::write);
  }

  private void read() {
    try {
      InputStream in = from.getInputStream();
      int at = 0;
      for (int got = in.read(ring, at, room(at)); got > 0; got = in.read(ring, at, room(at))) {
        at = (at + got) % RING;
        arrived(got);
      }
    } catch (IOException e) {
      // As good as its end.
      return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      ended();
    }
  }

  private synchronized int room(int at) throws InterruptedException {
    while (count == RING) {
      wait();
    }
    return Math.min(Math.min(RING - count, RING - at), PIECE);
  }

  private synchronized void arrived(int length) {
    count += length;
    pieces.add(new Piece(length, System.nanoTime() + delayNanos));
    notifyAll();
  }

  private synchronized void ended() {
    end = true;
    notifyAll();
  }

  private void write() {
    try (to) {
      OutputStream out = to.getOutputStream();
      int at = 0;
      for (int due = awaitDue(); due > 0; due = awaitDue()) {
        int first = Math.min(due, RING - at);
        out.write(ring, at, first);
        out.write(ring, 0, due - first);
        at = (at + due) % RING;
        left(due);
      }
      to.shutdownOutput();
    } catch (IOException e) {
      // The reader of the other direction notices.
      return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits until something is due; says how many bytes are; 0 at the end. */
  private int awaitDue() throws InterruptedException {
    Piece next = awaitPiece();
    if (next == null) {
      return 0;
    }
    long early = next.due - System.nanoTime();
    while (early > 0) {
      LockSupport.parkNanos(early);
      early = next.due - System.nanoTime();
    }
    return takeDue();
  }

  private synchronized @Nullable Piece awaitPiece() throws InterruptedException {
    while (pieces.isEmpty() && !end) {
      wait();
    }
    return pieces.peek();
  }

  private synchronized int takeDue() {
    long now = System.nanoTime();
    int due = 0;
    for (Piece next = pieces.peek(); next != null && next.due - now <= 0; next = pieces.peek()) {
      due += next.length;
      pieces.remove();
    }
    return due;
  }

  private synchronized void left(int length) {
    count -= length;
    notifyAll();
  }
}
