package io.fulmar.internal.type;

import io.fulmar.Interval;
import io.fulmar.SpecialValue;

/**
 * The text of intervals at IntervalStyle postgres (PostgreSQL manual, 8.5.5): {@code 1 year 2 mons
 * -3 days +04:05:06.7}. This class has no state and is threadsafe.
 */
public final class IntervalText {
  private static final long MICROS_PER_SECOND = 1_000_000;
  private static final long MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND;
  private static final long MICROS_PER_HOUR = 60 * MICROS_PER_MINUTE;

  private IntervalText() {}

  /** An {@link Interval}, or a {@link SpecialValue} for an infinite one. */
  static Object value(String text) {
    if (text.equals("infinity") || text.equals("-infinity")) {
      return new SpecialValue(text);
    }
    long months = 0;
    long days = 0;
    long micros = 0;
    String[] parts = text.split(" ");
    for (int i = 0; i < parts.length; i++) {
      if (parts[i].indexOf(':') >= 0) {
        micros = micros(parts[i]);
        continue;
      }
      long number = Long.parseLong(parts[i++]);
      switch (parts[i]) {
        case "year", "years" -> months += 12 * number;
        case "mon", "mons" -> months += number;
        case "day", "days" -> days = number;
        default -> throw new IllegalArgumentException("an interval has no such unit");
      }
    }
    return new Interval(Math.toIntExact(months), Math.toIntExact(days), micros);
  }

  private static long micros(String time) {
    boolean negative = time.startsWith("-");
    int at = negative || time.startsWith("+") ? 1 : 0;
    int minutes = time.indexOf(':');
    int seconds = time.indexOf(':', minutes + 1);
    int point = time.indexOf('.', seconds);
    int end = point < 0 ? time.length() : point;
    // Counted below zero, since the least long has no positive counterpart.
    long micros = -MICROS_PER_HOUR * Long.parseLong(time, at, minutes, 10);
    micros -= MICROS_PER_MINUTE * Integer.parseInt(time, minutes + 1, seconds, 10);
    micros -= MICROS_PER_SECOND * Integer.parseInt(time, seconds + 1, end, 10);
    long unit = MICROS_PER_SECOND;
    for (int i = end + 1; i < time.length(); i++) {
      unit /= 10;
      micros -= unit * (time.charAt(i) - '0');
    }
    return negative ? micros : Math.negateExact(micros);
  }

  /** As PostgreSQL prints it. */
  public static String text(Interval interval) {
    StringBuilder out = new StringBuilder();
    boolean negative = append(out, interval.months() / 12, "year", false);
    negative = append(out, interval.months() % 12, "mon", negative);
    negative = append(out, interval.days(), "day", negative);
    long micros = interval.microseconds();
    if (micros == 0 && out.length() > 0) {
      return out.toString();
    }
    if (out.length() > 0) {
      out.append(' ');
    }
    if (micros < 0) {
      out.append('-');
    } else if (negative) {
      out.append('+');
    }
    two(out, Math.abs(micros / MICROS_PER_HOUR));
    two(out.append(':'), Math.abs(micros / MICROS_PER_MINUTE % 60));
    two(out.append(':'), Math.abs(micros / MICROS_PER_SECOND % 60));
    long fraction = Math.abs(micros % MICROS_PER_SECOND);
    if (fraction > 0) {
      out.append('.');
      for (long unit = MICROS_PER_SECOND / 10; fraction > 0; unit /= 10) {
        out.append((char) ('0' + fraction / unit));
        fraction %= unit;
      }
    }
    return out.toString();
  }

  /** Appends a field unless it is 0; a plus follows only upon a minus. Whether that is now so. */
  private static boolean append(StringBuilder out, int number, String unit, boolean afterNegative) {
    if (number == 0) {
      return afterNegative;
    }
    if (out.length() > 0) {
      out.append(' ');
    }
    out.append(afterNegative && number > 0 ? "+" : "").append(number).append(' ').append(unit);
    out.append(number == 1 ? "" : "s");
    return number < 0;
  }

  private static void two(StringBuilder out, long number) {
    out.append(number < 10 ? "0" : "").append(number);
  }
}
