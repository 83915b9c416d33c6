package io.fulmar.verify.destination;

import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.internal.type.JavaValue;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A row of Java values, each with the text that PostgreSQL would print for it. */
final class ValueRow implements Row {
  private final Map<String, @Nullable Object> values = new LinkedHashMap<>();

  /** Names and values by turns. */
  static ValueRow of(@Nullable Object... namesAndValues) {
    ValueRow row = new ValueRow();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      row.values.put(String.valueOf(namesAndValues[i]), namesAndValues[i + 1]);
    }
    return row;
  }

  /** A change whose key is the first column. */
  static Change change(Operation operation, long sequence, @Nullable Object... namesAndValues) {
    ValueRow row = of(namesAndValues);
    ValueRow key = of(namesAndValues[0], namesAndValues[1]);
    String id = "%016x%016x".formatted((long) key.values.hashCode(), sequence);
    return new Change(operation, key, operation == Operation.REMOVED ? key : row, id, sequence, 1);
  }

  @Override
  public List<String> columns() {
    return List.copyOf(values.keySet());
  }

  @Override
  public @Nullable Object value(String column) {
    if (!values.containsKey(column)) {
      throw new IllegalArgumentException("no column " + column);
    }
    return values.get(column);
  }

  @Override
  public @Nullable String text(String column) {
    Object value = value(column);
    return value == null ? null : JavaValue.text(value);
  }

  @Override
  public String toString() {
    return "Row" + columns();
  }
}
