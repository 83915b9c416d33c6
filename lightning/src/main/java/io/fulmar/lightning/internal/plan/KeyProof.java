package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.Parts;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What PostgreSQL's planner knows of the key of a model, by its indexes and constraints. Where it
 * knows nothing, rows are counted. Immutable.
 *
 * @param unique no key occurs twice
 * @param notNull no key is NULL in part
 */
public record KeyProof(boolean unique, boolean notNull) {
  /** Nothing is known. */
  public static final KeyProof NONE = new KeyProof(false, false);

  private static final SqlFragment NULL_TEXT = SqlFragment.of("null::pg_catalog.text");

  /**
   * Asks for a model.
   *
   * @param connection with the transaction in which the model was proven to be one statement
   */
  public static KeyProof of(Connection connection, ModelShape shape) throws SQLException {
    int count = shape.columns().size();
    List<Identifier> aliases = Parts.numbered("c", count);
    List<Identifier> key = shape.keyPositions().stream().map(aliases::get).toList();
    List<Identifier> names = Parts.numbered("k", key.size());
    List<SqlPart> nulls = Collections.nCopies(key.size(), NULL_TEXT);
    List<ColumnExpression> casts =
        IntStream.range(0, key.size())
            .mapToObj(
                i ->
                    ColumnExpression.cast(
                        names.get(i), shape.columns().get(shape.keyPositions().get(i)).type()))
            .toList();
    List<String> unique =
        plan(
            connection,
            ProofSql.UNIQUE
                .with("model", shape.query())
                .with("aliases", aliases)
                .with("casts", casts)
                .with("names", names)
                .with("nulls", nulls)
                .with("same", Parts.same(key, Parts.numbered("fulmar_key", "k", key.size())))
                .sql());
    List<String> notNull =
        plan(
            connection,
            ProofSql.NOT_NULL
                .with("model", shape.query())
                .with("aliases", aliases)
                .with("keyless", Parts.anyNull(key))
                .sql());
    return new KeyProof(
        unique.size() == 1 && unique.get(0).startsWith("Values Scan") && isOfSnapshot(connection),
        notNull.size() == 2
            && notNull.get(0).startsWith("Result")
            && notNull.get(1).strip().equals("One-Time Filter: false"));
  }

  /** Whether what the planner has looked at is what the snapshot shows. */
  private static boolean isOfSnapshot(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(ProofSql.SHOWN.sql())) {
      row.next();
      return row.getBoolean(1);
    }
  }

  private static List<String> plan(Connection connection, String explain) throws SQLException {
    List<String> lines = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      try (ResultSet result = statement.executeQuery(explain)) {
        while (result.next()) {
          lines.add(result.getString(1));
        }
      }
    }
    return lines;
  }
}
