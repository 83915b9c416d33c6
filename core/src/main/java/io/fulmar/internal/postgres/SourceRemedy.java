package io.fulmar.internal.postgres;

import java.sql.SQLException;
import java.sql.SQLTransientException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.ServerErrorMessage;

/**
 * What helps against an error of the source, as a sentence, with the SQL to run where that is
 * known. {@code current_user} in it is the role that the source logs in as.
 */
final class SourceRemedy {
  private static final String CANCELLED = "Someone cancelled the statement: run again.";

  private SourceRemedy() {}

  static String of(SQLException e, @Nullable StatementTimeout timeout) {
    if (SqlStates.codeOrNull(e) == null) {
      return e instanceof SQLTransientException
          ? "No connection was free: a run needs one besides what its caller holds. Make the pool larger."
          : "Look at the cause.";
    }
    return switch (SqlStates.trouble(e)) {
      case CONNECTION -> "Look at host, port, network and server log, and run again." + silence(e);
      case PROTOCOL ->
          "If a pooler stands between, look at its log; of PgBouncer at query_wait_timeout, max_client_conn and"
              + " ignore_startup_parameters.";
      case LOGIN ->
          "Look at user, password (has it changed, or expired by the role's \"valid until\"?) and the server's pg_hba.conf.";
      case NO_DATABASE -> "Look at the name of the database.";
      case NO_CONNECTION_LEFT -> whoseLimit(SqlStates.serverMessage(e));
      case STATEMENT_ENDED -> afterCancel(e, timeout);
      case LOCK_TIMEOUT ->
          "Something holds a lock on a table of the model: wait, or raise Source.Builder.lockTimeout. Who it is:"
              + " select pid, query from pg_stat_activity where pid in"
              + " (select pid from pg_locks where granted and mode = 'AccessExclusiveLock').";
      case CONFLICT ->
          "If this is a standby, raise max_standby_streaming_delay and max_standby_archive_delay there, or set"
              + " hot_standby_feedback = on.";
      case DEADLOCK ->
          "Two transactions waited for each other, the server's log says which: run again.";
      case SESSION_ENDED, SERVER_CRASHED, SERVER_STARTING ->
          "The server ended the connection or is starting: run again.";
      case IDLE_TRANSACTION ->
          "The transaction waited for longer than idle_in_transaction_session_timeout: look at what holds up this"
              + " process (disk, garbage collection), and run again.";
      case TRANSACTION_TIMEOUT ->
          "Reading takes longer than transaction_timeout: run alter role current_user set transaction_timeout = '1h',"
              + " or make the model faster.";
      case IDLE_SESSION ->
          "The connection lay in the pool for longer than idle_session_timeout: run again, or run alter role"
              + " current_user set idle_session_timeout = '1h'.";
      case READ_ONLY -> "The model writes; make it a plain query.";
      case PRIVILEGE ->
          "Give the role what is missing: grant usage on schema ... and grant select on ... to it; or to the owner of a"
              + " view or function that reads for it.";
      case ROW_SECURITY -> SqlStates.ROW_SECURITY_REMEDY + ".";
      case DISK_FULL ->
          "A disk of the server is full, perhaps with temporary files of this statement: make room there, or let the"
              + " model sort and join less.";
      case OUT_OF_MEMORY ->
          "The server is out of memory: lower work_mem for the role (alter role current_user set work_mem = '4MB'),"
              + " let the model sort and join less, or give the server more.";
      case CONFIGURED_LIMIT ->
          "The statement needs more temporary files than temp_file_limit allows: let the model sort and join less, or"
              + " let a superuser run alter role ... set temp_file_limit = '20GB' for the role.";
      case STALE_PLAN -> "A table of the model was altered: run again.";
      case UNSUPPORTED ->
          "If a table of the model was altered meanwhile, run again; else the server takes no such statement: mend the model.";
      case NO_TABLE, NO_OBJECT ->
          "What the model refers to is gone, has another name, or lies in a schema that is not in the search_path: mend"
              + " the model, and name schemas in it.";
      case NO_COLUMN ->
          "A column that the model refers to is gone or has another name: mend the model.";
      case ENCODING ->
          "What is read is converted to UTF-8: mend the text, or leave it out. In a database of"
              + " encoding SQL_ASCII the model can say what it is:"
              + " convert_from(convert(convert_to(x, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'UTF8')";
      case SEVERAL_ROWS, VALUE, CONSTRAINT ->
          "An expression of the model fails for some row: mend the model or the row.";
      case WRONG_TYPE, STATEMENT -> "Mend the model's SQL, or what it refers to.";
      case TOO_LARGE ->
          "The statement or one of its rows is larger than the server takes (a row: 1 GB): select fewer or shorter columns.";
      case FILES ->
          "The server cannot read its own files: look at its log and its disks. Nothing counts as removed.";
      case CORRUPTION ->
          "The server found damaged data: look at its log, check the tables of the model with amcheck, and restore what"
              + " is damaged. Nothing counts as removed.";
      case OTHER_OF_SERVER, OTHER -> "Look at the server's log.";
    };
  }

  /** What else helps if the driver gave up waiting; the server may have been at work. */
  static String silence(SQLException e) {
    return SqlStates.isSilence(e)
        ? " If the server was at work all the time, raise Source.Builder.socketTimeout above what a statement takes."
        : "";
  }

  /** The same code for three limits; the routine that says it does not depend on the language. */
  private static String whoseLimit(@Nullable ServerErrorMessage server) {
    String routine = server == null ? null : server.getRoutine();
    String elsewhere = ", or use fewer: Source.Builder.poolSize.";
    if ("InitializeSessionUserId".equals(routine)) {
      return "That is the role's own limit: raise it by alter role ... connection limit ..."
          + elsewhere;
    }
    if ("CheckMyDatabase".equals(routine)) {
      return "That is the database's own limit: raise it by alter database ... connection limit ..."
          + elsewhere;
    }
    return "The server has no connection left: raise max_connections" + elsewhere;
  }

  /** One code stands for a timeout and for a cancel; the server's text may be in any language. */
  private static String afterCancel(SQLException e, @Nullable StatementTimeout timeout) {
    String text = SqlStates.fact(e);
    boolean ofServer = SqlStates.serverMessage(e) != null;
    if (!ofServer || text.contains("user request")) {
      return CANCELLED;
    }
    String timedOut = timeout == null ? "Raise the statement_timeout." : timeout.remedy();
    return text.contains("statement timeout")
        ? timedOut
        : timedOut + " If it was not that: " + CANCELLED;
  }
}
