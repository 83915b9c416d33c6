package io.fulmar.internal.destination;

import io.fulmar.ConfigurationException;
import io.fulmar.Source;
import io.fulmar.internal.postgres.AnswerTimeout;
import io.fulmar.internal.postgres.Connector;
import io.fulmar.internal.postgres.Eviction;
import io.fulmar.internal.postgres.NoConnectionException;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.TableDestinationSql;
import io.fulmar.internal.store.JoinedWriter;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * Writes batches to a table, each in one transaction. Keeps a connection of its own from batch to
 * batch, or borrows one of the application's for each. Used by one thread at a time.
 */
public final class TableWriter implements JoinedWriter {
  private static final int ALIVE_WITHIN_SECONDS = 5;
  private static final Duration LONGEST_IDLE = Duration.ofSeconds(60);

  private final TableTarget target;
  private final Connector connector;
  private final String applicationName;
  private final String what;
  private final Duration deadline;
  private final Duration longestStatement;
  private final StraightCopy straight;
  private @Nullable Connection connection;
  private @Nullable AnswerTimeout answers;
  private @Nullable Layout layout;
  private boolean autoCommitBefore;
  private boolean purged;
  private @Nullable String ownDatabase;
  private boolean isSameDatabase;

  /** A writer for one lane of a run; connects with the first batch. */
  public TableWriter(TableTarget target, RunContext run) {
    this.target = target;
    this.applicationName = "fulmar " + run.sync() + " " + run.run();
    this.connector = new Connector(target.source(), applicationName);
    this.what = "write to " + target.identifier();
    this.straight = new StraightCopy(target);
    this.deadline = run.callDeadline();
    // The server ends a slow statement before the engine cuts off the call: a known outcome.
    this.longestStatement = deadline.multipliedBy(4).dividedBy(5);
  }

  @Override
  public boolean joins() {
    return target.joined();
  }

  @Override
  public Delivery write(Batch batch, Connection joined) throws Exception {
    checkDatabase(joined);
    try {
      begin(joined, null); // a lease lasts as long, and whoever takes it over waits
      try (PreparedStatement path =
          OneShot.prepare(joined, TableDestinationSql.OWN_SEARCH_PATH.sql())) {
        path.execute();
      }
      Layout checked = layout(joined, batch);
      Delivery delivery =
          new BatchWrite(joined, checked, batch, target.sequenceColumn()).apply(straight);
      if (checked.leavesTombstones() && !purged) {
        purge(joined, checked);
        purged = true;
      }
      return delivery;
    } catch (SQLException e) {
      layout = null;
      throw failure(e, false, false);
    } catch (Exception | Error e) {
      layout = null;
      throw e;
    }
  }

  @Override
  public void prepare() throws Exception {
    if (ownDatabase != null) {
      return;
    }
    Connection open = connect();
    try {
      begin(open);
      ownDatabase = database(open);
      open.rollback();
      giveBack(open);
    } catch (SQLException e) {
      rollBack(open, e);
      throw failure(e, false, false);
    }
  }

  /**
   * The rows go where the state is; the settings, which tell how to look at the table and clear it,
   * must lead there too.
   */
  private void checkDatabase(Connection joined) throws Exception {
    if (isSameDatabase) {
      return;
    }
    try {
      isSameDatabase = database(joined).equals(ownDatabase);
    } catch (SQLException e) {
      throw failure(e, false, false);
    }
    if (!isSameDatabase) {
      throw new StopRunException(
          "CONFIGURATION",
          "Cannot %s exactly once: its database is not the one that the engine keeps its state in. Give it the source of the engine, or build it without exactlyOnce()."
              .formatted(what));
    }
  }

  private static String database(Connection connection) throws SQLException {
    try (PreparedStatement which =
            OneShot.prepare(connection, TableDestinationSql.WHICH_DATABASE.sql());
        ResultSet row = which.executeQuery()) {
      row.next();
      return row.getString(1);
    }
  }

  @Override
  public Delivery write(Batch batch) throws Exception {
    if (target.joined()) {
      throw new StopRunException("CONFIGURATION", notJoined(target));
    }
    long began = System.nanoTime();
    Connection open = connect();
    boolean committing = false;
    try {
      begin(open);
      Layout checked = layout(open, batch);
      Delivery delivery =
          new BatchWrite(open, checked, batch, target.sequenceColumn()).apply(straight);
      if (checked.leavesTombstones() && !purged) {
        purge(open, checked);
      }
      checkTime(began);
      committing = true;
      open.commit();
      purged |= checked.leavesTombstones();
      giveBack(open);
      return delivery;
    } catch (SQLException e) {
      throw failure(e, committing, rollBack(open, e));
    } catch (Exception | Error e) {
      rollBack(open, e);
      throw e;
    }
  }

  /**
   * The engine sends a key again, perhaps with newer values, once the deadline of a call that gave
   * no answer is over, and rows into a table that was to be cleared: nothing is committed from
   * there on.
   */
  private void checkTime(long began) throws NotAppliedException {
    if (Thread.currentThread().isInterrupted() || System.nanoTime() - began >= deadline.toNanos()) {
      throw Failure.ofTime(what, deadline);
    }
  }

  /** What is wrong with an engine that keeps its state elsewhere. */
  public static String notJoined(TableTarget target) {
    return "Cannot write to %s exactly once: this engine keeps its state outside the database, so that rows and state cannot be committed together. Run the sync with LightningEngine, or build the destination without exactlyOnce()."
        .formatted(target.identifier());
  }

