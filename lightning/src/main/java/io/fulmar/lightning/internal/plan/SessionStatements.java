package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.source.ModelRows;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.type.ColumnKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * Statements without values in the session that makes a plan. A model's question marks and braces
 * are taken as they are.
 *
 * @param session with the transaction
 * @param model name of the model, for messages
 */
record SessionStatements(SourceSession session, String model) {

  /** Does something. */
  void execute(String sql) throws SQLException {
    try (Statement statement = plain()) {
      statement.execute(sql);
    }
  }

  /** Does something, and gives how many rows it was done to. */
  long update(String sql) throws SQLException {
    try (Statement statement = plain()) {
      return statement.executeLargeUpdate(sql);
    }
  }

  /** The numbers of the first row. */
  long[] numbers(String sql, int count) throws SQLException {
    try (Statement statement = plain();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      long[] numbers = new long[count];
      for (int i = 0; i < count; i++) {
        numbers[i] = result.getLong(i + 1);
      }
      return numbers;
    }
  }

  /** Whether the first row says so. */
  boolean is(String sql) throws SQLException {
    try (Statement statement = plain();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getBoolean(1);
    }
  }

  /** The text of the first row. */
  String text(String sql) throws SQLException {
    try (Statement statement = plain();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return String.valueOf(result.getString(1));
    }
  }

  /**
   * Reads the rows of a binary {@code COPY}.
   *
   * @param kinds of the fields
   */
  void rows(String copy, List<ColumnKind> kinds, RowSink sink) {
    try {
      ModelRows.read(session, copy, kinds, kinds.size(), doing(), sink);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // the sinks keep what they get in memory
    }
  }

  /** What cannot be done if a statement fails. */
  String doing() {
    return "compare the model " + model + " with what was accepted";
  }

  private Statement plain() throws SQLException {
    Statement statement = session.connection().createStatement();
    statement.setEscapeProcessing(false);
    return statement;
  }
}
