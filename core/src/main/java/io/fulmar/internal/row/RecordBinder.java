package io.fulmar.internal.row;

import io.fulmar.Row;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Makes records out of rows, component by component. */
public final class RecordBinder {
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
    Object converted = Conversion.converted(value, component.getGenericType());
    if (converted == null) {
      throw new IllegalArgumentException(
          "component %s of %s is %s, and the column gives %s that does not fit"
              .formatted(
                  component.getName(),
                  type.getName(),
                  wanted.getSimpleName(),
                  Conversion.name(value)));
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
}
