package io.fulmar.lightning.internal.database;

import io.fulmar.Source;
import io.fulmar.StateException;
import io.fulmar.internal.postgres.Connections;
import io.fulmar.internal.postgres.DriverFault;
import io.fulmar.internal.postgres.Lent;
import io.fulmar.internal.postgres.SourcePool;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.source.SessionSql;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlTemplate;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The database in which the engine keeps its memory, which is the source: short transactions on
 * connections of its pool. Nothing that is set outlasts its transaction, so a pooler may stand
 * between that gives each transaction another server connection. This class is threadsafe.
 */
public final class Database implements AutoCloseable {
  private static final int MOST_NAME_BYTES = 63;

  private final Source source;
  private final Duration lockTimeout;
  private final Duration idle;
  private final @Nullable Duration answer;
  private final SourcePool pool;
  private final ServerClock clock = new ServerClock();
  private volatile boolean pooled;

  /**
   * A database.
   *
   * @param source where it is; its timeouts hold here too
   * @param name shown in {@code pg_stat_activity} until a transaction names itself
   * @param idle the server ends a transaction in which nothing is asked for so long
   */
  public Database(Source source, String name, Duration idle) {
    this(source, name, idle, source.lockTimeout(), null);
  }

  /**
   * A database that is asked for little, and soon.
   *
   * @param lockTimeout how long is waited for a lock, in place of what the source says
   * @param answer how long is waited for an answer, if the source does not say less
   */
  public Database(
      Source source, String name, Duration idle, Duration lockTimeout, @Nullable Duration answer) {
    this.source = source;
    this.lockTimeout = lockTimeout;
    this.idle = idle;
    this.answer = answer == null || answer.compareTo(source.socketTimeout()) > 0 ? null : answer;
    this.pool = new SourcePool(source, name);
  }

  /** Where it is. */
  public Source source() {
    return source;
  }

  /** Its connections, for sessions that read models. */
  public Connections connections() {
    return pool;
  }

  /** The server's time, as the last transaction found it. */
  public ServerClock clock() {
    return clock;
  }

  /** The server ends a transaction in which nothing is asked for so long. */
  public Duration idle() {
    return idle;
  }

  /** A statement is over after so long, one way or the other. */
  public Duration longestAnswer() {
    Duration statement =
        source.statementTimeout().isZero() ? source.planDeadline() : source.statementTimeout();
    return statement.plus(source.socketTimeout());
  }

  /**
   * Does something in a transaction that has begun, for which the server may need longer than it
   * may be silent otherwise.
   *
   * @param awaited asks the server whether it is still at it
   */
  public <T> T atLength(Transaction transaction, Awaited awaited, Work<T> work)
      throws SQLException {
    transaction.waitFor(longestAnswer());
    Awaited.Wait wait = awaited.begin(transaction.process(), silence(), transaction::cut);
    try {
      return work.in(transaction);
    } finally {
      wait.end();
      transaction.waitAsBefore();
    }
  }

  /** What has lasted longer than this is asked for; no less than a hiccup of this process lasts. */
  public Duration silence() {
    Duration hiccup = idle.dividedBy(3);
    return source.socketTimeout().compareTo(hiccup) > 0 ? source.socketTimeout() : hiccup;
  }

  /**
   * Begins a transaction that may write.
   *
   * @param application shown in {@code pg_stat_activity}, at most 63 bytes
   * @param about the tail of messages: {@code [sync=crm run=1]}
   * @throws io.fulmar.SourceException if there is no connection
   */
  public Transaction begin(String application, String about) throws SQLException {
    return begin(DatabaseSql.BEGIN_WRITE, application, about);
  }

  /** Begins a transaction in which nothing can be written, see {@link #begin}. */
  public Transaction beginReading(String application, String about) throws SQLException {
    return begin(DatabaseSql.BEGIN_READ, application, about);
  }

