package io.fulmar.internal.postgres;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.PGConnection;

/**
 * What a pooler between the driver and the server, such as PgBouncer, gives a client: a server
 * connection for as long as it is connected, for a transaction, or for a statement. Found out by
 * what connections see of each other, since a pooler tells nobody but its administrators.
 */
public enum Pooling {
  /** The driver talks to the server itself, or to a pooler that hides. */
  NONE,
  /** A pooler stands between, and none was seen to give a server connection away meanwhile. */
  SESSION,
  /** Each transaction may have another server connection; session settings go to strangers. */
  TRANSACTION,
  /** There are no transactions of several statements, so no run. */
  STATEMENT;

  /** Round robin over several server connections comes back to the first one in time. */
  private static final int LOOKS = 4;

  /**
   * Whether a pooler stands between: then the server's own process number is not the one that the
   * driver was given for its cancel requests (PostgreSQL manual, "Message Formats",
   * BackendKeyData).
   *
   * @param connection one of pgjdbc, or one that unwraps to it; one query is sent
   */
  public static boolean isBehind(Connection connection) throws SQLException {
    return process(connection) != connection.unwrap(PGConnection.class).getBackendPID();
  }

  /**
   * Finds out how is pooled. Neither connection may be inside a transaction; both are given back as
   * they came, but the second is closed by a pooler that pools by statement.
   *
   * @param first one connection
   * @param second another one to the same place
   */
  public static Pooling between(Connection first, Connection second) throws SQLException {
    boolean autoCommit = first.getAutoCommit();
    try {
      first.setAutoCommit(true);
      if (!isBehind(first)) {
        return NONE;
      }
      return seen(first, second);
    } finally {
      first.setAutoCommit(autoCommit);
    }
  }

  /**
   * Whether a pooler lets a connection have no transaction of several statements. The connection
   * may not be inside one, and is closed by such a pooler.
   *
   * @param connection one of pgjdbc, or one that unwraps to it
   */
  public static boolean isByStatement(Connection connection) throws SQLException {
    connection.setAutoCommit(true);
    if (!isBehind(connection)) {
      return false;
    }
    try {
      connection.setAutoCommit(false);
      process(connection);
      connection.rollback();
      return false;
    } catch (SQLException e) {
      return SqlStates.isOfPooler(e);
    }
  }

  private static Pooling seen(Connection first, Connection second) throws SQLException {
    int before = process(first);
    boolean autoCommit = second.getAutoCommit();
    try {
      second.setAutoCommit(false);
      for (int i = 0; i < LOOKS; i++) {
        // A client that is connected has its server connection to itself, unless it is lent.
        if (process(second) == before) {
          return TRANSACTION;
        }
        second.rollback();
      }
      return SESSION;
    } catch (SQLException e) {
      if (SqlStates.isOfPooler(e)) {
        return STATEMENT;
      }
      throw e;
    } finally {
      if (!second.isClosed()) {
        second.rollback();
        second.setAutoCommit(autoCommit);
      }
    }
  }

  private static int process(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(PoolerSql.BACKEND.sql())) {
      row.next();
      return row.getInt(1);
    }
  }
}
