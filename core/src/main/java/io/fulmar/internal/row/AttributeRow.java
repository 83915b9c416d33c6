package io.fulmar.internal.row;

import io.fulmar.Row;
import io.fulmar.internal.type.JavaValue;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The attributes of a composite, which make a record as the columns of a row do.
 *
 * @param attributes by their names
 */
record AttributeRow(Map<?, ?> attributes) implements Row {
  @Override
  public List<String> columns() {
    return attributes.keySet().stream().map(String.class::cast).toList();
  }

  @Override
  public @Nullable Object value(String column) {
    return attributes.get(column);
  }

  @Override
  public @Nullable String text(String column) {
    Object value = attributes.get(column);
    return value == null ? null : JavaValue.text(value);
  }

  /** Shows no values. */
  @Override
  public String toString() {
    return "Row" + columns();
  }
}
