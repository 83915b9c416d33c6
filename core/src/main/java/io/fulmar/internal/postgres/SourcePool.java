package io.fulmar.internal.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fulmar.Source;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The connections of an engine: a pool that is made at first use, or the application's data source
 * as it is. This class is threadsafe; closing it closes its own pool and nothing of the
 * application's.
 */
public final class SourcePool implements Connections, AutoCloseable {
  /** How often it is looked whether there is a connection, or will be none. */
  private static final Duration LOOK = Duration.ofMillis(250);

  /** A server that takes no connection is asked no more often, and locks out nobody for it. */
  private static final Duration ATTEMPTS_APART = Duration.ofSeconds(1);

  /** What an attempt that takes all of its time needs to say why. */
  private static final Duration LONGER = Duration.ofSeconds(2);

  /** An attempt that came to nothing. */
  private record Failed(SQLException why, long atNanos) {}

  private final Source source;
  private final Connector connector;
  private volatile @Nullable HikariDataSource pool;
  private final CountDownLatch ending = new CountDownLatch(1);
  private volatile @Nullable Failed lastFailed;

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
    HikariDataSource open = pool();
    long began = System.nanoTime();
    boolean pooledOnesDied = false;
    while (true) {
      SQLException none;
      try {
        Connection connection = open.getConnection();
        if (isAlive(connection)) {
          return connection;
        }
        none = new SQLException("a connection did not answer", "08006");
        // The pool does not look at what was used in the last half second; what else lies in it has
        // likely died, too.
        open.evictConnection(connection);
        open.getHikariPoolMXBean().softEvictConnections();
        if (pooledOnesDied) {
          lastFailed = new Failed(none, System.nanoTime());
        }
        pooledOnesDied = true;
      } catch (SQLTransientConnectionException e) {
        none =
            NoConnectionException.ofEngine(
                open.getHikariPoolMXBean().getActiveConnections(),
                source.poolSize(),
                Duration.ofNanos(System.nanoTime() - began),
                e);
      } catch (SQLException e) {
        checkOpen();
        throw e;
      } catch (RuntimeException | Error e) {
        SQLException nonsense = DriverFault.of(e);
        if (nonsense == null) {
          throw e;
        }
        throw nonsense;
      }
      giveUp(began, none);
    }
  }

  /** Goes on if another look may find a connection; the pool says how long it waited, not why. */
  private void giveUp(long began, SQLException none) throws SQLException {
    checkOpen();
    Failed last = lastFailed;
    if (last != null && began - last.atNanos() >= ATTEMPTS_APART.toNanos()) {
      last = null;
    }
    // What was refused before this began may be mended, so it takes an attempt to say so again.
    if (last != null
        && last.atNanos() - began > 0
        && ConnectFailure.of(last.why()).kind().isPermanent()) {
      throw last.why();
    }
    Duration waited = Duration.ofNanos(System.nanoTime() - began);
    Duration more = last != null ? ATTEMPTS_APART : LONGER;
    if (waited.compareTo(source.connectTimeout().plus(more)) >= 0) {
      throw last != null ? last.why() : none;
    }
  }

  private boolean isAlive(Connection connection) throws SQLException {
    try {
      return connection.isValid((int) Math.max(1, aliveWithin().toSeconds()));
    } catch (RuntimeException | Error e) {
      if (DriverFault.of(e) == null) {
        throw e;
      }
      return false;
    }
  }

  private void checkOpen() {
    if (ending.getCount() == 0) {
      throw new IllegalStateException("the engine is closed");
    }
  }

  private synchronized HikariDataSource pool() {
    checkOpen();
    HikariDataSource open = pool;
    if (open == null) {
      HikariConfig config = new HikariConfig();
      config.setDataSource(new OfConnector());
      config.setPoolName("fulmar-source");
      config.setMaximumPoolSize(source.poolSize());
      config.setMinimumIdle(0);
      config.setIdleTimeout(60_000);
      config.setConnectionTimeout(LOOK.toMillis());
      config.setValidationTimeout(aliveWithin().toMillis());
      // Asked for by name: if the question which one is the default is cut off, the pool would set
      // none at all on each connection from then on, which fails.
      config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
      config.setInitializationFailTimeout(-1);
      open = new HikariDataSource(config);
      pool = open;
    }
    return open;
  }

  /** If all connections of the pool have died in silence, there is time left to make a new one. */
  private Duration aliveWithin() {
    long millis = source.connectTimeout().toMillis() / (source.poolSize() + 1L);
    return Duration.ofMillis(Math.max(250, Math.min(5_000, millis)));
  }

  @Override
  public synchronized void close() {
    ending.countDown();
    if (pool != null) {
      pool.close();
    }
    connector.close();
  }

  /** On a thread of the pool, which would ask again at once. */
  private void awaitNextAttempt(Failed last) throws SQLException {
    try {
      long left = last.atNanos() + ATTEMPTS_APART.toNanos() - System.nanoTime();
      boolean over = ending.await(left, TimeUnit.NANOSECONDS);
      HikariDataSource open = pool;
      if (over || open == null || open.getHikariPoolMXBean().getThreadsAwaitingConnection() == 0) {
        throw last.why();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw last.why();
    }
  }

  /** Hands the connector to the pool, which wants a data source. */
  private final class OfConnector implements DataSource {
    @Override
    public Connection getConnection() throws SQLException {
      Failed last = lastFailed;
      if (last != null) {
        awaitNextAttempt(last);
      }
      try {
        return connector.connect();
      } catch (SQLException e) {
        lastFailed = new Failed(e, System.nanoTime());
        throw e;
      }
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
