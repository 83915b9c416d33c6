package io.fulmar.tunnel.internal.relay;

import io.fulmar.tunnel.internal.ssh.TunnelChannel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Pairs of a socket and a channel, with two threads each: ends and resets of one side are passed on
 * to the other. This class is threadsafe; whoever made it closes it.
 */
public final class Relays implements AutoCloseable {
  private static final int PIECE = 32 << 10;
  private static final long CLOSING_MILLIS = 2_000;

  private final ThreadPoolExecutor threads;
  private final Set<Thread> made = ConcurrentHashMap.newKeySet();
  private final Semaphore room;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

  /**
   * None yet.
   *
   * @param name what its threads are called
   * @param most how many there may be at once
   */
  public Relays(String name, int most) {
    room = new Semaphore(most);
    AtomicInteger number = new AtomicInteger();
    threads =
        new ThreadPoolExecutor(
            0,
            // Two for each for which there is room; one that ends counts a little longer.
            Integer.MAX_VALUE,
            10,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            task -> {
              Thread thread = new Thread(task, name + "-" + number.incrementAndGet());
              thread.setDaemon(true);
              made.removeIf(each -> each.getState() == Thread.State.TERMINATED);
              made.add(thread);
              return thread;
            });
  }

  /**
   * Begins to make and carry a pair, on a thread of its own.
   *
   * @param task makes both and calls {@link #carry}
   * @return whether there was room
   */
  public boolean begin(Runnable task) {
    if (!room.tryAcquire()) {
      return false;
    }
    try {
      threads.execute(
          () -> {
            try {
              task.run();
            } finally {
              room.release();
            }
          });
      return true;
    } catch (RejectedExecutionException e) {
      room.release();
      return false;
    }
  }

  /** Carries bytes both ways until both sides have ended, or one has failed; closes both. */
  public void carry(Socket socket, TunnelChannel channel) {
    sockets.add(socket);
    CountDownLatch other = new CountDownLatch(1);
    try {
      threads.execute(
          () -> {
            try {
              toSocket(channel, socket);
            } finally {
              other.countDown();
            }
          });
    } catch (RejectedExecutionException e) {
      // It was closed, before or after it could see this pair.
      reset(socket, channel);
      return;
    }
    toChannel(socket, channel);
    try {
      other.await();
    } catch (InterruptedException e) {
      reset(socket, channel);
    }
  }

  private void toChannel(Socket socket, TunnelChannel channel) {
    try {
      copy(socket.getInputStream(), channel.getOutputStream());
      channel.shutdownOutput();
      ended(socket, channel, true);
    } catch (IOException e) {
      reset(socket, channel);
    }
  }

  private void toSocket(TunnelChannel channel, Socket socket) {
    try {
      copy(channel.getInputStream(), socket.getOutputStream());
      socket.shutdownOutput();
      ended(socket, channel, false);
    } catch (IOException e) {
      reset(socket, channel);
    }
  }

  private static void copy(InputStream from, OutputStream to) throws IOException {
    byte[] piece = new byte[PIECE];
    int count = from.read(piece);
    while (count >= 0) {
      to.write(piece, 0, count);
      count = from.read(piece);
    }
  }

  /** One direction has ended in good order; with the second, all is over. */
  private void ended(Socket socket, TunnelChannel channel, boolean towardsChannel)
      throws IOException {
    synchronized (socket) {
      if (towardsChannel) {
        if (!socket.isClosed() && !socket.isInputShutdown()) {
          socket.shutdownInput();
        }
      }
      if (!socket.isClosed() && !(socket.isInputShutdown() && socket.isOutputShutdown())) {
        return;
      }
    }
    sockets.remove(socket);
    socket.close();
    channel.close();
  }

  private void reset(Socket socket, TunnelChannel channel) {
    sockets.remove(socket);
    channel.close();
    reset(socket);
  }

  private static void reset(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
      socket.close();
    } catch (IOException e) {
      // It is closed already.
      return;
    }
  }

  /** Cuts all pairs. Returns when their threads have ended, or after 2 s. */
  @Override
  public void close() {
    threads.shutdown();
    sockets.forEach(Relays::reset);
    sockets.clear();
    threads.shutdownNow();
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CLOSING_MILLIS);
    try {
      for (Thread thread : made) {
        long left = until - System.nanoTime();
        if (left > 0 && thread != Thread.currentThread()) {
          TimeUnit.NANOSECONDS.timedJoin(thread, left);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
