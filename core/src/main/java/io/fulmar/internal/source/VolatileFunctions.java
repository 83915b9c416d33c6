package io.fulmar.internal.source;

import io.fulmar.ModelValidation.Finding;
import io.fulmar.ModelValidation.Position;
import io.fulmar.ModelValidation.Severity;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.sql.SqlText;
import io.fulmar.internal.sql.SqlText.Call;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The functions of a model that PostgreSQL may not assume to give the same again, found by their
 * names in its plan, so also behind views, and nothing of it is run.
 */
public final class VolatileFunctions {
  private static final String SETS = "set_config";

  private VolatileFunctions() {}

  /** A volatile function that is called, and whether it is one of PostgreSQL's own. */
  private record Found(String name, boolean ours) {}

  /**
   * One warning for each.
   *
   * @param connection with the transaction in which the model was proven
   * @param text of the model
   * @param explain the statement that gives its plan
   */
  static List<Finding> warnings(Connection connection, ModelText text, String explain)
      throws SQLException {
    List<Call> written = SqlText.of(text.written()).calls();
    return found(connection, explain).stream()
        .map(function -> warning(function.name(), text, written))
        .toList();
  }

  /**
   * The names of those that may change something that lasts: all that are not PostgreSQL's own, and
   * {@code set_config}. Not seen are functions behind operators and casts, and what a function
   * calls in turn.
   *
   * @param connection with the transaction in which the model was proven
   * @param shape the model
   */
  public static List<String> thatMayChange(Connection connection, ModelShape shape)
      throws SQLException {
    return found(connection, SourceSql.EXPLAIN.with("model", shape.query()).sql()).stream()
        .filter(function -> !function.ours() || function.name().equals(SETS))
        .map(Found::name)
        .toList();
  }

  private static List<Found> found(Connection connection, String explain) throws SQLException {
    Set<List<String>> called = new LinkedHashSet<>();
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      try (ResultSet lines = statement.executeQuery(explain)) {
        while (lines.next()) {
          SqlText.of(lines.getString(1)).calls().forEach(call -> called.add(call.name()));
        }
      }
    }
    List<Found> functions = new ArrayList<>();
    try (PreparedStatement lookup =
        OneShot.prepare(connection, SourceSql.VOLATILE_FUNCTIONS.sql())) {
      Object[] schemas = called.stream().map(VolatileFunctions::schema).toArray();
      Object[] names = called.stream().map(VolatileFunctions::function).toArray();
      lookup.setArray(1, connection.createArrayOf("text", schemas));
      lookup.setArray(2, connection.createArrayOf("text", names));
      try (ResultSet found = lookup.executeQuery()) {
        while (found.next()) {
          functions.add(new Found(found.getString(1), found.getBoolean(2)));
        }
      }
    }
    return functions;
  }

  private static Finding warning(String function, ModelText text, List<Call> written) {
    Position position =
        written.stream()
            .filter(call -> function(call.name()).equals(function))
            .findFirst()
            .map(call -> text.position(call.at()))
            .orElse(null);
    return new Finding(
        Severity.WARNING,
        "it calls " + function + "(), which is VOLATILE",
        "If its result is another in each read, its rows change in every run, and if it writes, the"
            + " run fails: leave it out, or declare it STABLE if it is",
        position);
  }

  private static String schema(List<String> name) {
    return name.size() < 2 ? "" : name.get(name.size() - 2);
  }

  private static String function(List<String> name) {
    return name.get(name.size() - 1);
  }
}
