package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.row.StoredColumn;
import io.fulmar.lightning.internal.schema.TabbedLine;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Which columns of accepted versions are kept, as text: for each a {@link TabbedLine} with its name
 * and its type.
 */
public final class RememberedText {
  private static final int PARTS = 2;

  private RememberedText() {}

  /** As text. */
  static String of(Remembered remembered) {
    return StoredColumn.of(remembered.shape()).stream()
        .sorted(Comparator.comparing(StoredColumn::field))
        .map(column -> TabbedLine.of(List.of(column.name(), column.type())))
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
      List<String> parts = TabbedLine.parse(line);
      if (parts.size() != PARTS) {
        throw new IllegalArgumentException("a remembered column has two parts");
      }
      columns.add(new StoredColumn(parts.get(0), parts.get(1), columns.size()));
    }
    return StoredColumn.shape(columns);
  }
}
