package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.row.StoredColumn;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Which columns of accepted versions are kept, as text: for each a line with its name and its type,
 * a tab between them. A backslash, a tab and a line feed in them are escaped as in Java.
 */
public final class RememberedText {
  private static final int PARTS = 2;

  private RememberedText() {}

  /** As text. */
  static String of(Remembered remembered) {
    return StoredColumn.of(remembered.shape()).stream()
        .sorted(Comparator.comparing(StoredColumn::field))
        .map(column -> escaped(column.name()) + '\t' + escaped(column.type()))
        .collect(Collectors.joining("\n"));
  }

  /**
   * The columns of such a text.
   *
   * @param text of one column at least
   * @throws IllegalArgumentException if it is something else
   */
  public static Shape parse(String text) {
    List<StoredColumn> columns = new ArrayList<>();
    for (String line : text.split("\n")) {
      String[] parts = line.split("\t");
      if (parts.length != PARTS) {
        throw new IllegalArgumentException("a remembered column has two parts");
      }
      columns.add(
          new StoredColumn(
              parts[0].translateEscapes(), parts[1].translateEscapes(), columns.size()));
    }
    return StoredColumn.shape(columns);
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n");
  }
}
