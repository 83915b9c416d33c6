package io.fulmar.internal.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fulmar.Source;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLTransientConnectionException;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The connections of an engine: a pool that is made at first use, or the application's data source
 * as it is. This class is threadsafe; closing it closes its own pool and nothing of the
 * application's.
 */
public final class SourcePool implements Connections, AutoCloseable {
  private final Source source;
  private final Connector connector;
  private @Nullable HikariDataSource pool;
  private boolean closed;

  /**
   * A pool for a source.
   *
   * @param source what to connect to
   * @param name shown in {@code pg_stat_activity} and in the names of the pool's threads
   */
  public SourcePool(Source source, String name) {
    this.source = source;
    this.connector = new Connector(source, name);
  }

  @Override
  public Connection connect() throws SQLException {
    if (source.dataSource() != null) {
      return connector.connect();
    }
    try {
      return pool().getConnection();
    } catch (SQLTransientConnectionException e) {
      // The pool says how long it waited; why it got no connection is what helps.
      if (e.getCause() instanceof SQLException reason) {
        throw reason;
      }
      throw NoConnectionException.ofEngine(source.poolSize(), e);
    }
  }

  private synchronized HikariDataSource pool() {
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
    HikariDataSource open = pool;
    if (open == null) {
      HikariConfig config = new HikariConfig();
      config.setDataSource(new OfConnector());
      config.setPoolName("fulmar-source");
      config.setMaximumPoolSize(source.poolSize());
      config.setMinimumIdle(0);
      config.setIdleTimeout(60_000);
      config.setConnectionTimeout(Math.max(250, source.connectTimeout().toMillis()));
      config.setInitializationFailTimeout(-1);
      open = new HikariDataSource(config);
      pool = open;
    }
    return open;
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (pool != null) {
      pool.close();
    }
    connector.close();
  }

  /** Hands the connector to the pool, which wants a data source. */
  private final class OfConnector implements DataSource {
    @Override
    public Connection getConnection() throws SQLException {
      return connector.connect();
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
      throw new SQLFeatureNotSupportedException("the source names the user");
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
      return null;
    }

    @Override
    public void setLogWriter(PrintWriter out) {
      // nothing is written
    }

    @Override
    public void setLoginTimeout(int seconds) {
      // the source names the timeout
    }

    @Override
    public int getLoginTimeout() {
      return (int) Math.max(1, source.connectTimeout().toSeconds());
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
      throw new SQLFeatureNotSupportedException("java.util.logging is not used");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
      throw new SQLException("nothing is wrapped");
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
      return false;
    }
  }
}
