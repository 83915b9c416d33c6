package io.fulmar.internal.check;

import io.fulmar.Source;
import io.fulmar.internal.postgres.Connector;
import io.fulmar.internal.run.RunnerSettings;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Connections of a check, each of which can be given up while it is being made. They are made
 * beside the engine's pool, so that no run waits for a check; those of an application's data source
 * come from there. This class is threadsafe.
 */
final class Access implements AutoCloseable {
  private final RunnerSettings settings;
  private final Connector connector;

  Access(Source source, RunnerSettings settings) {
    this.settings = settings;
    this.connector = new Connector(source, "fulmar check");
  }

  /**
   * A connection; the caller closes it.
   *
   * @param limit then it is given up
   * @throws SQLTimeoutException if there is none within the limit
   * @throws SQLException if there is none
   */
  Connection connect(Duration limit) throws SQLException, InterruptedException {
    CompletableFuture<Connection> result = new CompletableFuture<>();
    AtomicReference<@Nullable Thread> worker = new AtomicReference<>();
    settings.start(
        "fulmar-check-connect",
        () -> {
          worker.set(Thread.currentThread());
          connect(result);
          worker.set(null);
        },
        escaped ->
            result.completeExceptionally(
                escaped == null ? new IllegalStateException("nobody connected") : escaped));
    try {
      return result.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new SQLTimeoutException("no connection within " + limit.toMillis() + " ms", "08001");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SQLException failed) {
        throw failed;
      }
      throw new IllegalStateException("a connection could not be asked for", e.getCause());
    } finally {
      Thread late = result.cancel(false) ? worker.get() : null;
      if (late != null) {
        late.interrupt();
      }
    }
  }

  /** A connection, in the time that the source gives it; the caller closes it. */
  Connection another() throws SQLException {
    return connector.connect();
  }

  /** This machine's end of the newest connection, as address and port; null if nobody knows. */
  @Nullable String local() {
    return connector.local() instanceof InetSocketAddress inet && inet.getAddress() != null
        ? ServerFacts.place(inet.getAddress().getHostAddress(), inet.getPort())
        : null;
  }

  private void connect(CompletableFuture<Connection> result) {
    try {
      Connection connection = connector.connect();
      if (!result.complete(connection)) {
        connection.close(); // nobody waits for it any more
      }
    } catch (SQLException e) {
      result.completeExceptionally(e);
    }
  }

  @Override
  public void close() {
    connector.close();
  }
}
