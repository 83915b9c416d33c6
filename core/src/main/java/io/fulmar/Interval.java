package io.fulmar;

import io.fulmar.internal.type.IntervalText;
import java.time.Duration;
import java.time.Period;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * A PostgreSQL {@code interval}: three fields that do not run over into each other, since a month
 * has no fixed number of days and a day no fixed number of hours (PostgreSQL manual, 8.5.4). Each
 * may be negative whatever the others are. An infinite interval, which PostgreSQL has from 17 on,
 * is a {@link SpecialValue}.
 *
 * <p>Two are equal if all three fields are: one month is not 30 days here, although PostgreSQL's
 * {@code =} says so. Immutable.
 *
 * @param months a year is 12 of them
 * @param days what is left beside the months
 * @param microseconds what is left beside the days
 */
public record Interval(int months, int days, long microseconds) {
  private static final Duration LONGEST = Duration.ofHours(2_562_047_788L);

  /**
   * An interval of years, months and days.
   *
   * @param period its years count as 12 months each
   * @throws IllegalArgumentException if its months exceed an {@code int}
   */
  public static Interval of(Period period) {
    Objects.requireNonNull(period, "period");
    int months =
        (int)
            Checks.inRange(
                "period in months", period.toTotalMonths(), Integer.MIN_VALUE, Integer.MAX_VALUE);
    return new Interval(months, period.getDays(), 0);
  }

  /**
   * An interval of microseconds alone; what is finer is cut off.
   *
   * @param duration its days count as 24 hours each
   * @throws IllegalArgumentException if it is longer than 2,562,047,788 hours: more microseconds
   *     than a {@code long} has
   */
  public static Interval of(Duration duration) {
    Checks.inRange("duration", duration, LONGEST.negated(), LONGEST);
    return new Interval(
        0, 0, TimeUnit.SECONDS.toMicros(duration.getSeconds()) + duration.getNano() / 1_000);
  }

  /** Months and days, the months in years and months. */
  public Period period() {
    return Period.of(months / 12, months % 12, days);
  }

  /** The microseconds. */
  public Duration duration() {
    return Duration.ofSeconds(
        Math.floorDiv(microseconds, 1_000_000), Math.floorMod(microseconds, 1_000_000) * 1_000);
  }

  /**
   * PostgreSQL's text of the interval, {@code 1 year 2 mons -3 days +04:05:06.7}: the value itself,
   * as with any Java value.
   */
  @Override
  public String toString() {
    return IntervalText.text(this);
  }
}
