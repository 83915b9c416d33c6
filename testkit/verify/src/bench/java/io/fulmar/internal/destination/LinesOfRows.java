package io.fulmar.internal.destination;

import io.fulmar.Row;
import java.util.List;

/** Lets a benchmark of another package drive {@link CopyLines}. */
public final class LinesOfRows {
  private final List<String> columns;
  private CopyLines lines = new CopyLines(0);

  /** Lines of these columns. */
  public LinesOfRows(List<String> columns) {
    this.columns = columns;
  }

  /** Begins a batch. */
  public void begin(int rows) {
    lines = new CopyLines(rows);
  }

  /** Adds a line. */
  public boolean add(Row row) {
    for (String column : columns) {
      lines.value(row.text(column));
    }
    return lines.end();
  }
}
