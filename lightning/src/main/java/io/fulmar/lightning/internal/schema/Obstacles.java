package io.fulmar.lightning.internal.schema;

import io.fulmar.FulmarException;
import io.fulmar.StateException;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.postgres.Trouble;
import io.fulmar.lightning.internal.database.Database;
import java.sql.SQLException;
import java.util.List;

/**
 * What others have put in the way of the engine in its schemas while it ran: locks that they hold,
 * and grants that they took away.
 */
public final class Obstacles {
  private static final int MOST = 3;

  private Obstacles() {}

  /**
   * An error of a statement about the engine's own tables, as advice that names the session or the
   * grant; for that the server is asked once more.
   *
   * @param doing what could not be done: {@code "note the end of crm"}
   * @param e what the driver said
   * @param about the tail of messages: {@code [sync=crm run=1]}
   */
  public static StateException exception(
      String doing, SQLException e, Database database, Schemas schemas, String about) {
    Trouble trouble = SqlStates.trouble(e);
    List<String> found =
        trouble == Trouble.LOCK_TIMEOUT
            ? ask(database, InspectionSql.LOCK_HOLDERS.sql(), about, schemas)
            : trouble == Trouble.PRIVILEGE
                ? ask(database, InspectionSql.GRANTS_GONE.sql(), about, schemas)
                : List.of();
    if (found.isEmpty()) {
      return SqlStates.stateException(doing, e, about);
    }
    String remedy =
        trouble == Trouble.PRIVILEGE
            ? "Let an administrator give back what the role needs: %s; and run again. What was accepted and noted is remembered."
                .formatted(String.join("; ", found))
            : "A lock on a table of the engine is held by %s: wait for it, end it (select pg_terminate_backend(pid)), or raise Source.Builder.lockTimeout, and run again."
                .formatted(String.join(", ", found));
    return SqlStates.stateException(doing, e, about, remedy);
  }

  /** Nothing, if the server cannot be asked. */
  private static List<String> ask(Database database, String sql, String about, Schemas schemas) {
    try {
      return Database.onceReading(
          database.beginReading("fulmar obstacles", about),
          transaction ->
              transaction.list(
                  sql, row -> row.getString(1), schemas.planner(), schemas.audit(), MOST));
    } catch (SQLException | FulmarException e) {
      return List.of();
    }
  }
}
