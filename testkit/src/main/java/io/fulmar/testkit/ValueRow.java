package io.fulmar.testkit;

import io.fulmar.Row;
import io.fulmar.internal.type.JavaValue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A row of Java values, each with the text that PostgreSQL would print for it. Immutable. */
final class ValueRow implements Row {
  private final Map<String, @Nullable Object> values;

  private ValueRow(Map<String, @Nullable Object> values) {
    this.values = values;
  }

  /** Names and values by turns. */
  static ValueRow of(@Nullable Object... namesAndValues) {
    if (namesAndValues.length == 0 || namesAndValues.length % 2 != 0) {
      throw new IllegalArgumentException(
          "a row is made of names and values by turns, and there are %s of them"
              .formatted(namesAndValues.length));
    }
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      if (!(namesAndValues[i] instanceof String name)) {
        throw new IllegalArgumentException(
            "names and values take turns, and number %s is no name".formatted(i + 1));
      }
      if (values.containsKey(name)) {
        throw new IllegalArgumentException("the column " + name + " is named twice");
      }
      values.put(name, normal(name, namesAndValues[i + 1]));
    }
    return new ValueRow(values);
  }

  private static @Nullable Object normal(String name, @Nullable Object value) {
    String objection = value == null ? null : JavaValue.objection(value);
    if (objection != null) {
      throw new IllegalArgumentException(
          "the value of %s %s: see Row for the types that there are".formatted(name, objection));
    }
    return value == null ? null : JavaValue.normal(value);
  }

  /** The part of this row that has the columns. */
  ValueRow only(List<String> columns) {
    Map<String, @Nullable Object> some = new LinkedHashMap<>();
    for (String column : columns) {
      require(column);
      some.put(column, values.get(column));
    }
    return new ValueRow(some);
  }

  @Override
  public List<String> columns() {
    return Collections.unmodifiableList(new ArrayList<>(values.keySet()));
  }

  @Override
  public @Nullable Object value(String column) {
    require(column);
    Object value = values.get(column);
    return value == null ? null : JavaValue.copy(value);
  }

  @Override
  public @Nullable String text(String column) {
    require(column);
    Object value = values.get(column);
    return value == null ? null : JavaValue.text(value);
  }

  private void require(String column) {
    if (!values.containsKey(column)) {
      throw new IllegalArgumentException(
          "there is no column %s, only %s".formatted(column, values.keySet()));
    }
  }

  /** Names the columns and shows no values. */
  @Override
  public String toString() {
    return "Row" + values.keySet();
  }
}
