package io.fulmar.tunnel.internal.link;

import io.fulmar.TunnelException;
import io.fulmar.tunnel.TunnelState;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells of the changes of a tunnel one after the other, in the order in which they came about, on
 * the threads that bring them about; and knows since when it is as it is. Whoever brings a change
 * while another thread is telling leaves it to that one. This class is threadsafe.
 */
public final class Announcer {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.tunnel");

  private record Change(TunnelState state, @Nullable TunnelException cause) {}

  private final String tunnel;
  private final LinkEvents events;
  private final Queue<Change> untold = new ArrayDeque<>();
  private @Nullable Thread telling;
  private TunnelState state = TunnelState.CLOSED;
  private Instant since = Instant.now();

  /**
   * Of a tunnel that is closed.
   *
   * @param tunnel its name
   * @param events told of each change
   */
  public Announcer(String tunnel, LinkEvents events) {
    this.tunnel = tunnel;
    this.events = events;
  }

  /** Notes a state of which nobody is told. */
  public synchronized void note(TunnelState now) {
    if (now != state) {
      state = now;
      since = Instant.now();
    }
  }

  /** Since when it is as it is. */
  public synchronized Instant since() {
    return since;
  }

  /** Notes a change, under the lock that guards what has changed; {@link #tell} tells of it. */
  synchronized void add(TunnelState now, @Nullable TunnelException cause) {
    note(now);
    untold.add(new Change(now, cause));
  }

  /** Tells what is untold, without any lock, unless another thread does. */
  void tell() {
    if (!begin()) {
      return;
    }
    try {
      for (Change next = next(); next != null; next = next()) {
        tell(next);
      }
    } finally {
      end();
    }
  }

  private void tell(Change change) {
    try {
      events.changed(change.state, change.cause);
    } catch (RuntimeException e) {
      LOG.warn("tunnel={} its listener threw {}", tunnel, e.getClass().getName(), e);
    }
  }

  private synchronized boolean begin() {
    if (telling != null) {
      return false;
    }
    telling = Thread.currentThread();
    return true;
  }

  private synchronized @Nullable Change next() {
    Change next = untold.poll();
    if (next == null) {
      end();
    }
    return next;
  }

  private synchronized void end() {
    if (telling == Thread.currentThread()) {
      telling = null;
      notifyAll();
    }
  }

  /** Waits until another thread has told what is untold, or so long. */
  synchronized void awaitTold(long nanos) throws InterruptedException {
    long until = System.nanoTime() + nanos;
    long left = nanos;
    while (telling != null && telling != Thread.currentThread() && left > 0) {
      TimeUnit.NANOSECONDS.timedWait(this, left);
      left = until - System.nanoTime();
    }
  }
}
