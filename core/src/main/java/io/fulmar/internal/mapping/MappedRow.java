package io.fulmar.internal.mapping;

import io.fulmar.Row;
import io.fulmar.internal.type.JavaValue;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A row under other names, with values that do not come from the model among them. Immutable and
 * threadsafe.
 */
final class MappedRow implements Row {
  private final Names names;
  private final Row raw;
  private final @Nullable Object[] values;

  /**
   * A row.
   *
   * @param names its columns
   * @param raw the row of the model
   * @param values one for each column that is not of the model, in their order, each as {@link
   *     JavaValue#normal} gives it
   */
  MappedRow(Names names, Row raw, @Nullable Object[] values) {
    this.names = names;
    this.raw = raw;
    this.values = values;
  }

  /**
   * The columns of rows that are mapped alike.
   *
   * @param columns their names
   * @param places the source of each
   */
  record Names(List<String> columns, Map<String, Place> places) {
    /** Columns, each with its source. */
    static Names of(List<String> columns, List<Place> places) {
      Map<String, Place> index = new HashMap<>();
      for (int i = 0; i < columns.size(); i++) {
        index.put(columns.get(i), places.get(i));
      }
      return new Names(List.copyOf(columns), Map.copyOf(index));
    }

    Place place(String column) {
      Place place = places.get(column);
      if (place == null) {
        throw new IllegalArgumentException(
            "there is no column " + column + "; there are " + columns);
      }
      return place;
    }
  }

  /**
   * Where the value of a column comes from.
   *
   * @param column of the model; null for none
   * @param value else the number of the value
   */
  record Place(@Nullable String column, int value) {
    static Place of(String column) {
      return new Place(column, -1);
    }

    static Place of(int value) {
      return new Place(null, value);
    }
  }

  @Override
  public List<String> columns() {
    return names.columns();
  }

  @Override
  public @Nullable Object value(String column) {
    Place place = names.place(column);
    if (place.column() != null) {
      return raw.value(place.column());
    }
    Object value = values[place.value()];
    return value == null ? null : JavaValue.copy(value);
  }

  @Override
  public @Nullable String text(String column) {
    Place place = names.place(column);
    if (place.column() != null) {
      return raw.text(place.column());
    }
    Object value = values[place.value()];
    return value == null ? null : JavaValue.text(value);
  }

  /** Names the columns and shows no values. */
  @Override
  public String toString() {
    return "Row" + names.columns();
  }
}
