package io.fulmar.internal.postgres;

import io.fulmar.internal.sql.Identifier;
import java.time.Duration;

/**
 * How long a statement of a session may take, and who said so. Immutable.
 *
 * @param value as PostgreSQL shows it: {@code 1s}
 * @param origin {@code source} in {@code pg_settings} (PostgreSQL manual, "pg_settings"), or that
 *     it is the source's own setting
 * @param role whom the session logged in as; empty if the setting is the source's own
 * @param database where; empty if the setting is the source's own
 */
public record StatementTimeout(String value, String origin, String role, String database) {
  private static final String OURS = "Source.Builder.statementTimeout";

  /** What the source asks for. */
  public static StatementTimeout ours(Duration timeout) {
    return new StatementTimeout(timeout.toMillis() + "ms", OURS, "", "");
  }

  /** What it is, whose setting it is, and how to raise it. */
  String remedy() {
    String fact = "The statement_timeout of " + value;
    String or = "; or raise Source.Builder.statementTimeout from zero, which keeps that setting";
    return switch (origin) {
      case OURS -> fact + " is set by Source.Builder.statementTimeout: raise it there.";
      case "user" -> fact + " is set for the role: run " + raise(ofRole()) + or + ".";
      case "database" -> fact + " is set for the database: run " + raise(ofDatabase()) + or + ".";
      case "database user" ->
          fact
              + " is set for the role in this database: run "
              + raise(ofRole() + " in database " + Identifier.of(database).sql())
              + or
              + ".";
      case "client", "session" ->
          fact
              + " is set by the application's data source: raise it there, or in the Builder given to Source.of.";
      default -> fact + " is set for the whole server: run " + raise(ofRole()) + or + ".";
    };
  }

  private String ofRole() {
    return "alter role " + Identifier.of(role).sql();
  }

  private String ofDatabase() {
    return "alter database " + Identifier.of(database).sql();
  }

  private static String raise(String whose) {
    return whose + " set statement_timeout = '1h'";
  }
}
