package io.fulmar.internal.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * Borrows connections of the application's data source, and does not wait with it for ever where no
 * connection is free: some pools do, by default, for a caller who holds the last one himself.
 *
 * <p>The connection is asked for on the calling thread, since what the data source gives may depend
 * on it (a tenant, a security context). A wait that is too long is ended by an interrupt, which
 * every pool heeds. This class is threadsafe.
 */
final class Borrowing implements AutoCloseable {
  /** How long is waited for a pool that has nothing free, or tells nothing. */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  private final DataSource dataSource;
  private final Duration connectTimeout;
  private @Nullable ScheduledThreadPoolExecutor watch;

  /**
   * For one data source.
   *
   * @param dataSource gives the connections
   * @param connectTimeout how long is waited for a pool that says that it has room, and so may be
   *     connecting
   */
  Borrowing(DataSource dataSource, Duration connectTimeout) {
    this.dataSource = dataSource;
    this.connectTimeout = connectTimeout.compareTo(PATIENCE) > 0 ? connectTimeout : PATIENCE;
  }

  /**
   * Borrows a connection.
   *
   * @throws NoConnectionException if none was free
   * @throws SQLException if the data source has another reason
   */
  Connection borrow() throws SQLException {
    long began = System.nanoTime();
    Wait wait = new Wait(Thread.currentThread());
    Future<?> alarm = alarm(wait, PATIENCE);
    try {
      return connected(dataSource.getConnection());
    } catch (SQLException e) {
      throw reason(e, wait.end(), began);
    } catch (RuntimeException e) {
      if (wait.end()) {
        throw noneFree(e, began);
      }
      throw new SQLException("it failed with " + e.getClass().getName(), e);
    } finally {
      wait.end();
      alarm.cancel(false);
    }
  }

  /** A wrapper may ask its pool only when something is asked of the connection, so here. */
  private static Connection connected(@Nullable Connection connection) throws SQLException {
    if (connection == null) {
      throw new SQLException("it gave no connection");
    }
    try {
      if (connection.isWrapperFor(PGConnection.class)) {
        return connection;
      }
    } catch (SQLException | RuntimeException e) {
      try {
        connection.close();
      } catch (SQLException late) {
        e.addSuppressed(late);
      }
      throw e;
    }
    return connection;
  }

  private SQLException reason(SQLException thrown, boolean givenUp, long began) {
    // A pool says that it timed out; where it could not connect, why is in a cause.
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException why && SqlStates.codeOrNull(why) != null) {
        return givenUp ? noneFree(thrown, began) : why;
      }
    }
    return noneFree(thrown, began);
  }

  private SQLException noneFree(Exception cause, long began) {
    Duration waited = Duration.ofNanos(System.nanoTime() - began);
    return NoConnectionException.ofApplication(waited, PoolSize.of(dataSource).orElse(null), cause);
  }

  private synchronized Future<?> alarm(Wait wait, Duration in) {
    ScheduledThreadPoolExecutor open = watch;
    if (open == null) {
      open =
          new ScheduledThreadPoolExecutor(
              1,
              task -> {
                Thread thread = new Thread(task, "fulmar-borrowing");
                thread.setDaemon(true);
                return thread;
              });
      open.setRemoveOnCancelPolicy(true);
      open.setKeepAliveTime(1, TimeUnit.SECONDS);
      open.allowCoreThreadTimeOut(true);
      watch = open;
    }
    return open.schedule(() -> tooLong(wait), in.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** A pool with room may be connecting to a server that is slow to answer; any other is left. */
  private void tooLong(Wait wait) {
    boolean hasRoom = PoolSize.of(dataSource).map(size -> !size.isExhausted()).orElse(false);
    Duration more = connectTimeout.minus(PATIENCE);
    if (hasRoom && !wait.extended && !more.isZero()) {
      wait.extended = true;
      alarm(wait, more);
    } else {
      wait.interrupt();
    }
  }

  @Override
  public synchronized void close() {
    if (watch != null) {
      watch.shutdownNow();
    }
  }

  /** One thread that waits for a connection. */
  private static final class Wait {
    private final Thread thread;
    private volatile boolean extended;
    private boolean over;
    private boolean interrupted;

    Wait(Thread thread) {
      this.thread = thread;
    }

    synchronized void interrupt() {
      if (!over) {
        interrupted = true;
        thread.interrupt();
      }
    }

    /** From here on the thread is not interrupted; true if it was. */
    synchronized boolean end() {
      if (!over && interrupted) {
        // Meant for the wait alone.
        Thread.interrupted();
      }
      over = true;
      return interrupted;
    }
  }
}
