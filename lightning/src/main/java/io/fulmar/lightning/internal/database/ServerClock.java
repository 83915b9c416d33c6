package io.fulmar.lightning.internal.database;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.jspecify.annotations.Nullable;

/**
 * The time of the database server, as it was told last and as much later as this process has
 * measured since: the clock of this machine has no say, and a step of it changes nothing. Until the
 * server has been asked, it is that of this machine. This class is threadsafe.
 */
public final class ServerClock extends Clock {
  private static final long NANOS_PER_MILLI = 1_000_000;

  private record Told(long millis, long nanoTime) {}

  private volatile @Nullable Told told;

  /**
   * The server said what time it is.
   *
   * @param millis milliseconds since 1970
   * @param nanoTime when it was asked; it may have been later when it looked
   */
  void told(long millis, long nanoTime) {
    told = new Told(millis, nanoTime);
  }

  @Override
  public long millis() {
    Told last = told;
    return last == null
        ? Clock.systemUTC().millis()
        : last.millis() + (System.nanoTime() - last.nanoTime()) / NANOS_PER_MILLI;
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
    throw new UnsupportedOperationException("times here are moments");
  }
}
