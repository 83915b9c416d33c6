package io.fulmar.harness;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A clock that stands still until it is told otherwise. This class is threadsafe. */
public final class ManualClock extends Clock {
  private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
  private long millis;

  /** A clock that shows this moment. */
  public ManualClock(Instant now) {
    millis = now.toEpochMilli();
  }

  /** Calls something after each move. */
  public void onMove(Runnable watcher) {
    watchers.add(watcher);
  }

  /** Moves on. */
  public void advance(Duration duration) {
    synchronized (this) {
      millis += duration.toMillis();
    }
    watchers.forEach(Runnable::run);
  }

  @Override
  public synchronized long millis() {
    return millis;
  }

  @Override
  public Instant instant() {
    return Instant.ofEpochMilli(millis());
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    throw new UnsupportedOperationException("this clock tells milliseconds");
  }
}
