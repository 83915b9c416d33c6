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
final class VolatileFunctions {
  private VolatileFunctions() {}

  /**
   * One warning for each.
   *
   * @param connection with the transaction in which the model was proven
   * @param text of the model
   * @param explain the statement that gives its plan
   */
  static List<Finding> warnings(Connection connection, ModelText text, String explain)
      throws SQLException {
    Set<List<String>> called = new LinkedHashSet<>();
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      try (ResultSet lines = statement.executeQuery(explain)) {
        while (lines.next()) {
          SqlText.of(lines.getString(1)).calls().forEach(call -> called.add(call.name()));
        }
      }
    }
    List<Call> written = SqlText.of(text.written()).calls();
    List<Finding> warnings = new ArrayList<>();
    try (PreparedStatement lookup =
        OneShot.prepare(connection, SourceSql.VOLATILE_FUNCTIONS.sql())) {
      Object[] schemas = called.stream().map(VolatileFunctions::schema).toArray();
      Object[] names = called.stream().map(VolatileFunctions::function).toArray();
      lookup.setArray(1, connection.createArrayOf("text", schemas));
      lookup.setArray(2, connection.createArrayOf("text", names));
      try (ResultSet found = lookup.executeQuery()) {
        while (found.next()) {
          warnings.add(warning(found.getString(1), text, written));
        }
      }
    }
    return warnings;
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
