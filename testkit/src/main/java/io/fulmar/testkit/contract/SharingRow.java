package io.fulmar.testkit.contract;

import io.fulmar.Row;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A row that gives out the bytes of one column themselves, and not a copy. */
record SharingRow(Row row, String column, byte[] bytes) implements Row {
  @Override
  public List<String> columns() {
    return row.columns();
  }

  @Override
  public @Nullable Object value(String name) {
    return name.equals(column) ? bytes : row.value(name);
  }

  @Override
  public @Nullable String text(String name) {
    return row.text(name);
  }
}
