package io.fulmar.lightning.internal.delta;

import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.SqlPart;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a table, and those of them that were written since the base. One scan tells how many
 * they are and, where these are likely to be few, their places; PostgreSQL gathers places in memory
 * however many there are, so a sample of the pages is looked at first. Immutable.
 *
 * @param count how many rows there are
 * @param written how many were written since the base
 * @param places of those, as an array that PostgreSQL reads; null if they are not known
 */
record WrittenRows(long count, long written, @Nullable String places) {
  /** From here on, places are gathered by several processes: PostgreSQL 16, release notes. */
  private static final int GATHERED_IN_PARALLEL = 160_000;

  /** So many pages are looked at, or all. */
  private static final long SAMPLED_PAGES = 200;

  /** Of larger tables this part of the pages. */
  private static final long SAMPLED_PART = 500;

  private static final long MILLION = 1_000_000;

  /** Looks at a table. */
  static WrittenRows scan(
      Connection connection, DeltaTable table, XidRange since, long pages, long most)
      throws SQLException {
    SqlPart condition = since.counted();
    boolean gathers =
        !table.isPartitioned()
            && Integer.parseInt(table.version()) >= GATHERED_IN_PARALLEL
            && isLikelyFew(connection, table, condition, pages, most);
    String sql =
        gathers
            ? DeltaSql.SCAN_FOR_PLACES
                .with("table", table.scanned())
                .with("written", condition)
                .with("most", ColumnExpression.number(most))
                .sql()
            : DeltaSql.SCAN.with("table", table.scanned()).with("written", condition).sql();
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      try (ResultSet row = statement.executeQuery(sql)) {
        row.next();
        long written = row.getLong(2);
        String places = !gathers ? null : written == 0 ? "{}" : places(row.getBytes(3));
        return new WrittenRows(row.getLong(1), written, places);
      }
    }
  }

  /**
   * Whether a sample shows that they are at most so many. Where none of the sampled pages has any,
   * more than 5,000 pages of the table have some with a probability of 1 in 20,000.
   */
  private static boolean isLikelyFew(
      Connection connection, DeltaTable table, SqlPart written, long pages, long most)
      throws SQLException {
    long sampled = Math.max(SAMPLED_PAGES, pages / SAMPLED_PART);
    if (pages <= sampled) {
      return true;
    }
    long millionths = Math.max(1, sampled * MILLION / pages);
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      String sql =
          DeltaSql.SAMPLE
              .with("table", table.scanned())
              .with("written", written)
              .with("millionths", ColumnExpression.number(millionths))
              .sql();
      try (ResultSet row = statement.executeQuery(sql)) {
        row.next();
        return row.getLong(1) * MILLION / millionths <= most;
      }
    }
  }

  /** Block and row of each, out of what {@code tidsend} gives. */
  private static @Nullable String places(byte @Nullable [] sent) {
    if (sent == null) {
      return null;
    }
    StringBuilder places = new StringBuilder("{");
    ByteBuffer bytes = ByteBuffer.wrap(sent);
    while (bytes.hasRemaining()) {
      places
          .append(places.length() > 1 ? ",\"(" : "\"(")
          .append(Integer.toUnsignedString(bytes.getInt()))
          .append(',')
          .append(Short.toUnsignedInt(bytes.getShort()))
          .append(")\"");
    }
    return places.append('}').toString();
  }

  /** The places of two arrays in one. */
  static String joined(String some, String others) {
    String inner = some.substring(1, some.length() - 1);
    String comma = inner.isEmpty() || others.equals("{}") ? "" : ",";
    return "{" + inner + comma + others.substring(1);
  }
}
