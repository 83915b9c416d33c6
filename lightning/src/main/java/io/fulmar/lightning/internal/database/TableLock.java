package io.fulmar.lightning.internal.database;

import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlTemplate;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;

/**
 * Whether a table can be dropped or emptied as a whole: not while somebody reads it, such as a dump
 * of the database, which may take hours. Stateless.
 */
public final class TableLock {
  /** For long enough that the server ends an autovacuum that is in the way. */
  static final SqlTemplate LOCK =
      SqlTemplate.of(
          """
          /* fulmar: is table free */
          set local lock_timeout = '3s';
          lock table {table} in access exclusive mode""",
          "table");

  private TableLock() {}

  /**
   * Whether nobody else is at a table, or there is none. It is not kept from others afterwards.
   *
   * @param connection in a transaction, which stays good
   * @param table which one
   */
  public static boolean isFree(Connection connection, Identifier table) throws SQLException {
    Savepoint before = connection.setSavepoint();
    boolean free = true;
    try (Statement statement = connection.createStatement()) {
      statement.execute(LOCK.with("table", table).sql());
    } catch (SQLException e) {
      if (!SqlStates.isLockTimeout(e) && !SqlStates.isTableMissing(SqlStates.codeOrNull(e))) {
        throw e;
      }
      free = !SqlStates.isLockTimeout(e);
    }
    // Takes back the lock and the setting.
    connection.rollback(before);
    return free;
  }
}
