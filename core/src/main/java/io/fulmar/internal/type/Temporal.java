package io.fulmar.internal.type;

import io.fulmar.SpecialValue;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.util.Locale;

/**
 * Dates and times: days and microseconds since 2000-01-01, in the proleptic Gregorian calendar
 * (PostgreSQL manual, 8.5 and B.6). The text is that of DateStyle ISO and TimeZone UTC.
 */
final class Temporal {
  private static final long MICROS_PER_SECOND = 1_000_000;
  private static final long MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND;

  /** 2000-01-01, counted from 1970-01-01. */
  private static final long EPOCH_DAY = 10_957;

  /** {@code 04:05:06.7+05:30:01}, minutes and seconds of the offset only if they are not 0. */
  static final DateTimeFormatter TIMETZ =
      new DateTimeFormatterBuilder()
          .append(DateTimeFormatter.ISO_LOCAL_TIME)
          .appendOffset("+HH:mm:ss", "+00")
          .toFormatter(Locale.ROOT)
          .withResolverStyle(ResolverStyle.STRICT);

  private static final String BC = " BC";

  private Temporal() {}

  static Object date(int days) {
    return finite(days) ? localDate(days) : new SpecialValue(dateText(days));
  }

  static String dateText(int days) {
    if (!finite(days)) {
      return days < 0 ? "-infinity" : "infinity";
    }
    return text(localDate(days));
  }

  static String text(LocalDate date) {
    StringBuilder out = new StringBuilder(13);
    appendDate(out, date);
    appendEra(out, date);
    return out.toString();
  }

  /** The value of a date's text. */
  static Object parseDate(String text) {
    return isInfinite(text) ? new SpecialValue(text) : localDate(text);
  }

  /** The value of a timestamp's text. */
  static Object parseTimestamp(String text) {
    return isInfinite(text) ? new SpecialValue(text) : localDateTime(text, "");
  }

  /** The value of the text of a timestamp with a time zone, which is UTC. */
  static Object parseTimestamptz(String text) {
    return isInfinite(text)
        ? new SpecialValue(text)
        : localDateTime(text, "+00").atOffset(ZoneOffset.UTC);
  }

  private static boolean isInfinite(String text) {
    return text.equals("infinity") || text.equals("-infinity");
  }

  private static LocalDate localDate(String text) {
    boolean bc = text.endsWith(BC);
    int end = bc ? text.length() - BC.length() : text.length();
    int year = Integer.parseInt(text, 0, end - 6, 10);
    return LocalDate.of(
        bc ? 1 - year : year,
        Integer.parseInt(text, end - 5, end - 3, 10),
        Integer.parseInt(text, end - 2, end, 10));
  }

  private static LocalDateTime localDateTime(String text, String zone) {
    boolean bc = text.endsWith(BC);
    int end = bc ? text.length() - BC.length() : text.length();
    if (!text.startsWith(zone, end - zone.length())) {
      throw new IllegalArgumentException("a timestamp of another time zone");
    }
    int space = text.indexOf(' ');
    LocalDate date = localDate(text.substring(0, space) + (bc ? BC : ""));
    return date.atTime(LocalTime.parse(text.substring(space + 1, end - zone.length())));
  }

  /** Microseconds since midnight. */
  static long micros(LocalTime time) {
    return time.toNanoOfDay() / 1000;
  }

  private static boolean finite(int days) {
    return days != Integer.MAX_VALUE && days != Integer.MIN_VALUE;
  }

  static Object time(long micros) {
    return micros == MICROS_PER_DAY ? new SpecialValue(timeText(micros)) : localTime(micros);
  }

  static String timeText(long micros) {
    StringBuilder out = new StringBuilder(15);
    appendTime(out, micros);
    return out.toString();
  }

  static Object timetz(long micros, int secondsWest) {
    return micros == MICROS_PER_DAY
        ? new SpecialValue(timetzText(micros, secondsWest))
        : localTime(micros).atOffset(ZoneOffset.ofTotalSeconds(-secondsWest));
  }

  static String timetzText(long micros, int secondsWest) {
    StringBuilder out = new StringBuilder(24);
    appendTime(out, micros);
    int seconds = Math.abs(secondsWest);
    out.append(secondsWest <= 0 ? '+' : '-');
    appendTwo(out, seconds / 3600);
    if (seconds % 3600 != 0) {
      appendTwo(out.append(':'), seconds / 60 % 60);
    }
    if (seconds % 60 != 0) {
      appendTwo(out.append(':'), seconds % 60);
    }
    return out.toString();
  }

  static Object timestamp(long micros) {
    return finite(micros) ? localDateTime(micros) : new SpecialValue(timestampText(micros, ""));
  }

  static Object timestamptz(long micros) {
    return finite(micros)
        ? localDateTime(micros).atOffset(ZoneOffset.UTC)
        : new SpecialValue(timestampText(micros, ""));
  }

  static String timestampText(long micros, String zone) {
    if (!finite(micros)) {
      return micros < 0 ? "-infinity" : "infinity";
    }
    return text(
        localDate(Math.floorDiv(micros, MICROS_PER_DAY)),
        Math.floorMod(micros, MICROS_PER_DAY),
        zone);
  }

  static String text(LocalDateTime timestamp, String zone) {
    return text(timestamp.toLocalDate(), micros(timestamp.toLocalTime()), zone);
  }

  private static String text(LocalDate date, long micros, String zone) {
    StringBuilder out = new StringBuilder(32);
    appendDate(out, date);
    out.append(' ');
    appendTime(out, micros);
    out.append(zone);
    appendEra(out, date);
    return out.toString();
  }

  private static boolean finite(long micros) {
    return micros != Long.MAX_VALUE && micros != Long.MIN_VALUE;
  }

  private static LocalDate localDate(long days) {
    return LocalDate.ofEpochDay(days + EPOCH_DAY);
  }

  private static LocalTime localTime(long micros) {
    return LocalTime.ofNanoOfDay(micros * 1000);
  }

  private static LocalDateTime localDateTime(long micros) {
    return LocalDateTime.of(
        localDate(Math.floorDiv(micros, MICROS_PER_DAY)),
        localTime(Math.floorMod(micros, MICROS_PER_DAY)));
  }

  private static void appendDate(StringBuilder out, LocalDate date) {
    int year = date.getYear() > 0 ? date.getYear() : 1 - date.getYear();
    if (year < 1000) {
      out.append(year < 10 ? "000" : year < 100 ? "00" : "0");
    }
    out.append(year).append('-');
    appendTwo(out, date.getMonthValue());
    out.append('-');
    appendTwo(out, date.getDayOfMonth());
  }

  private static void appendEra(StringBuilder out, LocalDate date) {
    if (date.getYear() <= 0) {
      out.append(" BC");
    }
  }

  private static void appendTime(StringBuilder out, long micros) {
    int seconds = (int) (micros / MICROS_PER_SECOND);
    appendTwo(out, seconds / 3600);
    appendTwo(out.append(':'), seconds / 60 % 60);
    appendTwo(out.append(':'), seconds % 60);
    int fraction = (int) (micros % MICROS_PER_SECOND);
    if (fraction != 0) {
      out.append('.');
      for (int unit = 100_000; fraction != 0; unit /= 10) {
        out.append((char) ('0' + fraction / unit));
        fraction %= unit;
      }
    }
  }

  private static void appendTwo(StringBuilder out, int number) {
    out.append((char) ('0' + number / 10)).append((char) ('0' + number % 10));
  }
}
