package io.fulmar;

import java.util.List;

/**
 * The first rows of a model, read twice.
 *
 * @param columns the columns, in the order of the model
 * @param rows at most 100 rows, in no particular order
 * @param unstable columns that are another in each read, {@code now()} or {@code random()} say, in
 *     the order of the model: with them every row changes in every run, so they should not be in
 *     the model. A column is among them if it differed between the two reads, in two transactions,
 *     for each key that both returned once, and there were at least two such keys. A key column is
 *     among them if both reads returned all rows (2 to 99), no key is in both, and no value of the
 *     column is
 */
public record ModelPreview(List<Column> columns, List<Row> rows, List<String> unstable) {
  /** Copies the lists. */
  public ModelPreview {
    columns = List.copyOf(columns);
    rows = List.copyOf(rows);
    unstable = List.copyOf(unstable);
  }

  /**
   * A column of a model.
   *
   * @param name its name
   * @param type PostgreSQL's name of its type
   * @param role whether it belongs to the key
   * @param javaType what {@link Row#value} gives of it, see {@link Row}
   * @param givenAsText whether that is its text only because its type has no line in the table of
   *     {@link Row}: the types of most extensions, {@code record}, {@code regclass} ...
   */
  public record Column(
      String name, String type, Role role, Class<?> javaType, boolean givenAsText) {}

  /** What a column is for. */
  public enum Role {
    /** Part of the key. */
    KEY,
    /** Compared and delivered. */
    VALUE
  }
}
