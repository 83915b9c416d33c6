package io.fulmar.internal.row;

import io.fulmar.Range;
import io.fulmar.Row;
import io.fulmar.SpecialValue;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The values of a row as other types, if nothing is lost: numbers as wider or narrower ones, a
 * timestamp with a time zone as an instant, the parts of lists and ranges likewise, and a map as a
 * record. No state.
 */
public final class Conversion {
  private static final Map<Class<?>, Class<?>> BOXES =
      Map.of(
          boolean.class, Boolean.class,
          byte.class, Byte.class,
          short.class, Short.class,
          int.class, Integer.class,
          long.class, Long.class,
          float.class, Float.class,
          double.class, Double.class,
          char.class, Character.class);

  private Conversion() {}

  /** See {@link Row#value(String, Class)}. */
  @SuppressWarnings("unchecked")
  public static <T> @Nullable T value(Row row, String column, Class<T> type) {
    Object value = row.value(column);
    if (value == null) {
      return null;
    }
    Object converted = converted(value, type);
    if (converted == null) {
      throw refused(column, type.getSimpleName(), "it " + objection(value));
    }
    return (T) converted; // of this class, or of its box
  }

  /** See {@link Row#list}. */
  @SuppressWarnings("unchecked")
  public static <T> @Nullable List<@Nullable T> list(Row row, String column, Class<T> element) {
    Object value = row.value(column);
    if (value == null) {
      return null;
    }
    String wanted = "a List of " + element.getSimpleName();
    if (!(value instanceof List<?> list)) {
      throw refused(column, wanted, "it " + objection(value));
    }
    List<@Nullable Object> converted = list(list, element);
    if (converted == null) {
      throw refused(column, wanted, "an element of it " + objection(culprit(list, element)));
    }
    return (List<@Nullable T>) converted;
  }

  /** The first element that does not fit. */
  private static Object culprit(List<?> list, Class<?> element) {
    for (Object each : list) {
      if (each != null && converted(each, element) == null) {
        return each;
      }
    }
    throw new IllegalStateException("every element fits");
  }

  private static IllegalArgumentException refused(String column, String wanted, String fact) {
    return new IllegalArgumentException(
        "Cannot take the column %s as %s: %s. Use value(column), or text(column) for PostgreSQL's text."
            .formatted(column, wanted, fact));
  }

  private static String objection(Object value) {
    return value instanceof SpecialValue
        ? "is a SpecialValue, which Java has no other type for"
        : "is %s, which does not fit".formatted(name(value));
  }

  /** The type of a value, by the name that {@link Row} has for it. */
  static String name(Object value) {
    if (value instanceof List) {
      return "List";
    }
    return value instanceof Map ? "Map" : value.getClass().getSimpleName();
  }

  /**
   * A value as another type.
   *
   * @param wanted a class, or a {@code List<T>} or {@code Range<T>} of one; else the value must be
   *     of its raw class
   * @return null if it does not fit
   */
  static @Nullable Object converted(Object value, Type wanted) {
    if (wanted instanceof ParameterizedType parameterized) {
      Type part = parameterized.getActualTypeArguments()[0];
      if (parameterized.getRawType() == List.class) {
        return value instanceof List<?> list ? list(list, part) : null;
      } else if (parameterized.getRawType() == Range.class) {
        return value instanceof Range<?> range ? range(range, part) : null;
      }
      return converted(value, parameterized.getRawType());
    }
    Class<?> type = wanted instanceof Class<?> known ? known : Object.class;
    type = BOXES.getOrDefault(type, type);
    if (type.isInstance(value)) {
      return value;
    } else if (value instanceof Number number && Number.class.isAssignableFrom(type)) {
      return number(number, type);
    } else if (value instanceof OffsetDateTime timestamp && type == Instant.class) {
      return timestamp.toInstant();
    } else if (value instanceof Map<?, ?> attributes && type.isRecord()) {
      return RecordBinder.bind(new AttributeRow(attributes), type.asSubclass(Record.class));
    }
    return null;
  }

  private static @Nullable List<@Nullable Object> list(List<?> list, Type element) {
    List<@Nullable Object> converted = new ArrayList<>(list.size());
    for (Object each : list) {
      Object one = each == null ? null : converted(each, element);
      if (one == null && each != null) {
        return null;
      }
      converted.add(one);
    }
    return Collections.unmodifiableList(converted);
  }

  private static @Nullable Range<Object> range(Range<?> range, Type bound) {
    Object lower = range.lower() == null ? null : converted(range.lower(), bound);
    Object upper = range.upper() == null ? null : converted(range.upper(), bound);
    boolean fits =
        (lower == null) == (range.lower() == null) && (upper == null) == (range.upper() == null);
    return fits ? new Range<>(lower, upper, range.bounds()) : null;
  }

  private static @Nullable Object number(Number number, Class<?> wanted) {
    double asDouble = number.doubleValue();
    if (Double.isNaN(asDouble)
        || (Double.isInfinite(asDouble) && !(number instanceof BigDecimal))) {
      if (wanted == Double.class) {
        return asDouble;
      }
      return wanted == Float.class ? (Object) (float) asDouble : null;
    }
    BigDecimal exact =
        number instanceof BigDecimal decimal ? decimal : new BigDecimal(number.toString());
    try {
      if (wanted == Long.class) {
        return exact.longValueExact();
      } else if (wanted == Integer.class) {
        return exact.intValueExact();
      } else if (wanted == Short.class) {
        return exact.shortValueExact();
      } else if (wanted == Byte.class) {
        return exact.byteValueExact();
      } else if (wanted == BigInteger.class) {
        return exact.toBigIntegerExact();
      } else if (wanted == BigDecimal.class) {
        return exact;
      } else if (wanted == Double.class) {
        return new BigDecimal(Double.toString(exact.doubleValue())).compareTo(exact) == 0
            ? exact.doubleValue()
            : null;
      } else if (wanted == Float.class) {
        return new BigDecimal(Float.toString(exact.floatValue())).compareTo(exact) == 0
            ? exact.floatValue()
            : null;
      }
      return null;
    } catch (ArithmeticException | NumberFormatException e) {
      return null;
    }
  }
}
