package io.fulmar.internal.postgres;

import java.sql.Connection;
import java.sql.SQLException;

/** Where a session takes its connection from. */
@FunctionalInterface
public interface Connections {
  /** A connection; the caller closes it. */
  Connection connect() throws SQLException;

  /** Whether a pooler stands between that pools by statement, so that there are no transactions. */
  default boolean isPooledByStatement() {
    try (Connection connection = connect()) {
      boolean autoCommit = connection.getAutoCommit();
      boolean found = Pooling.isByStatement(connection);
      if (!connection.isClosed()) {
        connection.setAutoCommit(autoCommit);
      }
      return found;
    } catch (SQLException e) {
      return false;
    }
  }
}
