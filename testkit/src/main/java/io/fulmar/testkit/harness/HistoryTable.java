package io.fulmar.testkit.harness;

import io.fulmar.Model;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import javax.sql.DataSource;

/**
 * A ready-made source for a {@link HistorySubject}: the table {@code public.fulmar_history} with a
 * key {@code k} and a content {@code v}, both of type text. This class is threadsafe.
 */
public final class HistoryTable {
  private static final String DROP = "drop table if exists public.fulmar_history";
  private static final String CREATE = "create table public.fulmar_history (k text, v text)";
  private static final String ADD_KEY = "alter table public.fulmar_history add primary key (k)";
  private static final String EMPTY = "delete from public.fulmar_history";
  private static final String INSERT = "insert into public.fulmar_history (k, v) values (?, ?)";
  private static final String REMOVE =
      "delete from public.fulmar_history where k <> all (cast(? as text[]))";
  private static final String UPSERT =
      """
      insert into public.fulmar_history as h (k, v) values (?, ?)
      on conflict (k) do update set v = excluded.v where h.v is distinct from excluded.v""";

  private final DataSource database;
  private final boolean unique;

  private HistoryTable(DataSource database, boolean unique) {
    this.database = database;
    this.unique = unique;
  }

  /**
   * Makes the table, in place of one that is there, without a unique key, so that it can hold rows
   * whose key is NULL or ambiguous.
   *
   * @param database where; {@link io.fulmar.testkit.TestDatabase#dataSource()}, say
   * @throws SQLException if it cannot be made
   */
  public static HistoryTable in(DataSource database) throws SQLException {
    return made(database, false);
  }

  /**
   * Makes the table, in place of one that is there, with a primary key, so that Lightning may look
   * at changed rows alone.
   *
   * @param database where
   * @throws SQLException if it cannot be made
   */
  public static HistoryTable withPrimaryKeyIn(DataSource database) throws SQLException {
    return made(database, true);
  }

  private static HistoryTable made(DataSource database, boolean unique) throws SQLException {
    Objects.requireNonNull(database, "database");
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(DROP);
      statement.execute(CREATE);
      if (unique) {
        statement.execute(ADD_KEY);
      }
    }
    return new HistoryTable(database, unique);
  }

  /**
   * Its rows; the key is {@code k}, and {@code v} the only other column.
   *
   * @return a table model if it has a primary key, else a query
   */
  public Model model() {
    return unique
        ? Model.table("history", "public", "fulmar_history").key("k")
        : Model.query("history", "select k, v from public.fulmar_history").key("k");
  }

  /**
   * Whether it can hold rows without a key, and several with the same.
   *
   * @return false with a primary key
   */
  public boolean takesInvalidKeys() {
    return !unique;
  }

  /**
   * Replaces all rows in one transaction; with a primary key, rows that stay are not written.
   *
   * @param rows what it holds from now on
   * @throws SQLException if that fails; then nothing has changed
   */
  public void replace(List<HistoryRow> rows) throws SQLException {
    Objects.requireNonNull(rows, "rows");
    try (Connection connection = database.getConnection()) {
      connection.setAutoCommit(false);
      if (unique) {
        try (PreparedStatement remove = connection.prepareStatement(REMOVE)) {
          Object[] keys = rows.stream().map(HistoryRow::key).toArray();
          remove.setArray(1, connection.createArrayOf("text", keys));
          remove.executeUpdate();
        }
      } else {
        try (Statement statement = connection.createStatement()) {
          statement.execute(EMPTY);
        }
      }
      try (PreparedStatement write = connection.prepareStatement(unique ? UPSERT : INSERT)) {
        for (HistoryRow row : rows) {
          write.setString(1, row.key());
          write.setString(2, row.content());
          write.addBatch();
        }
        write.executeBatch();
      }
      connection.commit();
    }
  }
}
