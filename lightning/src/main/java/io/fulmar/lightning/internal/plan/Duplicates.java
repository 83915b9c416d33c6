package io.fulmar.lightning.internal.plan;

import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;

/**
 * The keys that occur more than once, in a table of their own, which is gone before the transaction
 * ends. Not threadsafe.
 */
final class Duplicates {
  /** Instead of a place: the model is read once more. */
  static final int IN_MODEL = -1;

  private final SessionStatements statements;
  private final Comparison comparison;
  private final SyncTables tables;
  private boolean made;
  private long keys;
  private long rows;

  Duplicates(SessionStatements statements, Comparison comparison, SyncTables tables) {
    this.statements = statements;
    this.comparison = comparison;
    this.tables = tables;
  }

  /** How many keys there are. */
  long keys() {
    return keys;
  }

  /** How many rows have them. */
  long rows() {
    return rows;
  }

  /**
   * Looks for them.
   *
   * @param place that of a plan; {@link #IN_MODEL} for all rows of the model
   */
  void find(int place) throws SQLException {
    statements.execute(
        place == IN_MODEL
            ? comparison.model().duplicates(tables)
            : comparison.queries().duplicates(tables, place));
    made = true;
    long[] found =
        statements.numbers(CountSql.DUPLICATES.with("duplicates", tables.duplicates()).sql(), 2);
    keys = found[0];
    rows = found[1];
  }

  /** Reads the first of them: rows, then the key. */
  String first(int most) {
    return comparison.queries().firstDuplicates(tables, most);
  }

  /** Makes a plan again without them, at another place; gives how many rows it has. */
  long remove(int from, int to) throws SQLException {
    long rows = statements.update(comparison.queries().withoutDuplicates(tables, from, to));
    statements.execute(CountSql.DROP.with("table", tables.plan(from)).sql());
    return rows;
  }

  /** Drops the table. */
  void drop() throws SQLException {
    if (made) {
      statements.execute(CountSql.DROP.with("table", tables.duplicates()).sql());
    }
  }
}
