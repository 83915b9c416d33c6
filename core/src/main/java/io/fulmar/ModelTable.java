package io.fulmar;

import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.type.JavaValue;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a model reads that is a table, and not a query: see {@link Model#table(String, String,
 * String)}. Immutable.
 *
 * @param database the database that the table must be in; null for the one of the source, whichever
 *     it is
 * @param schema the schema
 * @param name the name of the table, view, materialized view, foreign or partitioned table
 * @param columns the columns that are read, at most 1,600, none twice; empty for all
 * @param condition an SQL condition that rows must fulfil; null for none
 */
public record ModelTable(
    @Nullable String database,
    String schema,
    String name,
    List<String> columns,
    @Nullable String condition) {
  private static final int MAX_COLUMNS = 1_600;

  /**
   * Checks the names, and copies the list.
   *
   * @throws IllegalArgumentException if a name is not 1 to 63 bytes (PostgreSQL would cut it off)
   *     or holds what no name can hold, a column is named twice, or the condition is blank
   */
  public ModelTable {
    if (database != null) {
      name("database", database);
    }
    name("schema", Objects.requireNonNull(schema, "schema"));
    name("name", Objects.requireNonNull(name, "name"));
    columns = List.copyOf(columns);
    Checks.inRange("columns", columns.size(), 0, MAX_COLUMNS);
    Set<String> seen = new HashSet<>();
    for (String column : columns) {
      name("a column", column);
      if (!seen.add(column)) {
        throw new IllegalArgumentException("the columns name one twice: " + column);
      }
    }
    if (condition != null && condition.isBlank()) {
      throw new IllegalArgumentException("condition must not be blank");
    }
  }

  private static void name(String what, String name) {
    Identifier.check(what, name);
    String objection = JavaValue.objection(name);
    if (objection != null) {
      throw new IllegalArgumentException(what + " " + objection);
    }
  }
}
