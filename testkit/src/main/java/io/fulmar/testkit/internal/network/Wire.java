package io.fulmar.testkit.internal.network;

import io.fulmar.testkit.network.Traffic;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.DelayQueue;
import java.util.concurrent.Delayed;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * One way to a socket, with the traffic of a line: bytes that are late wait in a queue of bounded
 * size, so that a thin line holds up the sender as a real one does. Used by one sending thread.
 */
final class Wire {
  private static final int ROOM_BYTES = 64 * 1024;

  private final Socket socket;
  private final OutputStream out;
  private final Traffic traffic;
  private final Random random;
  private final DelayQueue<Parcel> under = new DelayQueue<>();
  private final Semaphore room = new Semaphore(ROOM_BYTES);
  private volatile boolean broken;
  private long lastDue;
  private long sent;

  Wire(Socket socket, Traffic traffic, long seed) throws IOException {
    this.socket = socket;
    this.out = socket.getOutputStream();
    this.traffic = traffic;
    this.random = new Random(seed);
    this.lastDue = System.nanoTime();
    if (!traffic.equals(Traffic.PLAIN)) {
      ProtocolProxy.start("wire", this::deliver);
    }
  }

  void send(byte[] bytes, int from, int length) throws IOException {
    if (broken) {
      throw new IOException("the wire is cut");
    }
    if (traffic.equals(Traffic.PLAIN)) {
      out.write(bytes, from, length);
      return;
    }
    for (int at = from; at < from + length; at += ROOM_BYTES) {
      int part = Math.min(ROOM_BYTES, from + length - at);
      room.acquireUninterruptibly(part);
      under.add(new Parcel(Arrays.copyOfRange(bytes, at, at + part), due(part), sent++));
    }
  }

  /** After what is on its way, the other end is told that nothing more comes. */
  void finish() throws IOException {
    if (traffic.equals(Traffic.PLAIN)) {
      socket.shutdownOutput();
    } else {
      under.add(new Parcel(new byte[0], lastDue, sent++));
    }
  }

  /** Nothing more is delivered. */
  void cut() {
    broken = true;
    under.clear();
    under.add(new Parcel(new byte[0], Long.MIN_VALUE, -1));
    room.release(ROOM_BYTES);
  }

  private long due(int bytes) {
    long now = System.nanoTime();
    long jitter = traffic.jitter().toNanos();
    long late =
        traffic.latency().toNanos() + (jitter == 0 ? 0 : (long) (random.nextDouble() * jitter));
    long onTheLine =
        traffic.bytesPerSecond() == Long.MAX_VALUE
            ? 0
            : bytes * 1_000_000_000L / traffic.bytesPerSecond();
    // What was sent first arrives first, and the line takes one thing after the other.
    lastDue = Math.max(lastDue + onTheLine, now + late + onTheLine);
    return lastDue;
  }

  private void deliver() {
    try {
      while (true) {
        Parcel parcel = under.take();
        if (broken) {
          return;
        }
        byte[] bytes = parcel.bytes();
        if (bytes.length == 0) {
          socket.shutdownOutput();
          return;
        }
        for (int at = 0; at < bytes.length; at += traffic.sliceBytes()) {
          out.write(bytes, at, Math.min(traffic.sliceBytes(), bytes.length - at));
        }
        room.release(bytes.length);
      }
    } catch (IOException e) {
      cut();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Some bytes, or the end if there are none, with the moment at which they arrive. */
  private record Parcel(byte[] bytes, long due, long number) implements Delayed {
    @Override
    public long getDelay(TimeUnit unit) {
      return number < 0 ? 0 : unit.convert(due - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
      return Long.compare(number, ((Parcel) other).number());
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Parcel parcel && parcel.number == number;
    }

    @Override
    public int hashCode() {
      return Long.hashCode(number);
    }
  }
}