  /** Deletes every row of the table; does nothing if the first batch is yet to create it. */
  public void clear() throws Exception {
    long began = System.nanoTime();
    Connection open = connect();
    boolean committing = false;
    try {
      begin(open);
      String empty = TableDestinationSql.EMPTY.with("target", target.identifier()).sql();
      try (PreparedStatement statement = OneShot.prepare(open, empty)) {
        statement.executeUpdate();
      }
      checkTime(began);
      committing = true;
      open.commit();
      giveBack(open);
    } catch (SQLException e) {
      boolean survived = rollBack(open, e);
      boolean isYetToBeMade = target.columnTypes() != null && Failure.isMissingTable(e);
      if (!isYetToBeMade) {
        throw failure(e, committing, survived);
      }
    } catch (Exception | Error e) {
      rollBack(open, e);
      throw e;
    }
  }

  private Connection connect() throws Exception {
    if (connection != null) {
      return connection;
    }
    Connection open = null;
    try {
      open = connector.connect();
      if (!open.isWrapperFor(PGConnection.class)) {
        throw Failure.ofTable(
            "08000",
            what,
            "the data source does not give connections of pgjdbc",
            "Give one that does, or one whose connections unwrap to them");
      }
      autoCommitBefore = open.getAutoCommit();
      open.setAutoCommit(false);
      answers = new AnswerTimeout(open);
      answers.lowerTo(deadline.multipliedBy(9).dividedBy(10)); // later than the server gives up
      connection = open;
      return open;
    } catch (NoConnectionException e) {
      throw Failure.ofPool(e, what);
    } catch (SQLException e) {
      close(open, e);
      throw open == null
          ? Failure.ofConnect(e, what, grants())
          : Failure.ofBatch(e, what, grants());
    } catch (StopRunException e) {
      close(open, e);
      throw e;
    } catch (ConfigurationException e) {
      throw new StopRunException("CONFIGURATION", String.valueOf(e.getMessage()));
    }
  }

  private void begin(Connection open) throws SQLException {
    begin(open, ms(deadline.compareTo(LONGEST_IDLE) < 0 ? deadline : LONGEST_IDLE));
  }

  private void begin(Connection open, @Nullable String idle) throws SQLException {
    Source source = target.source();
    try (PreparedStatement begin = OneShot.prepare(open, TableDestinationSql.BEGIN.sql())) {
      begin.setString(1, applicationName);
      begin.setString(2, source.statementTimeout().isZero() ? null : ms(source.statementTimeout()));
      begin.setLong(3, longestStatement.toMillis());
      begin.setString(4, ms(source.lockTimeout()));
      begin.setString(5, idle);
      begin.execute();
    }
  }

  private static String ms(Duration duration) {
    return Long.toString(duration.toMillis());
  }

  /** The first batch of its kind looks at the table. */
  private Layout layout(Connection open, Batch batch) throws SQLException, StopRunException {
    Layout current = layout;
    if (current == null || !current.fits(batch.action(), batch.changes().get(0))) {
      current = new TableCheck(target, open).layout(batch.action(), batch.changes().get(0));
      layout = current;
    }
    String lock = current.lock();
    if (lock != null) {
      try (Statement statement = open.createStatement()) {
        statement.execute(lock);
      }
    }
    return current;
  }

  private void purge(Connection open, Layout checked) throws SQLException {
    try (PreparedStatement purge =
        OneShot.prepare(open, checked.sql(TableDestinationSql.PURGE_TOMBSTONES))) {
      purge.setDouble(1, target.keepTombstones().toMillis() / 1000.0);
      purge.executeUpdate();
    }
  }

  /**
   * What the engine is told. Before COMMIT was sent PostgreSQL undoes everything, whatever
   * happened. After it, only an error that the session survived is known to have undone it.
   */
  private Exception failure(SQLException error, boolean committing, boolean survived) {
    if (committing && !(survived && SqlStates.serverMessage(error) != null)) {
      return error;
    }
    if (SqlStates.isOfRow(error)) {
      return new BatchRejectedException(SqlStates.code(error), Failure.ofRow(error, null));
    }
    return Failure.ofBatch(error, what, grants());
  }

  /** Leaves the connection as it was found, or drops it; true if the session is alive. */
  private boolean rollBack(Connection open, Throwable cause) {
    layout = null;
    try {
      open.rollback();
      if (open.isValid(ALIVE_WITHIN_SECONDS)) {
        giveBack(open);
        return true;
      }
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
    connection = null;
    evict(open, cause);
    close(open, cause);
    return false;
  }

  private void giveBack(Connection open) throws SQLException {
    if (target.source().dataSource() != null) {
      connection = null;
      if (answers != null) {
        answers.restore();
      }
      open.setAutoCommit(autoCommitBefore);
      open.close();
    }
  }

  /** A pool of the application's may lend a dead connection again, unless it is told. */
  private void evict(Connection open, Throwable cause) {
    if (target.source().dataSource() != null) {
      try {
        Eviction.evict(open);
      } catch (SQLException e) {
        cause.addSuppressed(e);
      }
    }
  }

  private static void close(@Nullable Connection open, Throwable cause) {
    try {
      if (open != null) {
        open.close();
      }
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  private String grants() {
    boolean own = target.source().dataSource() == null;
    String role = own ? Identifier.of(target.source().user()).sql() : "<role>";
    String database = own ? Identifier.of(target.source().database()).sql() : "<database>";
    String tables =
        target.sequenceColumn() == null
            ? target.identifier().sql()
            : target.identifier() + ", " + target.tombstones();
    return """
        grant usage%s on schema %s to %s; \
        grant select, insert, update, delete on %s to %3$s; \
        grant temporary on database %5$s to %3$s"""
        .formatted(
            target.columnTypes() == null ? "" : ", create",
            Identifier.of(target.schema()),
            role,
            tables,
            database);
  }

  @Override
  public void close() throws SQLException {
    try (connector) {
      if (connection != null) {
        connection.close();
      }
    }
  }
}
