package io.fulmar.internal.type;

import io.fulmar.SpecialValue;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Values that come from Java and not out of PostgreSQL: of the types that {@link io.fulmar.Row}
 * documents, with the text that PostgreSQL would print for them. What PostgreSQL could not hold
 * (PostgreSQL manual, 8.1 and 8.5) is none of them.
 *
 * <p>This class has no state and is threadsafe.
 */
public final class JavaValue {
  private static final int NUMERIC_DIGITS_BEFORE = 131_072;
  private static final int NUMERIC_DIGITS_AFTER = 16_383;
  private static final int MOST_OFFSET_SECONDS = 16 * 3600 - 1;
  private static final LocalDate FIRST_DATE = LocalDate.of(-4713, 11, 24);
  private static final LocalDate LAST_DATE = LocalDate.of(5_874_897, 12, 31);
  private static final LocalDate LAST_DATE_OF_TIMESTAMP = LocalDate.of(294_276, 12, 31);
  private static final HexFormat HEX = HexFormat.of();

  private JavaValue() {}

  /**
   * Why a value cannot be one of a row, without the value: "is a java.util.Date"; null if it can.
   */
  public static @Nullable String objection(Object value) {
    if (value instanceof String text) {
      return objection(text);
    } else if (value instanceof SpecialValue special) {
      return objection(special.text());
    } else if (value instanceof BigDecimal number) {
      boolean fits =
          (long) number.precision() - number.scale() <= NUMERIC_DIGITS_BEFORE
              && number.scale() <= NUMERIC_DIGITS_AFTER;
      return fits ? null : "has more digits than a numeric";
    } else if (value instanceof LocalDate date) {
      return within(date, LAST_DATE);
    } else if (value instanceof LocalDateTime timestamp) {
      return within(timestamp.toLocalDate(), LAST_DATE_OF_TIMESTAMP);
    } else if (value instanceof OffsetDateTime timestamp) {
      // The first look keeps the step to UTC within what Java holds.
      String objection = within(timestamp.toLocalDate(), LAST_DATE_OF_TIMESTAMP.plusDays(1));
      return objection != null
          ? objection
          : within(utc(timestamp).toLocalDate(), LAST_DATE_OF_TIMESTAMP);
    } else if (value instanceof OffsetTime time) {
      boolean fits = Math.abs(time.getOffset().getTotalSeconds()) <= MOST_OFFSET_SECONDS;
      return fits ? null : "has a larger offset than a time with time zone";
    }
    boolean documented =
        value instanceof Boolean
            || value instanceof Integer
            || value instanceof Long
            || value instanceof Float
            || value instanceof Double
            || value instanceof byte[]
            || value instanceof LocalTime
            || value instanceof UUID;
    return documented ? null : "is a " + value.getClass().getName();
  }

  private static @Nullable String objection(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        return "holds the character 0";
      } else if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        return "holds half a surrogate pair";
      }
    }
    return null;
  }

  private static @Nullable String within(LocalDate date, LocalDate last) {
    return date.isBefore(FIRST_DATE) || date.isAfter(last)
        ? "is beyond the dates that PostgreSQL has"
        : null;
  }

  /**
   * A value as a row gives it: timestamps with a time zone in UTC, what is finer than a microsecond
   * cut off, arrays copied.
   *
   * @param value one without an {@link #objection}
   */
  public static Object normal(Object value) {
    if (value instanceof byte[] bytes) {
      return bytes.clone();
    } else if (value instanceof LocalTime time) {
      return time.truncatedTo(ChronoUnit.MICROS);
    } else if (value instanceof OffsetTime time) {
      return time.truncatedTo(ChronoUnit.MICROS);
    } else if (value instanceof LocalDateTime timestamp) {
      return timestamp.truncatedTo(ChronoUnit.MICROS);
    } else if (value instanceof OffsetDateTime timestamp) {
      return utc(timestamp).truncatedTo(ChronoUnit.MICROS);
    }
    return value;
  }

  private static OffsetDateTime utc(OffsetDateTime timestamp) {
    return timestamp.withOffsetSameInstant(ZoneOffset.UTC);
  }

  /**
   * PostgreSQL's text of a value.
   *
   * @param value one that {@link #normal} gave
   */
  public static String text(Object value) {
    if (value instanceof BigDecimal number) {
      return number.toPlainString();
    } else if (value instanceof Float number) {
      return ShortestDecimal.text(number);
    } else if (value instanceof Double number) {
      return ShortestDecimal.text(number);
    } else if (value instanceof byte[] bytes) {
      return "\\x" + HEX.formatHex(bytes);
    } else if (value instanceof LocalDate date) {
      return Temporal.text(date);
    } else if (value instanceof LocalTime time) {
      return Temporal.timeText(Temporal.micros(time));
    } else if (value instanceof OffsetTime time) {
      return Temporal.timetzText(
          Temporal.micros(time.toLocalTime()), -time.getOffset().getTotalSeconds());
    } else if (value instanceof LocalDateTime timestamp) {
      return Temporal.text(timestamp, "");
    } else if (value instanceof OffsetDateTime timestamp) {
      return Temporal.text(timestamp.toLocalDateTime(), "+00");
    } else if (value instanceof SpecialValue special) {
      return special.text();
    }
    return value.toString();
  }
}
