package io.fulmar.internal.postgres;

import io.fulmar.ConfigurationException;
import io.fulmar.Source;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that is lent by a pool, the engine's own or the application's: it goes back as it
 * came, or is cut so that nobody else gets it. Used by one thread.
 */
public final class Lent {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final Connection handle;
  private final boolean autoCommit;
  private final boolean ours;
  private final AnswerTimeout answers;

  private Lent(Connection handle, boolean autoCommit, boolean ours) {
    this.handle = handle;
    this.autoCommit = autoCommit;
    this.ours = ours;
    this.answers = new AnswerTimeout(handle);
  }

  /**
   * Borrows a connection.
   *
   * @param connections gives it
   * @param source which the messages name
   * @param about the tail of error messages: {@code [sync=crm run=1]}
   * @throws io.fulmar.SourceException if there is none
   * @throws ConfigurationException if it is not one of pgjdbc
   */
  public static Lent by(Connections connections, Source source, String about) {
    Connection handle;
    try {
      handle = connections.connect();
    } catch (SQLException e) {
      throw ConnectFailure.of(e).exception("connect to " + place(source), about);
    }
    try {
      if (!handle.isWrapperFor(PGConnection.class)) {
        close(handle, null);
        throw new ConfigurationException(
            "Cannot use %s: its connections are not those of pgjdbc. Give one whose connections are, or unwrap to them. %s"
                .formatted(place(source), about));
      }
      return new Lent(handle, handle.getAutoCommit(), source.dataSource() == null);
    } catch (SQLException e) {
      close(handle, e);
      throw SqlStates.sourceException("use a connection to " + place(source), e, about);
    }
  }

  /** What messages call a source. */
  public static String place(Source source) {
    return source.dataSource() != null
        ? "the application's data source"
        : String.join(",", source.hosts()) + "/" + source.database();
  }

  /** The pool's handle: settings are made on it alone. */
  public Connection handle() {
    return handle;
  }

  /** The driver's own connection, for COPY and cancelling alone. */
  public PGConnection driver() throws SQLException {
    return handle.unwrap(PGConnection.class);
  }

  /** Whether the pool is the engine's. */
  public boolean isOurs() {
    return ours;
  }

  /**
   * How long the driver waits for an answer, until the connection is given back. A pool whose
   * connections have no such setting is left alone.
   *
   * @param longest at most 24 days
   */
  public void waitFor(Duration longest) throws SQLException {
    answers.set(longest);
  }

  /** Takes {@link #waitFor} back; a connection that is cut has nothing to take back. */
  public void waitAsBefore() {
    try {
      answers.restore();
    } catch (SQLException e) {
      LOG.debug("a connection is gone already: {}", SqlStates.code(e));
    }
  }

  /** Puts back what was set, outside of any transaction. */
  public void restore() throws SQLException {
    answers.restore();
    handle.setAutoCommit(autoCommit);
  }

  /** Cuts the connection. Our own pool hears of an abort; of those of applications, not all do. */
  public void evict() throws SQLException {
    if (ours) {
      handle.abort(Runnable::run);
    } else {
      Eviction.evict(handle);
    }
  }

  /** As {@link #evict}, after something else went wrong. */
  public void evict(SQLException cause) {
    try {
      evict();
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  /** Gives the connection back, cut or not. */
  public void giveBack() {
    close(handle, null);
  }

  private static void close(Connection connection, @Nullable SQLException cause) {
    try {
      connection.close();
    } catch (SQLException e) {
      if (cause != null) {
        cause.addSuppressed(e);
      }
    }
  }
}