  private Transaction begin(SqlTemplate first, String application, String about)
      throws SQLException {
    Lent lent = Lent.by(pool, source, about);
    Transaction transaction = new Transaction(lent, about);
    try {
      if (answer != null) {
        lent.waitFor(answer);
      }
      lent.handle().setAutoCommit(false);
      try (Statement statement = lent.handle().createStatement()) {
        statement.execute(first.sql());
        if (pooled) {
          statement.executeQuery(SessionSql.FORGET_STRANGERS.sql()).close();
        }
        int backend = settle(statement, application);
        if (!pooled && backend != lent.driver().getBackendPID()) {
          pooled = true;
          statement.executeQuery(SessionSql.FORGET_STRANGERS.sql()).close();
          backend = settle(statement, application);
        }
        transaction.process(backend);
      }
      return transaction;
    } catch (SQLException e) {
      transaction.markBroken();
      transaction.close();
      throw e;
    } catch (RuntimeException | Error e) {
      transaction.markBroken();
      transaction.close();
      SQLException nonsense = DriverFault.of(e);
      if (nonsense == null) {
        throw e;
      }
      throw nonsense;
    }
  }

  /** Gives the number of the server process. */
  private int settle(Statement statement, String application) throws SQLException {
    boolean byRole = source.statementTimeout().isZero();
    SqlTemplate template =
        (byRole ? DatabaseSql.SETTLE_BY_ROLE : DatabaseSql.SETTLE)
            .with("application", Identifier.of(shortened(application)))
            .with("lock_timeout", millis(lockTimeout))
            .with("idle_timeout", millis(idle));
    long asked = System.nanoTime();
    boolean rows =
        statement.execute(
            byRole
                ? template.sql()
                : template.with("statement_timeout", millis(source.statementTimeout())).sql());
    while (!rows) {
      rows = statement.getMoreResults();
    }
    try (ResultSet row = statement.getResultSet()) {
      row.next();
      clock.told(row.getLong(2), asked);
      return row.getInt(1);
    }
  }

  private static Identifier millis(Duration duration) {
    return Identifier.of(duration.toMillis() + "ms");
  }

  private static String shortened(String application) {
    String name = application;
    while (name.getBytes(StandardCharsets.UTF_8).length > MOST_NAME_BYTES) {
      name = name.substring(0, name.offsetByCodePoints(name.length(), -1));
    }
    return name;
  }

  /**
   * Does something in one transaction and commits it.
   *
   * @param doing what could not be done if it fails: {@code "note the end of crm"}
   * @throws StateException if the server refuses it, or does not answer
   */
  public <T> T write(String doing, String application, String about, Work<T> work) {
    try {
      return once(begin(application, about), work);
    } catch (SQLException e) {
      throw SqlStates.stateException(doing, e, about);
    }
  }

  /** As {@link #write}, where nothing is written. */
  public <T> T read(String doing, String application, String about, Work<T> work) {
    try {
      return once(beginReading(application, about), work);
    } catch (SQLException e) {
      throw SqlStates.stateException(doing, e, about);
    }
  }

  /** Does something in a transaction that has begun, commits and closes it. */
  public static <T> T once(Transaction begun, Work<T> work) throws SQLException {
    return onceReading(
        begun,
        transaction -> {
          T result = work.in(transaction);
          transaction.commit();
          return result;
        });
  }

  /**
   * Reads something in a transaction that has begun, and closes it; the connection may be broken
   * then, if the work says so.
   */
  public static <T> T onceReading(Transaction begun, Work<T> work) throws SQLException {
    try (Transaction transaction = begun) {
      try {
        return work.in(transaction);
      } catch (SQLException e) {
        transaction.failed(e);
        throw e;
      } catch (RuntimeException | Error e) {
        SQLException nonsense = DriverFault.of(e);
        if (nonsense == null) {
          throw e;
        }
        transaction.markBroken();
        throw nonsense;
      }
    }
  }

  @Override
  public void close() {
    pool.close();
  }
}
