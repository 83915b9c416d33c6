package io.fulmar.internal.destination;

import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.internal.sql.TableDestinationSql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A table as the catalog has it, whatever the role may see of it.
 *
 * @param columns by name, in the table's order; empty if there is no such table
 * @param uniqueKeys the column sets that {@code on conflict} can name
 */
record TableShape(Map<String, Column> columns, Set<Set<String>> uniqueKeys) {

  /**
   * A column.
   *
   * @param name its name
   * @param notNull whether NULL is refused
   * @param generated whether the table makes its values and takes none
   * @param required whether a new row must bring a value
   * @param holdsSequence whether its type takes any {@code long}
   * @param type its type, as {@code format_type} gives it without modifiers
   */
  record Column(
      String name,
      boolean notNull,
      boolean generated,
      boolean required,
      boolean holdsSequence,
      String type) {}

  static TableShape read(Connection connection, String schema, String table) throws SQLException {
    Map<String, Column> columns = new LinkedHashMap<>();
    each(
        connection,
        TableDestinationSql.COLUMNS,
        schema,
        table,
        row -> {
          Column column =
              new Column(
                  row.getString(1),
                  row.getBoolean(2),
                  row.getBoolean(3),
                  row.getBoolean(4),
                  row.getBoolean(5),
                  row.getString(6));
          columns.put(column.name(), column);
        });
    Set<Set<String>> keys = new HashSet<>();
    each(
        connection,
        TableDestinationSql.UNIQUE_KEYS,
        schema,
        table,
        row -> keys.add(Set.of((String[]) row.getArray(1).getArray())));
    return new TableShape(columns, keys);
  }

  boolean exists() {
    return !columns.isEmpty();
  }

  /** Whether there is such a column, and the table makes its values. */
  boolean isGenerated(String name) {
    Column column = columns.get(name);
    return column != null && column.generated();
  }

  /** Those of the names that the table has no column for. */
  List<String> missing(List<String> names) {
    List<String> missing = new ArrayList<>(names);
    missing.removeAll(columns.keySet());
    return missing;
  }

  private interface RowReader {
    void read(ResultSet row) throws SQLException;
  }

  private static void each(
      Connection connection, SqlTemplate query, String schema, String table, RowReader reader)
      throws SQLException {
    try (PreparedStatement statement = OneShot.prepare(connection, query.sql())) {
      statement.setString(1, schema);
      statement.setString(2, table);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          reader.read(rows);
        }
      }
    }
  }
}
