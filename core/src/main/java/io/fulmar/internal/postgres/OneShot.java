package io.fulmar.internal.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import org.postgresql.PGStatement;

/**
 * Statements with bound values that leave nothing in the server. The driver keeps a statement there
 * under a name once it has been used some times; behind a pooler the next transaction may be on
 * another server connection, which does not know the name, or knows it for a stranger's statement.
 */
public final class OneShot {
  private OneShot() {}

  /**
   * Makes a statement; the caller closes it.
   *
   * @param connection a pool's handle, whose settings stay as they are
   * @param sql with {@code ?} for values
   */
  public static PreparedStatement prepare(Connection connection, String sql) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    if (statement.isWrapperFor(PGStatement.class)) {
      statement.unwrap(PGStatement.class).setPrepareThreshold(0);
    }
    return statement;
  }
}
