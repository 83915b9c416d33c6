package io.fulmar.internal.postgres;

import io.fulmar.SourceException;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * What PostgreSQL's error codes (manual, appendix A) mean for a run: the one place that reads them.
 */
public final class SqlStates {
  private static final Set<String> MAY_PASS =
      Set.of(
          "08000", "08003", "08006", "08007", "08P01", "57P01", "57P02", "57P03", "40001", "40P01",
          "0A000");

  /** What PgBouncer answers whatever it refuses or gives up; a protocol violation else. */
  private static final String OF_POOLER = "08P01";

  /** Codes of the connection, the server and its resources, whose messages quote no value. */
  private static final Set<String> CLASSES_WITHOUT_VALUES =
      Set.of("08", "0A", "25", "28", "3D", "40", "53", "54", "55", "57", "XX");

  /** A missing grant, and a broken disk. */
  private static final Set<String> STATES_WITHOUT_VALUES = Set.of("42501", "58030");

  /** Codes whose message may quote a value of a row. */
  private static final Set<String> CLASSES_WITH_VALUES = Set.of("21", "22", "23", "44", "P0");

  private SqlStates() {}

  /**
   * Whether the same read may succeed if it is started again: a lost connection, a server that
   * restarts, a conflict with recovery on a standby, a plan that was overtaken by a change of the
   * schema.
   */
  public static boolean mayPass(@Nullable String sqlState) {
    return sqlState != null && MAY_PASS.contains(sqlState);
  }

  /** Whether a pooler may have said so, where the server has no reason to. */
  public static boolean isOfPooler(@Nullable String sqlState) {
    return OF_POOLER.equals(sqlState);
  }

  /**
   * An error as advice.
   *
   * @param doing what could not be done: {@code "read the model customers"}
   * @param e what the driver said; its message is kept only where it cannot quote a value, and the
   *     place in a function, which can, is not
   * @param about the tail of the message: {@code [sync=crm run=1]}
   */
  public static SourceException sourceException(String doing, SQLException e, String about) {
    return sourceException(doing, e, about, null);
  }

  /**
   * An error as advice, in a session whose timeout is known.
   *
   * @param doing what could not be done: {@code "read the model customers"}
   * @param e what the driver said; its message is kept only where it cannot quote a value
   * @param about the tail of the message: {@code [sync=crm run=1]}
   * @param timeout what holds for the statement; null if that is not known
   */
  public static SourceException sourceException(
      String doing, SQLException e, String about, @Nullable StatementTimeout timeout) {
    String state = e.getSQLState();
    String fact = mayQuoteValue(e) ? "a value could not be computed" : fact(e);
    String message =
        "Cannot %s: %s. %s %s"
            .formatted(doing, fact, remedy(state, e, timeout), tail(about, state));
    return new SourceException(message, state, cause(e));
  }

  /**
   * Whether the message may quote a value of a row: what a function raises, and all errors of
   * expressions, of which even a syntax error can be ({@code query_to_xml(column, ...)}).
   */
  private static boolean mayQuoteValue(SQLException e) {
    String state = e.getSQLState();
    ServerErrorMessage server = serverMessage(e);
    if (server == null || state == null) {
      return false;
    }
    return "exec_stmt_raise".equals(server.getRoutine())
        || !(CLASSES_WITHOUT_VALUES.contains(classOf(state))
            || STATES_WITHOUT_VALUES.contains(state));
  }

  /** What the application may see of an error: all of it, or where it happened, or nothing. */
  private static @Nullable SQLException cause(SQLException e) {
    if (mayQuoteValue(e)) {
      return null;
    }
    ServerErrorMessage server = serverMessage(e);
    if (server == null || (server.getWhere() == null && server.getDetail() == null)) {
      return e;
    }
    SQLException plain = new SQLException(fact(e), e.getSQLState());
    plain.setStackTrace(e.getStackTrace());
    return plain;
  }

  private static @Nullable ServerErrorMessage serverMessage(SQLException e) {
    return e instanceof PSQLException p ? p.getServerErrorMessage() : null;
  }

  private static String tail(String about, @Nullable String state) {
    String sqlState = state == null ? "" : "sqlstate=" + state;
    String inside = about.startsWith("[") ? about.substring(1, about.length() - 1) : about;
    return "[" + (inside.isEmpty() ? sqlState : inside + " " + sqlState).strip() + "]";
  }

  private static String classOf(@Nullable String state) {
    return state == null || state.length() < 2 ? "" : state.substring(0, 2);
  }

  /** What happened, without values of rows. */
  public static String fact(SQLException e) {
    String state = e.getSQLState();
    if (CLASSES_WITH_VALUES.contains(classOf(state))) {
      return "a value could not be computed";
    }
    ServerErrorMessage server = serverMessage(e);
    String message = server == null ? e.getMessage() : server.getMessage();
    if (message == null) {
      return "the driver gave no reason";
    }
    String line = message.lines().findFirst().orElse("").strip();
    return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
  }

  private static String remedy(
      @Nullable String state, SQLException e, @Nullable StatementTimeout timeout) {
    if (state == null) {
      return e instanceof SQLTransientException
          ? "No connection was free: a run needs one besides what its caller holds. Make the pool larger."
          : "Look at the cause.";
    }
    return switch (state) {
      case "57014" -> afterCancel(e, timeout);
      case "55P03" ->
          "Something holds a lock on a table of the model: wait, or raise Source.Builder.lockTimeout.";
      case "28P01", "28000" -> "Look at user, password and the server's pg_hba.conf.";
      case "3D000" -> "Look at the name of the database.";
      case "42501" ->
          "Give the role what is missing: grant usage on schema ... and grant select on ... to it.";
      case "53300" -> "The server has no connection left: raise max_connections or use fewer.";
      case "53100", "53400" ->
          "The server ran out of disk or of temp_file_limit: make the model smaller or room.";
      case "40001" ->
          "If this is a standby, raise max_standby_streaming_delay and max_standby_archive_delay there, or set"
              + " hot_standby_feedback = on.";
      case "57P01", "57P02", "57P03" ->
          "The server ended the connection or is starting: run again.";
      case "25006" -> "The model writes; make it a plain query.";
      case OF_POOLER ->
          "If a pooler stands between, look at its log; of PgBouncer at query_wait_timeout, max_client_conn and"
              + " ignore_startup_parameters.";
      default ->
          switch (classOf(state)) {
            case "08" -> "Look at host, port, network and server log, and run again.";
            case "21", "22", "23", "44", "P0" ->
                "An expression of the model fails for some row: mend the model or the row.";
            case "42" -> "Mend the model's SQL, or what it refers to.";
            default -> "Look at the server's log.";
          };
    };
  }

  /** One code stands for a timeout and for a cancel; the server's text may be in any language. */
  private static String afterCancel(SQLException e, @Nullable StatementTimeout timeout) {
    String cancelled = "Someone cancelled the statement: run again.";
    String text = fact(e);
    boolean ofServer = e instanceof PSQLException p && p.getServerErrorMessage() != null;
    if (!ofServer || text.contains("user request")) {
      return cancelled;
    }
    String timedOut = timeout == null ? "Raise the statement_timeout." : timeout.remedy();
    return text.contains("statement timeout")
        ? timedOut
        : timedOut + " If it was not that: " + cancelled;
  }
}
