package io.fulmar.testkit;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A clock that stands still until the test moves it. Every engine takes one, so that quarantine,
 * expiry of plans and whatever else takes hours is tested in no time; an {@link InMemoryEngine}
 * moves it by itself where a run would have waited.
 *
 * <pre>{@code
 * ManualClock clock = ManualClock.at(Instant.parse("2026-03-01T08:00:00Z"));
 * SyncEngine engine = InMemoryEngine.builder(shop).clock(clock).build();
 * clock.advance(Duration.ofHours(24));
 * }</pre>
 *
 * <p>This class is threadsafe. A clock of another zone tells the same time and moves with it.
 */
public final class ManualClock extends Clock {
  private final Time time;
  private final ZoneId zone;

  /** What all zones of a clock share. */
  private static final class Time {
    private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
    private Instant now;

    Time(Instant now) {
      this.now = now;
    }

    synchronized Instant now() {
      return now;
    }

    void move(Duration by) {
      synchronized (this) {
        now = now.plus(by);
      }
      watchers.forEach(Runnable::run);
    }

    void set(Instant value) {
      synchronized (this) {
        now = value;
      }
      watchers.forEach(Runnable::run);
    }
  }

  private ManualClock(Time time, ZoneId zone) {
    this.time = time;
    this.zone = zone;
  }

  /**
   * A clock in UTC.
   *
   * @param now what it shows at first
   */
  public static ManualClock at(Instant now) {
    return new ManualClock(new Time(Objects.requireNonNull(now, "now")), ZoneOffset.UTC);
  }

  /**
   * Moves on.
   *
   * @param duration 0 or more; {@link #set} moves back
   * @throws IllegalArgumentException if it is negative
   */
  public void advance(Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("duration must be 0 or more, is " + duration);
    }
    time.move(duration);
  }

  /**
   * Moves to a moment, forward or, as clocks of machines do when they are put right, back.
   *
   * @param now what it shows from here on
   */
  public void set(Instant now) {
    time.set(Objects.requireNonNull(now, "now"));
  }

  /**
   * Calls something after each move, on the thread that moves.
   *
   * @param watcher called as long as there is the clock
   */
  public void onMove(Runnable watcher) {
    time.watchers.add(Objects.requireNonNull(watcher, "watcher"));
  }

  @Override
  public Instant instant() {
    return time.now();
  }

  @Override
  public ZoneId getZone() {
    return zone;
  }

  @Override
  public ManualClock withZone(ZoneId other) {
    return new ManualClock(time, Objects.requireNonNull(other, "other"));
  }

  /** What it shows. */
  @Override
  public String toString() {
    return "ManualClock[" + instant() + ", " + zone + "]";
  }
}
