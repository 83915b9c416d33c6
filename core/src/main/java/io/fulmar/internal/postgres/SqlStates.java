package io.fulmar.internal.postgres;

import io.fulmar.SourceException;
import io.fulmar.StateException;
import java.net.SocketTimeoutException;
import java.sql.SQLException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * What PostgreSQL's error codes (manual, appendix A) mean: the one place that reads them, for both
 * ends of a sync.
 */
public final class SqlStates {
  /** What stands in for a code that the driver does not give: a connection exception. */
  private static final String NONE = "08000";

  private static final String CONFLICT = "40001";

  private static final Set<String> MAY_PASS =
      Set.of(
          "08000", "08003", "08006", "08007", "08P01", "0A000", "25P03", "25P04", "40001", "40P01",
          "57P01", "57P02", "57P03", "57P05");

  private static final Set<Trouble> CONNECTION_LOST =
      Set.of(
          Trouble.CONNECTION,
          Trouble.PROTOCOL,
          Trouble.SESSION_ENDED,
          Trouble.SERVER_CRASHED,
          Trouble.SERVER_STARTING,
          Trouble.IDLE_SESSION,
          Trouble.IDLE_TRANSACTION,
          Trouble.TRANSACTION_TIMEOUT,
          Trouble.NO_CONNECTION_LEFT);

  private static final Set<Trouble> REPEATABLE =
      Set.of(Trouble.CONFLICT, Trouble.DEADLOCK, Trouble.LOCK_TIMEOUT, Trouble.STATEMENT_ENDED);

  /** Codes of the connection, the server and its resources, whose messages quote no value. */
  private static final Set<String> CLASSES_WITHOUT_VALUES =
      Set.of("08", "0A", "25", "28", "3D", "40", "53", "54", "55", "57", "XX");

  /** What others depend on, a missing grant, and a broken disk. */
  private static final Set<String> STATES_WITHOUT_VALUES = Set.of("2BP01", "42501", "58030");

  /** Classes that say something of the server or the session, and pass. */
  private static final Set<String> CLASSES_OF_SERVER =
      Set.of("08", "25", "40", "53", "55", "57", "58", "XX");

  /** Classes that say something of the statement, the table or the role. */
  private static final Set<String> CLASSES_OF_STATEMENT =
      Set.of("0A", "0L", "0P", "21", "26", "28", "2B", "34", "3D", "3F", "42", "F0", "HV");

  /** Classes of a statement that is wrong in itself, whatever the rows and the server are. */
  private static final Set<String> CLASSES_OF_TEXT = Set.of("42", "22", "34", "0A", "25", "54");

  /** What to do about rows that row security hides. */
  public static final String ROW_SECURITY_REMEDY =
      "Row security hides rows of it: let a role read that the policies do not bind (BYPASSRLS), or"
          + " call Model.allowRowSecurity() if what the role sees is all there is";

  /** Where the server refuses to hide rows; its message is in the language of the server. */
  private static final String ROW_SECURITY_ROUTINE = "check_enable_rls";

  private SqlStates() {}

  /** The five characters, always five. */
  public static String code(SQLException e) {
    String state = e.getSQLState();
    return state == null || state.length() != 5 ? NONE : state;
  }

  /** The code as the driver gives it; null for none. */
  public static @Nullable String codeOrNull(SQLException e) {
    return e.getSQLState();
  }

  /** What an error says. */
  public static Trouble trouble(SQLException e) {
    String state = code(e);
    if (state.equals("0A000")) {
      ServerErrorMessage server = serverMessage(e);
      // The message is in the language of the server, the name of the routine is not.
      boolean stale = server != null && "RevalidateCachedQuery".equals(server.getRoutine());
      return stale ? Trouble.STALE_PLAN : Trouble.UNSUPPORTED;
    }
    if (state.equals("42501")) {
      ServerErrorMessage server = serverMessage(e);
      boolean hidden = server != null && ROW_SECURITY_ROUTINE.equals(server.getRoutine());
      return hidden ? Trouble.ROW_SECURITY : Trouble.PRIVILEGE;
    }
    return trouble(state);
  }

