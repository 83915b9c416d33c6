package io.fulmar.verify.quickstart;

import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What came out of reading two queries whole and comparing them row by row, every column as text.
 * Knows nothing of Fulmar.
 *
 * @param leftRows rows of the left query
 * @param rightRows rows of the right query
 * @param different keys that both have, with other contents
 * @param onlyLeft keys that the left one alone has
 * @param onlyRight keys that the right one alone has
 */
record Comparison(long leftRows, long rightRows, long different, long onlyLeft, long onlyRight) {
  private static final int FETCH_ROWS = 1_000;

  /** Rows that differ, in whatever way. */
  long differing() {
    return different + onlyLeft + onlyRight;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%,d rows in the source, %,d in the destination: %,d equal, %,d different, %,d + %,d in one alone",
        leftRows,
        rightRows,
        leftRows - different - onlyLeft,
        different,
        onlyLeft,
        onlyRight);
  }

  /**
   * Compares two queries. Both give the same columns, first a unique bigint, and are ordered by it.
   */
  static Comparison of(TestDatabase left, String leftSql, TestDatabase right, String rightSql)
      throws SQLException {
    try (Cursor l = new Cursor(left, leftSql);
        Cursor r = new Cursor(right, rightSql)) {
      long different = 0;
      long onlyLeft = 0;
      long onlyRight = 0;
      while (l.row != null || r.row != null) {
        int order = r.row == null ? -1 : l.row == null ? 1 : Long.compare(l.key(), r.key());
        if (order < 0) {
          onlyLeft++;
          l.next();
        } else if (order > 0) {
          onlyRight++;
          r.next();
        } else {
          different += Arrays.equals(l.row, r.row) ? 0 : 1;
          l.next();
          r.next();
        }
      }
      return new Comparison(l.rows, r.rows, different, onlyLeft, onlyRight);
    }
  }

  /** Goes through the rows of a query, in memory a thousand at a time. */
  private static final class Cursor implements AutoCloseable {
    final Connection connection;
    final ResultSet result;
    String @Nullable [] row;
    long rows;

    Cursor(TestDatabase database, String sql) throws SQLException {
      connection = database.connect();
      connection.setAutoCommit(false);
      Statement statement = connection.createStatement();
      statement.setFetchSize(FETCH_ROWS);
      result = statement.executeQuery(sql);
      next();
    }

    long key() {
      String[] current = row;
      if (current == null) {
        throw new IllegalStateException("there is no row");
      }
      return Long.parseLong(current[0]);
    }

    void next() throws SQLException {
      if (!result.next()) {
        row = null;
        return;
      }
      rows++;
      String[] values = new String[result.getMetaData().getColumnCount()];
      for (int i = 0; i < values.length; i++) {
        values[i] = result.getString(i + 1);
      }
      row = values;
    }

    @Override
    public void close() throws SQLException {
      connection.close();
    }
  }
}
