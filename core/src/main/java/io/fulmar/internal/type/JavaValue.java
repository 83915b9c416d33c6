package io.fulmar.internal.type;

import io.fulmar.Interval;
import io.fulmar.Range;
import io.fulmar.SpecialValue;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Values that come from Java and not out of PostgreSQL: of the types that {@link io.fulmar.Row}
 * documents, with the text that PostgreSQL would print for them. What PostgreSQL could not hold
 * (PostgreSQL manual, 8.1 and 8.5) is none of them. A list is an array, a map an hstore, unless
 * they came out of PostgreSQL as something else.
 *
 * <p>This class has no state and is threadsafe.
 */
public final class JavaValue {
  private static final int NUMERIC_DIGITS_BEFORE = 131_072;
  private static final int NUMERIC_DIGITS_AFTER = 16_383;
  private static final int MOST_OFFSET_SECONDS = 16 * 3600 - 1;
  private static final int MOST_DIMENSIONS = 6;
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
    } else if (value instanceof Texted texted) {
      return objection(texted.text());
    } else if (value instanceof List<?> list) {
      return ofList(list, 1);
    } else if (value instanceof Map<?, ?> map) {
      return ofMap(map);
    } else if (value instanceof Range<?> range) {
      return first(ofPart(range.lower()), ofPart(range.upper()));
    }
    boolean documented =
        value instanceof Boolean
            || value instanceof Integer
            || value instanceof Long
            || value instanceof Float
            || value instanceof Double
            || value instanceof byte[]
            || value instanceof LocalTime
            || value instanceof Interval
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

  private static @Nullable String ofPart(@Nullable Object part) {
    String objection = part == null ? null : objection(part);
    return objection == null ? null : "has a part that " + objection;
  }

  private static @Nullable String first(@Nullable String one, @Nullable String other) {
    return one == null ? other : one;
  }

  /** An array has the same number of elements throughout each of its dimensions. */
  private static @Nullable String ofList(List<?> list, int dimension) {
    if (dimension > MOST_DIMENSIONS) {
      return "has more dimensions than an array";
    }
    List<Integer> shape = null;
    for (Object element : list) {
      boolean nested = isDimension(element);
      String objection = nested ? ofList((List<?>) element, dimension + 1) : ofPart(element);
      if (objection != null) {
        return objection;
      }
      List<Integer> other = nested ? shape((List<?>) element) : List.of();
      if (shape != null && !shape.equals(other) || nested && ((List<?>) element).isEmpty()) {
        return "has lists of different lengths, or empty ones, in a list";
      }
      shape = other;
    }
    return null;
  }

  /** Whether an element of a list is a further dimension and no value. */
  private static boolean isDimension(@Nullable Object element) {
    return element instanceof List<?> && !(element instanceof Texted);
  }

  /** The lengths of a list and of the lists in it, which are alike. */
  private static List<Integer> shape(List<?> list) {
    List<Integer> shape = new ArrayList<>(List.of(list.size()));
    if (!list.isEmpty() && isDimension(list.get(0))) {
      shape.addAll(shape((List<?>) list.get(0)));
    }
    return shape;
  }

  private static @Nullable String ofMap(Map<?, ?> map) {
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      Object value = entry.getValue();
      if (!(entry.getKey() instanceof String key) || !(value == null || value instanceof String)) {
        return "is a map of something else than texts";
      }
      String objection = first(ofPart(key), ofPart(value));
      if (objection != null) {
        return objection;
      }
    }
    return null;
  }

  /**
   * A value as a row gives it: timestamps with a time zone in UTC, what is finer than a microsecond
   * cut off, arrays, lists and maps copied.
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
    return withParts(value, JavaValue::normal);
  }

  /** The same value, of which nothing can be changed through what is given here. */
  public static Object copy(Object value) {
    return value instanceof byte[] bytes ? bytes.clone() : withParts(value, JavaValue::copy);
  }

  /** The value with each of its parts put through something; itself if it has none. */
  private static Object withParts(Object value, UnaryOperator<Object> each) {
    if (value instanceof List<?> list) {
      List<@Nullable Object> parts = new ArrayList<>(list.size());
      list.forEach(part -> parts.add(part == null ? null : each.apply(part)));
      return value instanceof Texted texted
          ? new TextedList(parts, texted.text())
          : Collections.unmodifiableList(parts);
    } else if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> parts = new LinkedHashMap<>();
      map.forEach((key, part) -> parts.put((String) key, part == null ? null : each.apply(part)));
      return value instanceof Texted texted
          ? new TextedMap(parts, texted.text())
          : Collections.unmodifiableMap(parts);
    } else if (value instanceof Range<?> range) {
      Object lower = range.lower();
      Object upper = range.upper();
      return new Range<>(
          lower == null ? null : each.apply(lower),
          upper == null ? null : each.apply(upper),
          range.bounds());
    }
    return value;
  }

  private static OffsetDateTime utc(OffsetDateTime timestamp) {
    return timestamp.withOffsetSameInstant(ZoneOffset.UTC);
  }

  /** What a value is, whichever class implements it: the name of an interface for list and map. */
  public static String typeName(Object value) {
    if (value instanceof List) {
      return List.class.getName();
    }
    return (value instanceof Map ? Map.class : value.getClass()).getName();
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
    } else if (value instanceof Texted texted) {
      return texted.text();
    } else if (value instanceof Range<?> range) {
      return rangeText(range);
    } else if (value instanceof Map<?, ?> map) {
      return HstoreText.text(map);
    } else if (value instanceof List<?> list) {
      StringBuilder out = new StringBuilder();
      appendArray(out, list);
      return out.toString();
    }
    return value.toString();
  }

  /** Inside of others a boolean is one letter. */
  private static String partText(Object value) {
    return value instanceof Boolean truth ? (truth ? "t" : "f") : text(value);
  }

  private static void appendArray(StringBuilder out, List<?> list) {
    char before = '{';
    for (Object element : list) {
      out.append(before);
      before = ',';
      if (isDimension(element)) {
        appendArray(out, (List<?>) element);
      } else if (element == null) {
        out.append("NULL");
      } else {
        String text = partText(element);
        if (text.equalsIgnoreCase("null") || needsQuotes(text, "{},")) {
          out.append('"').append(text.replace("\\", "\\\\").replace("\"", "\\\"")).append('"');
        } else {
          out.append(text);
        }
      }
    }
    out.append(list.isEmpty() ? "{}" : "}");
  }

  private static String rangeText(Range<?> range) {
    if (range.isEmpty()) {
      return "empty";
    }
    return (range.bounds().includesLower() ? "[" : "(")
        + boundText(range.lower())
        + ","
        + boundText(range.upper())
        + (range.bounds().includesUpper() ? "]" : ")");
  }

  private static String boundText(@Nullable Object bound) {
    if (bound == null) {
      return "";
    }
    String text = partText(bound);
    return needsQuotes(text, "()[],")
        ? '"' + text.replace("\\", "\\\\").replace("\"", "\"\"") + '"'
        : text;
  }

  private static boolean needsQuotes(String text, String delimiters) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean blank = c == ' ' || (c >= '\t' && c <= '\r'); // what the server's isspace takes
      if (c == '"' || c == '\\' || blank || delimiters.indexOf(c) >= 0) {
        return true;
      }
    }
    return text.isEmpty();
  }
}