  private static Trouble trouble(String state) {
    return switch (state) {
      case "08P01" -> Trouble.PROTOCOL;
      case "21000" -> Trouble.SEVERAL_ROWS;
      case "22021", "22P05" -> Trouble.ENCODING;
      case "25006" -> Trouble.READ_ONLY;
      case "25P03" -> Trouble.IDLE_TRANSACTION;
      case "25P04" -> Trouble.TRANSACTION_TIMEOUT;
      case "3F000", "42704", "42883", "42P10" -> Trouble.NO_OBJECT;
      case "40001" -> Trouble.CONFLICT;
      case "40P01" -> Trouble.DEADLOCK;
      case "42501" -> Trouble.PRIVILEGE;
      case "42703" -> Trouble.NO_COLUMN;
      case "42804" -> Trouble.WRONG_TYPE;
      case "42P01" -> Trouble.NO_TABLE;
      case "53100" -> Trouble.DISK_FULL;
      case "53200" -> Trouble.OUT_OF_MEMORY;
      case "53300" -> Trouble.NO_CONNECTION_LEFT;
      case "53400" -> Trouble.CONFIGURED_LIMIT;
      case "55P03" -> Trouble.LOCK_TIMEOUT;
      case "57014" -> Trouble.STATEMENT_ENDED;
      case "57P01" -> Trouble.SESSION_ENDED;
      case "57P02" -> Trouble.SERVER_CRASHED;
      case "57P03" -> Trouble.SERVER_STARTING;
      case "57P04" -> Trouble.NO_DATABASE;
      case "57P05" -> Trouble.IDLE_SESSION;
      case "58030", "58P01", "58P02" -> Trouble.FILES;
      case "XX001", "XX002" -> Trouble.CORRUPTION;
      default -> troubleOfClass(state.substring(0, 2));
    };
  }

  private static Trouble troubleOfClass(String stateClass) {
    return switch (stateClass) {
      case "08" -> Trouble.CONNECTION;
      case "22", "P0" -> Trouble.VALUE;
      case "23", "44" -> Trouble.CONSTRAINT;
      case "28" -> Trouble.LOGIN;
      case "3D" -> Trouble.NO_DATABASE;
      case "54" -> Trouble.TOO_LARGE;
      default ->
          CLASSES_OF_SERVER.contains(stateClass)
              ? Trouble.OTHER_OF_SERVER
              : CLASSES_OF_STATEMENT.contains(stateClass) ? Trouble.STATEMENT : Trouble.OTHER;
    };
  }

  /** Whether values of rows led to it, not the text of a query. */
  public static boolean isOfData(@Nullable String sqlState) {
    return sqlState != null
        && sqlState.length() == 5
        && Set.of(Trouble.VALUE, Trouble.ENCODING, Trouble.CONSTRAINT, Trouble.SEVERAL_ROWS)
            .contains(trouble(sqlState));
  }

  /** Whether something wrote in a transaction that may not. */
  public static boolean isReadOnly(@Nullable String sqlState) {
    return "25006".equals(sqlState);
  }

  /**
   * Whether the same read may succeed if it is started again: a lost connection, a server that
   * restarts, a conflict with recovery on a standby, a session or transaction that the server ended
   * for its age, a plan that was overtaken by a change of the schema.
   */
  public static boolean mayPass(@Nullable String sqlState) {
    return sqlState != null && MAY_PASS.contains(sqlState);
  }

  /** Whether a statement reached its timeout, or somebody cancelled it. */
  public static boolean isStatementEnded(@Nullable String sqlState) {
    return sqlState != null && trouble(sqlState) == Trouble.STATEMENT_ENDED;
  }

  /** Whether a pooler may have said so, where the server has no reason to. */
  public static boolean isOfPooler(SQLException e) {
    return trouble(e) == Trouble.PROTOCOL;
  }

  /** Whether an error says something of the server or the session, and passes. */
  public static boolean isOfServer(SQLException e) {
    return CLASSES_OF_SERVER.contains(classOf(code(e)));
  }

