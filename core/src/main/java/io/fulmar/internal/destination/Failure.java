package io.fulmar.internal.destination;

import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * What an error of the server means for a batch (SQLSTATE: PostgreSQL manual, appendix A). Its own
 * words are left out: primary message, detail and context quote values.
 */
final class Failure {
  /** Classes that say something of the server or the session, and pass. */
  private static final Set<String> PASSING = Set.of("08", "25", "40", "53", "55", "57", "58", "XX");

  /** Classes that say something of the statement, the table or the role. */
  private static final Set<String> LASTING =
      Set.of("0A", "0L", "0P", "21", "26", "28", "2B", "34", "3D", "3F", "42", "F0", "HV");

  private Failure() {}

  /** The server's words on an error; null if the error is the driver's own. */
  static @Nullable ServerErrorMessage server(SQLException error) {
    return error instanceof PSQLException e ? e.getServerErrorMessage() : null;
  }

  /** Whether a row is to blame, so that the batch may pass without it. */
  static boolean isOfRow(SQLException error) {
    String state = state(error);
    return server(error) != null
        && !PASSING.contains(state.substring(0, 2))
        && !LASTING.contains(state.substring(0, 2));
  }

  /** The five characters, always five. */
  static String state(SQLException error) {
    String state = error.getSQLState();
    return state == null || state.length() != 5 ? "08000" : state;
  }

  /** Why a row is refused: the rule and the names that are known, no values. */
  static String ofRow(SQLException error, @Nullable String column) {
    ServerErrorMessage server = server(error);
    List<String> where = new ArrayList<>();
    if (server != null) {
      add(where, "column", column != null ? column : server.getColumn());
      add(where, "constraint", server.getConstraint());
      add(where, "type", server.getDatatype());
      add(where, "table", server.getTable());
    }
    String state = state(error);
    String fact =
        switch (state) {
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
              state.startsWith("22")
                  ? "A value does not fit"
                  : state.startsWith("23")
                      ? "A constraint is violated"
                      : "A trigger or function of the database refuses the row";
        };
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
   * @param what the thing that could not be done: "write to ..."
   * @param grants SQL that a role without privileges needs
   */
  static Exception ofBatch(SQLException error, String what, String grants) {
    String state = state(error);
    String message =
        switch (state) {
          case "42501" ->
              message(what, "the role lacks a privilege", "Run what is missing of: " + grants);
          case "42P01", "42703", "42P10", "42704", "42883" ->
              message(
                  what,
                  "the table, or something that it uses, was changed or is missing",
                  "Run the sync again: the table is checked anew, and the error says what is missing");
          case "42804" ->
              message(what, "a column has another type than it had", "Run the sync again");
          case "0A000", "25006" ->
              message(
                  what,
                  "the server takes no such statement, as a standby does",
                  "Give the address of the primary");
          case "21000" ->
              message(
                  what,
                  "two keys of a batch are one key of the table",
                  "Give the key columns of the table the types and collations of the source");
          case "28000", "28P01" ->
              message(what, "the log-in was refused", "Check user, password and pg_hba.conf");
          case "3D000" -> message(what, "there is no such database", "Check database(...)");
          case "57014" ->
              message(
                  what,
                  "a statement was cancelled or reached the statement timeout",
                  "Raise statementTimeout(...) of the destination's source or callDeadline(...) of the sync, or lower maxRows(...)");
          case "55P03" ->
              message(
                  what,
                  "a lock was not had within the lock timeout",
                  "Look for long transactions on the table, or raise lockTimeout(...)");
          case "53300" ->
              message(
                  what,
                  "the server has no connection left",
                  "Raise max_connections, or lower concurrency(...)");
          case "53100" -> message(what, "the disk of the server is full", "Make room");
          case "40001", "40P01" ->
              message(what, "the transaction met another one", "Nothing to do: it is tried again");
          default ->
              PASSING.contains(state.substring(0, 2))
                  ? message(
                      what,
                      "the server cannot be reached, or ended the connection before COMMIT",
                      "Look into the server's log")
                  : message(what, "the server refused the statement", "Look into the server's log");
        };
    String text = message + " [sqlstate=" + state + "]";
    if (LASTING.contains(state.substring(0, 2)) || state.equals("25006")) {
      return new StopRunException(state, text);
    }
    // The driver's own errors hold addresses, those of the server might hold values.
    return new NotAppliedException(text, server(error) == null ? error : null);
  }

  private static String message(String what, String fact, String remedy) {
    return "Cannot " + what + ": " + fact + ". " + remedy + ".";
  }

  /** The table is not what the sync needs; nothing was applied. */
  static StopRunException ofTable(String state, String what, String fact, String remedy) {
    return new StopRunException(state, message(what, fact, remedy));
  }
}
