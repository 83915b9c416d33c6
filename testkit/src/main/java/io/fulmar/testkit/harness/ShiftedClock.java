package io.fulmar.testkit.harness;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicLong;

/** Runs as the system's clock does, and jumps forward when it is told to. Threadsafe. */
final class ShiftedClock extends Clock {
  private final AtomicLong shift = new AtomicLong();

  /** Jumps. */
  void advance(Duration duration) {
    shift.addAndGet(duration.toMillis());
  }

  @Override
  public long millis() {
    return System.currentTimeMillis() + shift.get();
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
    return Clock.offset(Clock.system(zone), Duration.ofMillis(shift.get()));
  }
}
