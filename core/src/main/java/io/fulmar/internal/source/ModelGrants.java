package io.fulmar.internal.source;

import io.fulmar.Model;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.sql.SqlText;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a role may do with what a model reads: the grants that it lacks, and those that it has no
 * use for. The server's message on a missing privilege is in any language, names no schema and no
 * column, and stops at the first; so this asks the catalogs instead, about the names in the text of
 * the model. Which of the names are tables the server itself says: it locks what a statement refers
 * to before it looks at privileges. Runs nothing of the model.
 */
public final class ModelGrants {
  private final Connection connection;
  private final Model model;
  private final String text;

  private ModelGrants(Connection connection, Model model) {
    this.connection = connection;
    this.model = model;
    this.text = ModelText.of(model).sent();
  }

  /**
   * The grants of a model.
   *
   * @param connection in a transaction that has not failed; savepoints come and go in it
   */
  public static ModelGrants of(Connection connection, Model model) {
    return new ModelGrants(connection, model);
  }

  /** A privilege that a reader has no use for. */
  public record Excess(String fact, String remedy) {}

  /**
   * A grant.
   *
   * @param privilege {@code select on "app"."customer"}
   * @param role who lacks it
   */
  public record Grant(String privilege, String role) {
    /** The statement for who may give it. */
    public String sql() {
      return "grant " + privilege + " to " + role;
    }
  }

  /** Each grant that is missing. */
  public List<Grant> missing() throws SQLException {
    SqlText words = SqlText.of(text);
    Array locked = locked();
    // What the server did not look up is a table if it stands where only a table can.
    Set<List<String>> tables = new HashSet<>(locked == null ? words.tables() : words.names());
    List<Boolean> mayBeTable = new ArrayList<>();
    List<String> schemas = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (List<String> name : words.names()) {
      for (int i = 0; i < name.size(); i++) {
        schemas.add(i == 0 ? "" : name.get(i - 1));
        names.add(name.get(i));
        mayBeTable.add(tables.contains(name));
      }
    }
    try (PreparedStatement statement = OneShot.prepare(connection, GrantSql.MISSING.sql())) {
      statement.setArray(1, connection.createArrayOf("text", schemas.toArray()));
      statement.setArray(2, connection.createArrayOf("text", names.toArray()));
      statement.setArray(3, connection.createArrayOf("bool", mayBeTable.toArray()));
      statement.setArray(4, locked);
      statement.setBoolean(5, words.hasStar() || asksForAll());
      return grants(statement);
    }
  }

  private boolean asksForAll() {
    return model.table() != null && model.table().columns().isEmpty();
  }

  /**
   * The grants that an error asks for: those of the model's text, or of what the error names, if a
   * function of the model is what lacks something.
   *
   * @param message of the server
   */
  public List<Grant> missing(String message) throws SQLException {
    List<Grant> ofText = missing();
    if (!ofText.isEmpty()) {
      return ofText;
    }
    try (PreparedStatement statement = OneShot.prepare(connection, GrantSql.NAMED.sql())) {
      statement.setString(1, message);
      return grants(statement);
    }
  }

  /** What the role may do with the tables of the model besides reading. */
  public List<Excess> excess() throws SQLException {
    Array locked = locked();
    List<Excess> found = new ArrayList<>();
    if (locked == null) {
      return found;
    }
    try (PreparedStatement statement = OneShot.prepare(connection, GrantSql.WRITABLE.sql())) {
      statement.setArray(1, locked);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          Identifier table = Identifier.of(rows.getString(1), rows.getString(2));
          Identifier role = Identifier.of(rows.getString(5));
          String writes = rows.getString(4);
          if (rows.getBoolean(3)) {
            found.add(
                new Excess(
                    "the role %s owns %s, and so may do anything with it".formatted(role, table),
                    "Use a role that may only read; Source.roleSql gives the SQL"));
          } else if (!writes.isEmpty()) {
            found.add(
                new Excess(
                    "the role %s may also %s on %s".formatted(role, writes, table),
                    "revoke %s on %s from %s".formatted(writes, table, role)));
          }
        }
      }
    }
    return found;
  }

  private static List<Grant> grants(PreparedStatement statement) throws SQLException {
    List<Grant> grants = new ArrayList<>();
    try (ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        String schema = rows.getString(2);
        String name = rows.getString(3);
        String detail = rows.getString(4);
        String privilege =
            switch (rows.getString(1)) {
              case "usage" -> "usage on schema " + Identifier.of(schema);
              case "select" -> "select on " + Identifier.of(schema, name);
              case "columns" -> "select (%s) on %s".formatted(detail, Identifier.of(schema, name));
              default ->
                  "execute on function %s(%s)".formatted(Identifier.of(schema, name), detail);
            };
        grants.add(new Grant(privilege, Identifier.of(rows.getString(5)).sql()));
      }
    }
    return grants;
  }

  /**
   * The oids of the relations that the text refers to, views resolved; null if the server does not
   * get so far, or the text might be more than one statement.
   */
  private @Nullable Array locked() throws SQLException {
    if (text.indexOf(';') >= 0 || text.indexOf('\0') >= 0) {
      return null;
    }
    Savepoint savepoint = connection.setSavepoint();
    boolean prepared = false;
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      statement.execute(GrantSql.PREPARE.with("model", QueryText.single(text)).sql());
      prepared = true;
      try (ResultSet row = statement.executeQuery(GrantSql.LOCKED.sql())) {
        return row.next() ? row.getArray(1) : null;
      }
    } catch (SQLException e) {
      connection.rollback(savepoint);
      return null; // a name that is not there, or lies in a schema that the role may not use
    } finally {
      if (prepared) {
        deallocate();
      }
    }
  }

  private void deallocate() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(GrantSql.DEALLOCATE.sql());
    }
  }
}
