package io.fulmar.internal.run;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A clock that moves only when somebody waits, and then by exactly that. Threadsafe. */
final class ManualTime extends Clock implements RunnerSettings.Waiter {
  static final Instant START = Instant.parse("2026-01-15T10:00:00Z");

  private final List<Duration> waits = new ArrayList<>();
  private Instant now = START;

  @Override
  public synchronized void await(CountDownLatch stop, Duration duration) {
    waits.add(duration);
    advance(duration);
  }

  synchronized void advance(Duration duration) {
    now = now.plus(duration);
  }

  /** How long was waited, in order. */
  synchronized List<Duration> waits() {
    return List.copyOf(waits);
  }

  @Override
  public synchronized Instant instant() {
    return now;
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    throw new UnsupportedOperationException("this clock is in UTC");
  }
}
