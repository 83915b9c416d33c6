package io.fulmar.internal.row;

import io.fulmar.Row;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The columns of two rows that have none in common. Immutable and threadsafe if they are. */
public final class JoinedRow implements Row {
  private final Row first;
  private final Row second;
  private final List<String> columns;

  private JoinedRow(Row first, Row second) {
    this.first = first;
    this.second = second;
    List<String> both = new ArrayList<>(first.columns());
    both.addAll(second.columns());
    this.columns = List.copyOf(both);
  }

  /** The columns of one row, and then those of another. */
  public static Row of(Row first, Row second) {
    return new JoinedRow(first, second);
  }

  @Override
  public List<String> columns() {
    return columns;
  }

  @Override
  public @Nullable Object value(String column) {
    return of(column).value(column);
  }

  @Override
  public @Nullable String text(String column) {
    return of(column).text(column);
  }

  private Row of(String column) {
    if (!columns.contains(column)) {
      throw new IllegalArgumentException("there is no column " + column + "; there are " + columns);
    }
    return first.columns().contains(column) ? first : second;
  }

  /** Names the columns and shows no values. */
  @Override
  public String toString() {
    return "Row" + columns;
  }
}