  /** Whether an error says something of the statement, the table or the role. */
  public static boolean isOfStatement(SQLException e) {
    return CLASSES_OF_STATEMENT.contains(classOf(code(e)));
  }

  /** Whether an error with this code says something of the statement, the table or the role. */
  public static boolean isOfStatement(@Nullable String sqlState) {
    return CLASSES_OF_STATEMENT.contains(classOf(sqlState));
  }

  /** Whether a row may be to blame, so that others may pass without it. */
  public static boolean isOfRow(SQLException e) {
    return serverMessage(e) != null && !isOfServer(e) && !isOfStatement(e);
  }

  /** The rule that a row breaks, as a sentence without its end and without values. */
  public static String ruleBroken(SQLException e) {
    String state = code(e);
    return switch (state) {
      case "22001" -> "A value is too long";
      case "22003" -> "A number is out of range";
      case "22007", "22P02", "22P03" -> "A value has not the form that its type needs";
      case "22008" -> "A date or time is out of range";
      case "22021", "22P05" -> "A character has no form in the encoding of the database";
      case "23502" -> "A column that must not be NULL is";
      case "23503" -> "A foreign key is violated";
      case "23505" -> "A unique key is violated: another row has the same values";
      case "23514" -> "A check constraint is violated";
      case "23P01" -> "An exclusion constraint is violated";
      case "44000" -> "The check option of a view is violated";
      case "54000" -> "A value is too large, for an index perhaps";
      default ->
          switch (classOf(state)) {
            case "22" -> "A value does not fit";
            case "23" -> "A constraint is violated";
            default -> "A trigger or function of the database refuses the row";
          };
    };
  }

  /** Whether the text of a statement is to blame, or an expression that fails for any row. */
  public static boolean isOfText(SQLException e) {
    return CLASSES_OF_TEXT.contains(classOf(code(e))) && trouble(e) != Trouble.PRIVILEGE;
  }

  /** Whether a value has not the form that its type needs, or breaks a constraint of it. */
  public static boolean isOfValue(@Nullable String sqlState) {
    String stateClass = classOf(sqlState);
    return stateClass.equals("22") || stateClass.equals("23");
  }

  /** Whether a role may not use PL/pgSQL, or there is none; a model can fail likewise. */
  public static boolean mayBeWithoutPlpgsql(SQLException e) {
    return trouble(e) == Trouble.PRIVILEGE || "42704".equals(code(e));
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
    return sourceException(doing, e, about, SourceRemedy.of(e, null));
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
    return sourceException(doing, e, about, SourceRemedy.of(e, timeout));
  }

  /**
   * An error with advice that the caller has.
   *
   * @param doing what could not be done: {@code "read the model customers"}
   * @param e what the driver said; its message is kept only where it cannot quote a value
   * @param about the tail of the message: {@code [sync=crm run=1]}
   * @param remedy what to do, as sentences
   */
  public static SourceException sourceException(
      String doing, SQLException e, String about, String remedy) {
    String state = e.getSQLState();
    String fact = mayQuoteValue(e) ? factWithoutWords(e) : fact(e);
    String message = "Cannot %s: %s. %s %s".formatted(doing, fact, remedy, tail(about, state));
    return new SourceException(message, state, cause(e));
  }

  /**
   * Something was read of which the snapshot shows an older state than was there: that passes.
   *
   * @param doing what could not be done: {@code "read the model customers"}
   * @param about the tail of the message: {@code [sync=crm run=1]}
   */
  public static SourceException overtaken(String doing, String about) {
    return new SourceException(
        "Cannot %s: something that it reads was emptied, rewritten, altered or replaced just after the snapshot was taken, so rows of it would look removed. Run again when the change of the schema is over. %s"
            .formatted(doing, tail(about, CONFLICT)),
        CONFLICT,
        null);
  }

  /**
   * An error of a statement about the engine's own tables, as advice.
   *
   * @param doing what could not be done: {@code "note the end of crm"}
   * @param e what the driver said; its message is kept only where it cannot quote a value
   * @param about the tail of the message: {@code [sync=crm run=1]}
   */
  public static StateException stateException(String doing, SQLException e, String about) {
    return stateException(doing, e, about, StateRemedy.of(e));
  }

