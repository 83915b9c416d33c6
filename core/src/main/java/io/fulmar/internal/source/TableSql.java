package io.fulmar.internal.source;

import io.fulmar.ModelTable;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.sql.SqlTemplate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The queries that read a table as a model. */
public final class TableSql {
  private static final SqlTemplate ALL_ROWS =
      SqlTemplate.of(
          """
          /* fulmar: table */
          select {columns} from {table}""",
          "columns",
          "table");

  /** The condition begins and ends on lines of its own, so that a comment in it hides nothing. */
  private static final SqlTemplate SOME_ROWS =
      SqlTemplate.of(
          """
          /* fulmar: table */
          select {columns} from {table} where (
          {condition}
          )""",
          "columns",
          "table",
          "condition");

  /**
   * Takes a condition between other brackets. A text that closes a bracket which it has not opened
   * is refused either here or between the parentheses.
   */
  private static final SqlTemplate CONDITION =
      SqlTemplate.of(
          """
          /* fulmar: condition */
          select array[
          {condition}
          ] from {table}""",
          "condition",
          "table");

  private TableSql() {}

  /** The query that reads a table. */
  public static String select(ModelTable table) {
    List<? extends SqlPart> columns =
        table.columns().isEmpty()
            ? List.of(ColumnExpression.all())
            : Identifier.all(table.columns());
    String condition = table.condition();
    if (condition == null) {
      return ALL_ROWS.with("columns", columns).with("table", name(table)).sql();
    }
    return SOME_ROWS
        .with("columns", columns)
        .with("table", name(table))
        .with("condition", QueryText.condition(condition))
        .sql();
  }

  /** A query that is none unless the condition is one condition; null if there is no condition. */
  static @Nullable String conditionProof(ModelTable table) {
    String condition = table.condition();
    return condition == null
        ? null
        : CONDITION
            .with("condition", QueryText.condition(condition))
            .with("table", name(table))
            .sql();
  }

  private static Identifier name(ModelTable table) {
    return Identifier.of(table.schema(), table.name());
  }
}
