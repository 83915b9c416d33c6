package io.fulmar.internal.source;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.internal.postgres.Connections;
import io.fulmar.internal.postgres.DriverFault;
import io.fulmar.internal.postgres.Lent;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.postgres.StatementTimeout;
import io.fulmar.internal.postgres.Trouble;
import io.fulmar.internal.sql.Identifier;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.util.ServerErrorMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One transaction on one snapshot, read-only unless asked for otherwise. Settings are made on the
 * handle that the pool gave and end with the transaction. Used by one thread; the connection goes
 * back as it came, or is cut if something went wrong in it.
 */
public final class SourceSession implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");
  private static final int NEWEST_NOT_SUPPORTED = 140_000;
  private static final long HEEDS_WITHIN_SECONDS = 2;

  private final Lent lent;
  private final Connection handle;
  private final Source source;
  private final String application;
  private final String about;
  private final Access access;
  private final Cancellation cancellation;
  private final CountDownLatch over = new CountDownLatch(1);
  private @Nullable StatementTimeout timeout;
  private @Nullable Held before;
  private boolean pooled;
  private boolean failed;
  private boolean committed;
  private @Nullable Model model;
  private volatile boolean broken;
  private boolean closed;

  private SourceSession(
      Lent lent,
      Source source,
      String application,
      String about,
      Access access,
      Cancellation cancellation) {
    this.lent = lent;
    this.handle = lent.handle();
    this.source = source;
    this.application = application;
    this.about = about;
    this.access = access;
    this.cancellation = cancellation;
  }

  /**
   * Takes a connection and begins a transaction that writes nothing; the snapshot is taken by the
   * first query.
   *
   * @param connections gives the connection
   * @param source timeouts
   * @param application shown in {@code pg_stat_activity}, at most 63 bytes
   * @param about the tail of error messages: {@code [sync=crm run=1]}
   * @param cancellation ends what the session is doing
   */
  public static SourceSession open(
      Connections connections,
      Source source,
      String application,
      String about,
      Cancellation cancellation) {
    return open(connections, source, application, about, cancellation, Access.READ);
  }

  /**
   * Takes a connection and begins the transaction.
   *
   * @param connections gives the connection
   * @param source timeouts
   * @param application shown in {@code pg_stat_activity}, at most 63 bytes
   * @param about the tail of error messages: {@code [sync=crm run=1]}
   * @param cancellation ends what the session is doing
   * @param access what may be done in it
   */
  public static SourceSession open(
      Connections connections,
      Source source,
      String application,
      String about,
      Cancellation cancellation,
      Access access) {
    Lent lent = Lent.by(connections, source, about);
    SourceSession session =
        new SourceSession(lent, source, application, about, access, cancellation);
    try {
      cancellation.begin(session);
      session.begin();
      return session;
    } catch (SQLException e) {
      session.broken = true;
      session.close();
      if (SqlStates.isOfPooler(e) && connections.isPooledByStatement()) {
        throw new ConfigurationException(
            "Cannot read the source: a pooler before %s pools by statement, so there are no transactions. Set its pool_mode to transaction or session. %s"
                .formatted(Lent.place(source), about));
      }
      throw SqlStates.sourceException(
          "begin a transaction in " + Lent.place(source), e, about, session.timeout);
    } catch (RuntimeException | Error e) {
      session.broken = true;
      session.close();
      SQLException nonsense = DriverFault.of(e);
      if (nonsense == null) {
        throw e;
      }
      throw SqlStates.sourceException(
          "begin a transaction in " + Lent.place(source), nonsense, about);
    }
  }

  /**
   * Asks the server something. What the driver throws at an answer that makes no sense is an error
   * of the source, and the connection is not used again.
   *
   * @param doing what could not be done then: {@code "describe the model customers"}
   * @param work what is asked
   */
  public <T> T ask(String doing, Supplier<T> work) {
    try {
      return work.get();
    } catch (RuntimeException | Error e) {
      SQLException nonsense = DriverFault.of(e);
      if (nonsense == null) {
        throw e;
      }
      throw failed(doing, nonsense);
    }
  }

  private void begin() throws SQLException {
    handle.setAutoCommit(false);
    Held held = Held.atBeginning(handle, access, lockTimeout());
    before = held;
    pooled = held.backend() != driver().getBackendPID();
    if (pooled) {
      try (Statement statement = handle.createStatement()) {
        statement.executeQuery(SessionSql.FORGET_STRANGERS.sql()).close();
      }
    }
    set();
  }

  private void set() throws SQLException {
    timeout = timeout(source.statementTimeout());
    try (PreparedStatement settings = prepare(SourceSql.SETTINGS.sql())) {
      settings.setString(1, application);
      settings.setString(
          2, source.statementTimeout().isZero() ? null : millis(source.statementTimeout()));
      settings.setString(3, lockTimeout());
      settings.setString(4, millis(access.idle()));
      settings.setString(5, searchPath(source.searchPath()));
      settings.executeQuery().close();
    }
  }

  private String lockTimeout() {
    return millis(source.lockTimeout());
  }

  /** A statement that takes values; the caller closes it. */
  public PreparedStatement prepare(String sql) throws SQLException {
    return OneShot.prepare(handle, sql);
  }

  /** Temporary tables last, so that none takes the place of a table; null for the role's own. */
  private static @Nullable String searchPath(List<String> schemas) {
    return schemas.isEmpty()
        ? null
        : schemas.stream()
            .map(schema -> Identifier.of(schema).sql())
            .collect(Collectors.joining(", ", "", ", pg_temp"));
  }

  private StatementTimeout timeout(Duration ours) throws SQLException {
    if (!ours.isZero()) {
      return StatementTimeout.ours(ours);
    }
    try (PreparedStatement statement = prepare(SourceSql.TIMEOUT.sql());
        ResultSet result = statement.executeQuery()) {
      result.next();
      return new StatementTimeout(
          result.getString(1), result.getString(2), result.getString(3), result.getString(4));
    }
  }

  private static String millis(Duration duration) {
    return duration.toMillis() + "ms";
  }

  /** Which server this is; refuses what Fulmar does not read. */
  public ServerIdentity server() {
    try (PreparedStatement statement = prepare(SourceSql.SERVER.sql());
        ResultSet result = statement.executeQuery()) {
      result.next();
      if (!"UTF8".equals(result.getString(6))) {
        throw new ConfigurationException(
            "Cannot read the source: client_encoding is %s. Leave it as the driver sets it, UTF8. %s"
                .formatted(result.getString(6), about));
      }
      if (result.getInt(7) < NEWEST_NOT_SUPPORTED) {
        throw new ConfigurationException(
            "Cannot read the source: it is PostgreSQL %s. Use 14 or later. %s"
                .formatted(result.getInt(7) / 10_000, about));
      }
      return new ServerIdentity(
          result.getObject(1, OffsetDateTime.class).toInstant().truncatedTo(ChronoUnit.MICROS),
          result.getString(2),
          result.getLong(3),
          result.getInt(5),
          result.getLong(4));
    } catch (SQLException e) {
      throw failed("ask the server who it is", e);
    }
  }

  /** What a session is asked. */
  @FunctionalInterface
  public interface Asked<T> {
    /** Asks. */
    T ask() throws SQLException;
  }

  /**
   * Asks something that may take only so long. The transaction goes on with the same snapshot,
   * whether there is an answer or not, and what was set for it is as before.
   *
   * @param limit 1 ms at least; no longer than a statement may take anyway
   * @param doing what could not be done if it fails for another reason
   * @param asked what is asked; it writes nothing
   * @return null if it took longer
   */
  public <T> @Nullable T within(Duration limit, String doing, Asked<T> asked) {
    Duration most = source.statementTimeout();
    boolean ours = most.isZero() || limit.compareTo(most) < 0;
    try {
      Savepoint before = handle.setSavepoint();
      @Nullable T answer;
      try {
        if (ours) {
          limit(limit);
        }
        answer = asked.ask();
      } catch (SQLException e) {
        if (!ours || broken || SqlStates.trouble(e) != Trouble.STATEMENT_ENDED) {
          throw e;
        }
        answer = null;
      }
      handle.rollback(before);
      handle.releaseSavepoint(before);
      return answer;
    } catch (SQLException e) {
      throw failed(doing, e);
    }
  }

  private void limit(Duration longest) throws SQLException {
    try (PreparedStatement limit = prepare(SourceSql.LIMIT.sql())) {
      limit.setString(1, millis(longest));
      limit.executeQuery().close();
    }
  }

  /**
   * Stands for what has been written to the tables that this transaction has locked, catalogs left
   * out, as far as the server has counted it; empty if it counts nothing of them.
   *
   * @param without schemas whose tables do not count either
   */
  public String writes(List<String> without) {
    String[] schemas =
        Stream.concat(Stream.of("pg_catalog"), without.stream()).toArray(String[]::new);
    try (PreparedStatement statement = prepare(WritesSql.WRITES.sql())) {
      statement.setArray(1, handle.createArrayOf("text", schemas));
      try (ResultSet result = statement.executeQuery()) {
        result.next();
        String writes = result.getString(1);
        return writes == null ? "" : writes;
      }
    } catch (SQLException e) {
      throw failed("ask the server what it has counted", e);
    }
  }

  /**
   * Hands over keys, for {@link ModelShape#ofKeys} and {@link ModelShape#keysSql}.
   *
   * @param keys each as the texts of its columns
   */
  public void keys(List<List<String>> keys) {
    int columns = keys.get(0).size();
    try (PreparedStatement statement = prepare(SourceSql.KEY_TEXTS.sql())) {
      for (int column = 0; column < columns; column++) {
        int at = column;
        Object[] texts = keys.stream().map(key -> key.get(at)).toArray();
        statement.setString(1, Integer.toString(column));
        statement.setArray(2, handle.createArrayOf("text", texts));
        statement.executeQuery().close();
      }
    } catch (SQLException e) {
      throw failed("hand over the keys", e);
    }
  }

  /** The pool's handle, for statements. */
  public Connection connection() {
    return handle;
  }

  /** The driver's own connection, for COPY alone. */
  public PGConnection driver() throws SQLException {
    return lent.driver();
  }

  /** Where messages say that they belong. */
  public String about() {
    return about;
  }

  /** What errors of this session are about from here on. */
  void reads(Model value) {
    model = value;
  }

  /**
   * To be asked after the last row has been read: whether the snapshot shows what has been read as
   * it was. Where it does not, reading again in another transaction helps.
   *
   * @param doing what cannot be done then
   * @throws SourceException if a table was emptied, rewritten or replaced between the snapshot and
   *     the lock
   */
  public void refuseOvertaken(String doing) {
    boolean overtaken;
    try (Statement statement = handle.createStatement();
        ResultSet row = statement.executeQuery(OvertakenSql.OVERTAKEN.sql())) {
      row.next();
      overtaken = row.getBoolean(1);
    } catch (SQLException e) {
      throw failed(doing, e);
    }
    if (overtaken) {
      throw SqlStates.overtaken(doing, about);
    }
  }

  /**
   * Makes what was written durable. Nothing is asked in this session afterwards. If there is no
   * answer, it may have come about or not.
   */
  public void commit() {
    try {
      // A pooler's next transaction may be on another server connection, so it is asked before.
      if (pooled && !Held.now(handle).equals(before)) {
        broken = true;
      }
      handle.commit();
      committed = true;
    } catch (SQLException e) {
      throw failed("commit", e);
    }
  }

  /** Turns an error into advice; nothing more is read in this session. */
  public SourceException failed(String doing, SQLException e) {
    failed = true;
    List<ModelGrants.Grant> grants =
        SqlStates.trouble(e) == Trouble.PRIVILEGE ? grantsMissing(e) : List.of();
    if (!grants.isEmpty()) {
      return SqlStates.sourceException(doing, e, about, remedy(grants) + ".");
    }
    // What the driver says of itself leaves the connection in a state that nobody knows.
    broken |= SqlStates.serverMessage(e) == null;
    return SqlStates.sourceException(doing, e, about, timeout);
  }

  /** What to do about grants that are missing, without a full stop. */
  static String remedy(List<ModelGrants.Grant> grants) {
    return "Run, as owner or superuser: "
        + grants.stream().map(ModelGrants.Grant::sql).collect(Collectors.joining("; "));
  }

  /**
   * The grants that the model lacks, if the error may be for want of them. The transaction, which
   * has failed, is begun anew.
   */
  List<ModelGrants.Grant> grantsMissing(SQLException e) {
    Model read = model;
    ServerErrorMessage server = SqlStates.serverMessage(e);
    if (read == null || server == null || broken) {
      return List.of();
    }
    try {
      handle.rollback();
      Held.atBeginning(handle, Access.READ, lockTimeout());
      set();
      ModelGrants grants = ModelGrants.of(handle, read);
      String message = server.getMessage();
      return SqlStates.trouble(e) == Trouble.PRIVILEGE && message != null
          ? grants.missing(message)
          : grants.missing();
    } catch (SQLException again) {
      e.addSuppressed(again);
      broken = true;
      return List.of();
    }
  }

  /**
   * From here on nobody else gets the connection; false if it may have been given back already, and
   * a cancel would hit the statement of somebody else.
   */
  private synchronized boolean takeForCancelling() {
    broken |= !closed;
    return !closed;
  }

  private synchronized void beginClose() {
    closed = true;
  }

  /** Ends the statement that is running; cuts the connection if that does not help. */
  void cancel() {
    if (!takeForCancelling()) {
      return;
    }
    try {
      driver().cancelQuery();
      if (over.await(HEEDS_WITHIN_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (SQLException e) {
      LOG.debug("a statement cannot be cancelled, its connection is cut: {}", SqlStates.code(e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    abort();
  }

  private void abort() {
    try {
      handle.abort(Runnable::run);
    } catch (SQLException e) {
      LOG.debug("a connection cannot be cut: {}", SqlStates.code(e));
    }
  }

  /** Which process of the server it is in. */
  public int backend() {
    return before == null ? 0 : before.backend();
  }

  /**
   * How long the driver waits for an answer from here on, in place of what the source says.
   *
   * @param longest at most 24 days
   */
  public void waitFor(Duration longest) throws SQLException {
    lent.waitFor(longest);
  }

  /** Takes {@link #waitFor} back. */
  public void waitAsBefore() {
    lent.waitAsBefore();
  }

  /** Cuts the connection: whatever waits for an answer fails. May be called by any thread. */
  public void cut() {
    if (takeForCancelling()) {
      abort();
    }
  }

  /** The connection is in a state that nobody else should get. */
  public void markBroken() {
    broken = true;
  }

  /** Ends the transaction and gives the connection back. */
  @Override
  public void close() {
    beginClose();
    cancellation.end();
    over.countDown();
    try {
      if (broken || !isClean()) {
        lent.evict();
      } else {
        handle.rollback();
        if (lent.isOurs() && !pooled) {
          handle.setAutoCommit(true);
          try (Statement statement = handle.createStatement()) {
            statement.execute(SessionSql.RESET.sql());
          }
        }
        lent.restore();
      }
    } catch (SQLException e) {
      lent.evict(e);
    } finally {
      lent.giveBack();
    }
  }

  /**
   * Whether the model left nothing that outlives its transaction. A pooler is not asked after the
   * end of it, when another server connection may answer; cut within, it drops its own too.
   */
  private boolean isClean() throws SQLException {
    if (pooled && committed) {
      return true;
    }
    try {
      if (!failed && Held.now(handle).equals(before)) {
        return true;
      }
    } catch (SQLException e) {
      if (SqlStates.serverMessage(e) == null) {
        throw e;
      }
      // The transaction has failed, or the model has left it so.
    }
    if (pooled) {
      return false;
    }
    // Locks and tables of the transaction end with it.
    handle.rollback();
    return Held.now(handle).equals(before);
  }
}
