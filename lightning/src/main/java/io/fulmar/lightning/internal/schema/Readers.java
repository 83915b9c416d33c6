package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Who may read a table or view of a sync besides its owner, such as a dashboard: kept when another
 * one takes its place. Nothing but SELECT on the whole of it is. Immutable.
 */
public final class Readers {
  private static final SqlFragment EVERYBODY = SqlFragment.of("public");

  private final List<Reader> readers;

  private Readers(List<Reader> readers) {
    this.readers = List.copyOf(readers);
  }

  /** One of them, and whether it may let others read. */
  private record Reader(SqlPart role, boolean passesOn) {}

  /**
   * Those of a table or view; none if it is not there.
   *
   * @param of which one
   */
  public static Readers of(Connection connection, Identifier of) throws SQLException {
    List<Reader> readers = new ArrayList<>();
    try (PreparedStatement statement = OneShot.prepare(connection, ViewSql.READERS.sql())) {
      statement.setString(1, of.sql());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          String role = row.getString(1);
          readers.add(
              new Reader(role == null ? EVERYBODY : Identifier.told(role), row.getBoolean(2)));
        }
      }
    }
    return new Readers(readers);
  }

  /**
   * Lets them read what has taken its place.
   *
   * @param instead which one
   */
  public void mayRead(Connection connection, Identifier instead) throws SQLException {
    for (Reader reader : readers) {
      String sql =
          (reader.passesOn() ? ViewSql.LET_PASS_ON : ViewSql.LET_READ)
              .with("of", instead)
              .with("role", reader.role())
              .sql();
      try (PreparedStatement statement = OneShot.prepare(connection, sql)) {
        statement.execute();
      }
    }
  }
}
