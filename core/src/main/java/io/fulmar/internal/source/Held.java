package io.fulmar.internal.source;

import io.fulmar.internal.sql.Identifier;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * What a session holds that a rollback does not take back. Equal before and after a model ran, the
 * model left nothing.
 *
 * @param backend the server's process, which behind a pooler is another from transaction to
 *     transaction
 * @param advisoryLocks of the session and, until it ends, of the transaction
 * @param preparedStatements made by SQL, not by the driver
 * @param temporaryRelations tables, indexes and the like in the temporary schema
 * @param temporarySlots of replication
 * @param links connections of dblink that are open
 */
record Held(
    int backend,
    long advisoryLocks,
    long preparedStatements,
    long temporaryRelations,
    long temporarySlots,
    long links) {

  /** Asks in one query, two where the extension dblink is there. */
  static Held now(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(SessionSql.HELD.sql())) {
      return of(connection, row);
    }
  }

  /**
   * Begins a transaction on one snapshot and asks, which takes the snapshot.
   *
   * @param connection not in a transaction
   * @param access what may be done in it, and what is locked first
   * @param lockTimeout how long is waited for that
   */
  static Held atBeginning(Connection connection, Access access, String lockTimeout)
      throws SQLException {
    try (Statement statement = connection.createStatement()) {
      if (access.mode() == Access.Mode.READ && access.locked().isEmpty()) {
        statement.execute(SessionSql.BEGIN.sql());
        statement.getMoreResults();
        try (ResultSet row = statement.getResultSet()) {
          return of(connection, row);
        }
      }
      statement.execute(
          (access.mode() == Access.Mode.READ ? SessionSql.BEGIN_READ : SessionSql.BEGIN_WRITE)
              .sql());
      if (!access.locked().isEmpty()) {
        statement.execute(
            SessionSql.LOCK
                .with("timeout", Identifier.of(lockTimeout))
                .with("tables", access.locked())
                .sql());
      }
    }
    return now(connection);
  }

  private static Held of(Connection connection, ResultSet row) throws SQLException {
    row.next();
    String schema = row.getString(6);
    return new Held(
        row.getInt(1),
        row.getLong(2),
        row.getLong(3),
        row.getLong(4),
        row.getLong(5),
        schema == null ? 0 : links(connection, schema));
  }

  private static long links(Connection connection, String schema) throws SQLException {
    Identifier function = Identifier.of(schema, "dblink_get_connections");
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(SessionSql.LINKS.with("links", function).sql())) {
      row.next();
      return row.getLong(1);
    }
  }
}
