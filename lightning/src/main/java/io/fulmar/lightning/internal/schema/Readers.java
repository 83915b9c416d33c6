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
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Who may read a table or view of a sync besides its owner, such as a dashboard: kept when another
 * one takes its place. Nothing but SELECT is, on the whole of it or on some of its columns.
 * Immutable.
 */
public final class Readers {
  private static final SqlFragment EVERYBODY = SqlFragment.of("public");

  private final List<Reader> readers;

  private Readers(List<Reader> readers) {
    this.readers = List.copyOf(readers);
  }

  /** One of them, which column it may read, null for all, and whether it may let others read. */
  private record Reader(SqlPart role, @Nullable String column, boolean passesOn) {}

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
              new Reader(
                  role == null ? EVERYBODY : Identifier.told(role),
                  row.getString(2),
                  row.getBoolean(3)));
        }
      }
    }
    return new Readers(readers);
  }

  /**
   * Lets them read what has taken its place. Who may read a column may read the one of that name,
   * if there is one.
   *
   * @param instead which one
   */
  public void mayRead(Connection connection, Identifier instead) throws SQLException {
    for (Reader reader : readers) {
      String column = reader.column();
      if (column == null || hasColumn(connection, instead, column)) {
        let(connection, reader, instead);
      }
    }
  }

  /**
   * Without those who may read only columns that will mean something else.
   *
   * @param same whether the column of a name will mean the same
   */
  public Readers where(Predicate<String> same) {
    return new Readers(
        readers.stream()
            .filter(reader -> reader.column() == null || same.test(reader.column()))
            .toList());
  }

  private static void let(Connection connection, Reader reader, Identifier of) throws SQLException {
    String column = reader.column();
    String sql =
        (reader.passesOn() ? ViewSql.LET_PASS_ON : ViewSql.LET_READ)
            .with(
                "select",
                column == null
                    ? ViewSql.SELECT
                    : ViewSql.SELECT_COLUMN.with("column", Identifier.told(column)))
            .with("of", of)
            .with("role", reader.role())
            .sql();
    try (PreparedStatement statement = OneShot.prepare(connection, sql)) {
      statement.execute();
    }
  }

  private static boolean hasColumn(Connection connection, Identifier of, String column)
      throws SQLException {
    try (PreparedStatement statement = OneShot.prepare(connection, ViewSql.HAS_COLUMN.sql())) {
      statement.setString(1, of.sql());
      statement.setString(2, column);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getBoolean(1);
      }
    }
  }
}
