package io.fulmar;

import java.util.List;

/**
 * The first rows of a model.
 *
 * @param columns the columns, in the order of the model
 * @param rows at most 100 rows, in no particular order
 */
public record ModelPreview(List<Column> columns, List<Row> rows) {
  /** Copies the lists. */
  public ModelPreview {
    columns = List.copyOf(columns);
    rows = List.copyOf(rows);
  }

  /**
   * A column of a model.
   *
   * @param name its name
   * @param type PostgreSQL's name of its type
   * @param role whether it belongs to the key
   */
  public record Column(String name, String type, Role role) {}

  /** What a column is for. */
  public enum Role {
    /** Part of the key. */
    KEY,
    /** Compared and delivered. */
    VALUE
  }
}