  /**
   * As {@link #stateException(String, SQLException, String)}, where another remedy helps.
   *
   * @param remedy what helps, as sentences
   */
  public static StateException stateException(
      String doing, SQLException e, String about, String remedy) {
    String fact = mayQuoteValue(e) ? factWithoutWords(e) : fact(e);
    return new StateException(
        "Cannot %s: %s. %s %s".formatted(doing, fact, remedy, tail(about, e.getSQLState())),
        cause(e));
  }

  /**
   * Whether nothing was heard of the server any more, so that a statement may have taken effect.
   */
  public static boolean isOfConnection(@Nullable String sqlState) {
    return sqlState == null || CONNECTION_LOST.contains(trouble(padded(sqlState)));
  }

  /**
   * Whether a statement about the engine's own tables may succeed if it is repeated: besides what
   * is said of the connection, a lock that was not had, a timeout, other transactions in the way.
   */
  public static boolean isWorthRepeating(@Nullable String sqlState) {
    return isOfConnection(sqlState) || REPEATABLE.contains(trouble(padded(sqlState)));
  }

  /** Whether something cannot be dropped, since something else is made of it. */
  static boolean isDependedOn(SQLException e) {
    return "2BP01".equals(code(e));
  }

  /** Whether a lock was not had in time. */
  public static boolean isLockTimeout(SQLException e) {
    return trouble(e) == Trouble.LOCK_TIMEOUT;
  }

  /** Whether a table is not there. */
  public static boolean isTableMissing(@Nullable String sqlState) {
    return sqlState != null
        && Set.of(Trouble.NO_TABLE, Trouble.NO_OBJECT).contains(trouble(padded(sqlState)));
  }

  private static String padded(@Nullable String sqlState) {
    return sqlState == null || sqlState.length() != 5 ? NONE : sqlState;
  }

  /** Whether the driver waited for an answer until its patience was at an end. */
  static boolean isSilence(SQLException e) {
    return e.getCause() instanceof SocketTimeoutException;
  }

  /** Whether the driver found nothing to connect to. */
  static boolean isUnableToConnect(SQLException e) {
    return serverMessage(e) == null && "08001".equals(code(e));
  }

  /** Whether the driver itself went no further with a server that it had reached. */
  static boolean isRejectedByDriver(SQLException e) {
    return serverMessage(e) == null && "08004".equals(code(e));
  }

  /** What refused a connection, as advice. */
  static SourceException sourceException(String doing, ConnectFailure failure, String about) {
    String state = failure.sqlState();
    return new SourceException(
        "Cannot %s: %s. %s %s"
            .formatted(doing, failure.fact(), failure.remedy(), tail(about, state)),
        state,
        cause(failure.cause()));
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

  /** The server's words on an error; null if the error is the driver's own. */
  public static @Nullable ServerErrorMessage serverMessage(SQLException e) {
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

  /** What an error says, where the server's own words may quote a value. */
  private static String factWithoutWords(SQLException e) {
    return switch (trouble(e)) {
      case FILES -> "the server could not read or write a file";
      case NO_TABLE -> "a table or view is not there";
      case NO_COLUMN -> "a column is not there";
      case NO_OBJECT -> "something that the statement refers to is not there";
      case ENCODING -> "a text has no form in the encoding that it is converted to";
      default -> "a value could not be computed";
    };
  }

  /** What happened; words of the server only where the class of the error quotes no value. */
  public static String fact(SQLException e) {
    Trouble trouble = trouble(e);
    if (trouble == Trouble.VALUE
        || trouble == Trouble.ENCODING
        || trouble == Trouble.CONSTRAINT
        || trouble == Trouble.SEVERAL_ROWS) {
      return factWithoutWords(e);
    }
    ServerErrorMessage server = serverMessage(e);
    String message = server == null ? e.getMessage() : server.getMessage();
    if (message == null) {
      return "the driver gave no reason";
    }
    String line = message.lines().findFirst().orElse("").strip();
    return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
  }
}
