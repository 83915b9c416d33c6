package io.fulmar.lightning.internal.database;

import io.fulmar.internal.postgres.Eviction;
import io.fulmar.internal.postgres.Lent;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.postgres.SqlStates;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyOut;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One transaction, READ COMMITTED, in which the search path is {@code pg_catalog, pg_temp}. What is
 * set in it ends with it; the connection goes back as it came, or is cut if something went wrong in
 * it. Used by one thread.
 */
public final class Transaction implements AutoCloseable {
  /**
   * Makes something of a row.
   *
   * @param <T> what
   */
  @FunctionalInterface
  public interface Reader<T> {
    /** Reads the row on which the result stands. */
    T read(ResultSet row) throws SQLException;
  }

  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final Lent lent;
  private final String about;
  private volatile int process;
  private boolean committed;
  private volatile boolean broken;

  Transaction(Lent lent, String about) {
    this.lent = lent;
    this.about = about;
  }

  /** The number of the server process that it is in. */
  int process() {
    return process;
  }

  void process(int number) {
    process = number;
  }

  /**
   * How long the driver waits for an answer from here on, in place of what the source says.
   *
   * @param longest at most 24 days
   */
  void waitFor(Duration longest) throws SQLException {
    lent.waitFor(longest);
  }

  /** Takes {@link #waitFor} back. */
  void waitAsBefore() {
    lent.waitAsBefore();
  }

  /**
   * Cuts the connection: whatever waits for an answer fails. May be called by any thread, until the
   * transaction is closed.
   */
  void cut() {
    broken = true;
    try {
      Eviction.cut(lent.handle());
    } catch (SQLException e) {
      LOG.debug("a connection cannot be cut: {}", SqlStates.code(e));
    }
  }

  /**
   * Ends the statement that is running; nobody else gets the connection, since that may come late.
   * May be called by any thread, until the transaction is closed.
   */
  public void cancel() {
    broken = true;
    try {
      lent.driver().cancelQuery();
    } catch (SQLException e) {
      LOG.debug("a statement cannot be cancelled: {}", SqlStates.code(e));
      cut();
    }
  }

  /** The tail of messages: {@code [sync=crm run=1]}. */
  public String about() {
    return about;
  }

  /** The pool's handle. */
  public Connection connection() {
    return lent.handle();
  }

  /** A statement that leaves nothing in the server; the caller closes it. */
  public PreparedStatement prepare(String sql) throws SQLException {
    return OneShot.prepare(lent.handle(), sql);
  }

  /**
   * Runs a statement that gives no rows, or whose rows do not matter.
   *
   * @param sql with {@code ?} for values
   * @param values bound as what JDBC takes them for; null is NULL
   * @return how many rows it wrote; 0 if it is none that writes
   */
  public long update(String sql, @Nullable Object... values) throws SQLException {
    try (PreparedStatement statement = prepare(sql)) {
      bind(statement, values);
      statement.execute();
      return Math.max(0, statement.getLargeUpdateCount());
    }
  }

  /** Runs statements without values, one or several with semicolons between. */
  public void execute(String sql) throws SQLException {
    try (Statement statement = lent.handle().createStatement()) {
      statement.execute(sql);
    }
  }

  /**
   * Runs a query.
   *
   * @param sql with {@code ?} for values
   * @param reader makes something of each row
   * @param values bound as what JDBC takes them for; null is NULL
   */
  public <T> List<T> list(String sql, Reader<T> reader, @Nullable Object... values)
      throws SQLException {
    try (PreparedStatement statement = prepare(sql)) {
      bind(statement, values);
      try (ResultSet rows = statement.executeQuery()) {
        List<T> list = new ArrayList<>();
        while (rows.next()) {
          list.add(reader.read(rows));
        }
        return list;
      }
    }
  }

  /** As {@link #list}, of a query that gives one row or none. */
  public <T> Optional<T> first(String sql, Reader<T> reader, @Nullable Object... values)
      throws SQLException {
    return list(sql, reader, values).stream().findFirst();
  }

  /** As {@link #list}, of a query that gives one row with one number. */
  public long number(String sql, @Nullable Object... values) throws SQLException {
    return list(sql, row -> row.getLong(1), values).get(0);
  }

  private static void bind(PreparedStatement statement, @Nullable Object... values)
      throws SQLException {
    for (int i = 0; i < values.length; i++) {
      statement.setObject(i + 1, values[i]);
    }
  }

  /**
   * Makes texts such as the database can keep: a destination may say what its encoding has no
   * characters for.
   */
  public UnaryOperator<String> storable() throws SQLException {
    String encoding = lent.driver().getParameterStatus("server_encoding");
    String unknown = "UTF8".equals(encoding) ? "[\0]" : "[^\\x01-\\x7f]";
    return text -> text.replaceAll(unknown, "?");
  }

  /** Begins to read by COPY; nothing else is asked until it has ended. */
  public CopyOut copyOut(String sql) throws SQLException {
    return lent.driver().getCopyAPI().copyOut(sql);
  }

  /** Begins to write by COPY; nothing else is asked until it has ended. */
  public CopyIn copyIn(String sql) throws SQLException {
    return lent.driver().getCopyAPI().copyIn(sql);
  }

  /** The connection is in a state that nobody else should get. */
  public void markBroken() {
    broken = true;
  }

  /** Whether the error leaves nothing that could be asked again on this connection. */
  void failed(SQLException e) {
    broken |= SqlStates.serverMessage(e) == null;
  }

  /** Makes everything durable. If there is no answer, it may have come about or not. */
  public void commit() throws SQLException {
    try {
      lent.handle().commit();
      committed = true;
    } catch (SQLException e) {
      failed(e);
      throw e;
    }
  }

  /** Takes back what has not been committed, and gives the connection back. */
  @Override
  public void close() {
    try {
      if (broken) {
        lent.evict();
        return;
      }
      if (!committed) {
        lent.handle().rollback();
      }
      lent.restore();
    } catch (SQLException e) {
      lent.evict(e);
    } finally {
      lent.giveBack();
    }
  }
}
