package io.fulmar.tunnel.internal.ssh;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** What goes through a tunnel, over all its SSH connections. Threadsafe. */
public final class Traffic {
  private final LongAdder sent = new LongAdder();
  private final LongAdder received = new LongAdder();
  private final LongAdder opened = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger inside = new AtomicInteger();
  private final int most;

  /** Of connections without a bound. */
  public Traffic() {
    this(Integer.MAX_VALUE);
  }

  /**
   * Of bounded connections.
   *
   * @param most how many there may be at once, those that are being opened included
   */
  public Traffic(int most) {
    this.most = most;
  }

  /**
   * Makes room for one more, which the end of the connection gives back.
   *
   * @return whether there was room
   */
  public boolean enter() {
    return inside.getAndUpdate(now -> now < most ? now + 1 : now) < most;
  }

  /** Gives back room for what did not come about. */
  public void leave() {
    inside.decrementAndGet();
  }

  void sent(int bytes) {
    sent.add(bytes);
  }

  void received(int bytes) {
    received.add(bytes);
  }

  void opened() {
    opened.increment();
    open.incrementAndGet();
  }

  void closed() {
    open.decrementAndGet();
    leave();
  }

  /** A connection did not come about. */
  public void refused() {
    refused.increment();
  }

  /** Bytes towards the other side. */
  public long sentBytes() {
    return sent.sum();
  }

  /** Bytes from the other side. */
  public long receivedBytes() {
    return received.sum();
  }

  /** Connections that came about. */
  public long connections() {
    return opened.sum();
  }

  /** Connections that did not come about. */
  public long refusals() {
    return refused.sum();
  }

  /** Connections that are open now. */
  public int open() {
    return open.get();
  }
}
