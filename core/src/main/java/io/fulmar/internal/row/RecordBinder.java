package io.fulmar.internal.row;

import io.fulmar.Row;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes records out of rows, component by component. */
public final class RecordBinder {
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

  private RecordBinder() {}

  /** See {@link Row#as}. */
  public static <R extends Record> R bind(Row row, Class<R> type) {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    @Nullable Object[] values = new @Nullable Object[components.length];
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      values[i] = value(row, type, components[i]);
    }
    try {
      Constructor<R> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (InvocationTargetException e) {
      throw new IllegalArgumentException(
          "the constructor of " + type.getName() + " threw", e.getCause());
    } catch (ReflectiveOperationException | RuntimeException e) {
      throw new IllegalArgumentException(
          type.getName()
              + " cannot be made: its canonical constructor is not accessible to io.fulmar.core",
          e);
    }
  }

  private static @Nullable Object value(Row row, Class<?> type, RecordComponent component) {
    String column = column(row.columns(), component.getName());
    if (column == null) {
      throw new IllegalArgumentException(
          "component "
              + component.getName()
              + " of "
              + type.getName()
              + " has no column; there are "
              + row.columns());
    }
    Object value = row.value(column);
    Class<?> wanted = component.getType();
    if (value == null) {
      if (wanted.isPrimitive()) {
        throw new IllegalArgumentException(
            "component "
                + component.getName()
                + " of "
                + type.getName()
                + " is primitive, and the column is NULL");
      }
      return null;
    }
    Object converted = convert(value, BOXES.getOrDefault(wanted, wanted));
    if (converted == null) {
      throw new IllegalArgumentException(
          "component %s of %s is %s, and the column gives %s that does not fit"
              .formatted(
                  component.getName(),
                  type.getName(),
                  wanted.getSimpleName(),
                  value.getClass().getSimpleName()));
    }
    return converted;
  }

  private static @Nullable String column(List<String> columns, String component) {
    if (columns.contains(component)) {
      return component;
    }
    String snake = component.replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
    return columns.contains(snake) ? snake : null;
  }

  private static @Nullable Object convert(Object value, Class<?> wanted) {
    if (wanted.isInstance(value)) {
      return value;
    }
    if (value instanceof Number number && Number.class.isAssignableFrom(wanted)) {
      return convertNumber(number, wanted);
    }
    return null;
  }

  private static @Nullable Object convertNumber(Number number, Class<?> wanted) {
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
