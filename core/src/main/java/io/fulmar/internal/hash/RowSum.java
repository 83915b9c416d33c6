package io.fulmar.internal.hash;

import io.fulmar.internal.source.SourceSession;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the rows of a model add up to. Equal rows have equal sums, in whatever order they come; rows
 * that are not have not, up to one chance in 2^64.
 *
 * @param rows how many there are
 * @param bits the hashes of all rows, keys included, joined by XOR
 */
public record RowSum(long rows, long bits) {
  /**
   * Adds up.
   *
   * @param session the snapshot
   * @param sql the statement that does it, such as {@link RowHash#sum}
   * @param doing what could not be done if it fails: {@code "read the model customers"}
   */
  public static RowSum of(SourceSession session, String sql, String doing) {
    try {
      return ask(session, sql);
    } catch (SQLException e) {
      throw session.failed(doing, e);
    }
  }

  /**
   * Adds up if that does not take too long. The transaction goes on either way.
   *
   * @param session the snapshot
   * @param sql the statement that does it
   * @param doing what could not be done if it fails for another reason
   * @param limit how long it may take
   * @return null if it took longer
   */
  public static @Nullable RowSum within(
      SourceSession session, String sql, String doing, Duration limit) {
    return session.within(limit, doing, () -> ask(session, sql));
  }

  private static RowSum ask(SourceSession session, String sql) throws SQLException {
    try (Statement statement = session.connection().createStatement()) {
      statement.setEscapeProcessing(false);
      statement.executeQuery(RowSumSql.SETTINGS.sql()).close();
      try (ResultSet result = statement.executeQuery(sql)) {
        result.next();
        return new RowSum(result.getLong(1), result.getLong(2));
      }
    }
  }
}
