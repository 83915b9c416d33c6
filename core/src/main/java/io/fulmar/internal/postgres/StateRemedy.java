package io.fulmar.internal.postgres;

import java.sql.SQLException;

/**
 * What helps against an error of statements about the engine's own tables, as sentences. {@code
 * current_user} in it is the role that the source logs in as.
 */
final class StateRemedy {
  private StateRemedy() {}

  static String of(SQLException e) {
    if (SqlStates.isDependedOn(e)) {
      return "Somebody has built a view or the like on a table or view of the engine, which is made anew now and then: drop it and query ours instead, then run again; what was accepted and noted is remembered.";
    }
    return switch (SqlStates.trouble(e)) {
      case CONNECTION, PROTOCOL, SESSION_ENDED, SERVER_CRASHED, SERVER_STARTING, IDLE_SESSION ->
          "The connection to the server was lost or not had: look at the server and run again; what was accepted and noted is remembered."
              + SourceRemedy.silence(e);
      case LOGIN, NO_DATABASE ->
          "Look at user, password and database of the source, and run again.";
      case NO_CONNECTION_LEFT ->
          "The server has no connection left: raise max_connections, or use fewer: Source.Builder.poolSize.";
      case STATEMENT_ENDED ->
          "A statement took longer than statement_timeout (Source.Builder.statementTimeout, or alter role current_user set statement_timeout = '10min'), or somebody cancelled it: run again.";
      case LOCK_TIMEOUT ->
          "Something holds a lock on a table of the engine: wait, or raise Source.Builder.lockTimeout. Who it is: select pid, query from pg_stat_activity where pid in (select pid from pg_locks where granted and mode = 'AccessExclusiveLock').";
      case CONFLICT, DEADLOCK -> "Another transaction was in the way: run again.";
      case IDLE_TRANSACTION, TRANSACTION_TIMEOUT ->
          "The transaction took longer than the server allows (transaction_timeout, idle_in_transaction_session_timeout): look at what holds up this process or the server, and run again.";
      case READ_ONLY ->
          "The server takes no writes: it is a standby, or default_transaction_read_only is on. The engine that compares in PostgreSQL needs a primary; the standard engine works on a standby.";
      case PRIVILEGE ->
          "The role may not use the engine's schemas or tables: let an administrator run the set-up SQL, and see what SyncEngine.check() says.";
      case ROW_SECURITY ->
          "Somebody has put row security on a table of the engine: drop it (alter table ... disable row level security).";
      case DISK_FULL, CONFIGURED_LIMIT, OUT_OF_MEMORY ->
          "Make room on the server, or raise its limit, and run again; what was accepted and noted is remembered.";
      case NO_TABLE, NO_COLUMN, NO_OBJECT, WRONG_TYPE ->
          "A table of the engine is missing or has been altered: restore it, or forget the sync and initialise it.";
      case CORRUPTION, FILES ->
          "The server found damaged data or cannot read its files: look at its log and its disks.";
      default -> "Look at the server's log, and run again.";
    };
  }
}
