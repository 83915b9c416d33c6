package io.fulmar.internal.destination;

import io.fulmar.internal.postgres.ConnectFailure;
import io.fulmar.internal.postgres.NoConnectionException;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.postgres.Trouble;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.ServerErrorMessage;

/**
 * What an error of the server means for a batch. Its own words are left out: primary message,
 * detail and context quote values.
 */
final class Failure {
  private Failure() {}

  /** Whether the table is not there. */
  static boolean isMissingTable(SQLException error) {
    return SqlStates.trouble(error) == Trouble.NO_TABLE;
  }

  /** Why a row is refused: the rule and the names that are known, no values. */
  static String ofRow(SQLException error, @Nullable String column) {
    ServerErrorMessage server = SqlStates.serverMessage(error);
    List<String> where = new ArrayList<>();
    if (server != null) {
      add(where, "column", column != null ? column : server.getColumn());
      add(where, "constraint", server.getConstraint());
      add(where, "type", server.getDatatype());
      add(where, "table", server.getTable());
    }
    String fact = SqlStates.ruleBroken(error);
    return fact + (where.isEmpty() ? "" : " (" + String.join(", ", where) + ")") + ".";
  }

  private static void add(List<String> where, String what, @Nullable String name) {
    if (name != null) {
      where.add(what + " " + name);
    }
  }

  /**
   * What is thrown for an error that is no row's fault, or came up where rows cannot be told apart;
   * nothing was applied.
   *
   * @param error what the driver said
   * @param what the thing that could not be done: "write to ..."
   * @param grants SQL that a role without privileges needs
   */
  static Exception ofBatch(SQLException error, String what, String grants) {
    Trouble trouble = SqlStates.trouble(error);
    String state = SqlStates.code(error);
    String text =
        "Cannot %s: %s. [sqlstate=%s]".formatted(what, factAndRemedy(trouble, grants), state);
    if (trouble == Trouble.READ_ONLY
        || trouble == Trouble.CORRUPTION
        || (SqlStates.isOfStatement(error) && trouble != Trouble.STALE_PLAN)) {
      return new StopRunException(state, text);
    }
    // The driver's own errors hold addresses, those of the server might hold values.
    return new NotAppliedException(text, SqlStates.serverMessage(error) == null ? error : null);
  }

  /**
   * What is thrown when no connection came about. What nobody but a change of settings mends, wrong
   * certificates above all, stops the run; it would only meet the same again.
   */
  static Exception ofConnect(SQLException error, String what, String grants) {
    ConnectFailure failure = ConnectFailure.of(error);
    // What the server says is said better where it is known what the role is needed for.
    if (!failure.kind().isPermanent() || SqlStates.serverMessage(failure.cause()) != null) {
      return ofBatch(error, what, grants);
    }
    String state = SqlStates.code(error);
    return new StopRunException(
        state,
        "Cannot %s: %s. %s [sqlstate=%s]".formatted(what, failure.fact(), failure.remedy(), state));
  }

  private static String factAndRemedy(Trouble trouble, String grants) {
    return switch (trouble) {
      case PRIVILEGE, ROW_SECURITY ->
          "the role lacks a privilege. Run what is missing of: " + grants;
      case NO_TABLE, NO_COLUMN, NO_OBJECT ->
          "the table, or something that it uses, was changed or is missing. Run the sync again: the table is checked"
              + " anew, and the error says what is missing";
      case WRONG_TYPE -> "a column has another type than it had. Run the sync again";
      case UNSUPPORTED, READ_ONLY ->
          "the server takes no such statement, as a standby does. Give the address of the primary";
      case STALE_PLAN -> "the table was altered. Nothing to do: it is tried again";
      case SEVERAL_ROWS ->
          "two keys of a batch are one key of the table. Give the key columns of the table the types and collations"
              + " of the source";
      case LOGIN -> "the log-in was refused. Check user, password and pg_hba.conf";
      case NO_DATABASE -> "there is no such database. Check database(...)";
      case STATEMENT_ENDED ->
          "a statement was cancelled or reached the statement timeout. Raise statementTimeout(...) of the"
              + " destination's source or callDeadline(...) of the sync, or lower maxRows(...)";
      case LOCK_TIMEOUT ->
          "a lock was not had within the lock timeout. Look for long transactions on the table, or raise"
              + " lockTimeout(...)";
      case NO_CONNECTION_LEFT ->
          "the server, the database or the role has no connection left. Raise max_connections or the connection limit"
              + " of role and database, or lower concurrency(...)";
      case DISK_FULL -> "the disk of the server is full. Make room";
      case OUT_OF_MEMORY -> "the server is out of memory. Lower maxRows(...), or give it more";
      case CONFIGURED_LIMIT ->
          "a limit of the server's configuration is reached, temp_file_limit perhaps. Lower maxRows(...), or raise it";
      case CONFLICT, DEADLOCK ->
          "the transaction met another one. Nothing to do: it is tried again";
      case IDLE_TRANSACTION, TRANSACTION_TIMEOUT, IDLE_SESSION ->
          "the server ended the transaction or session for its age. Raise transaction_timeout,"
              + " idle_in_transaction_session_timeout or idle_session_timeout of the role, or lower maxRows(...)";
      case FILES ->
          "the server cannot read or write its own files. Look into its log and at its disks";
      case CORRUPTION -> "the server found damaged data. Look into its log, and restore the table";
      case CONNECTION, PROTOCOL, SESSION_ENDED, SERVER_CRASHED, SERVER_STARTING, OTHER_OF_SERVER ->
          "the server cannot be reached, or ended the connection before COMMIT. Look into the server's log";
      case STATEMENT, TOO_LARGE, VALUE, ENCODING, CONSTRAINT, OTHER ->
          "the server refused the statement. Look into the server's log";
    };
  }

  /** The application's pool had no connection; nothing was applied. */
  static NotAppliedException ofPool(NoConnectionException none, String what) {
    return new NotAppliedException(
        "Cannot %s: %s. %s".formatted(what, none.getMessage(), none.whereWrites()), none);
  }

  /** The call took too long, or is to end; nothing was applied. */
  static NotAppliedException ofTime(String what, Duration deadline) {
    return new NotAppliedException(
        "Cannot %s: the call was interrupted, or took longer than its deadline of %s, before COMMIT. Raise callDeadline(...) of the sync, or lower maxRows(...)."
            .formatted(what, deadline),
        (Throwable) null);
  }

  /** The table is not what the sync needs; nothing was applied. */
  static StopRunException ofTable(String state, String what, String fact, String remedy) {
    return new StopRunException(state, "Cannot %s: %s. %s.".formatted(what, fact, remedy));
  }
}
