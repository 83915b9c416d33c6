package io.fulmar.lightning.internal.log;

import io.fulmar.FulmarException;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.SyncLogs.Table;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.Schemas;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes the rows of one sync's logs that are older than they are kept, and those of syncs that
 * have no state any more, which no run of their own deletes. It works in transactions of its own of
 * at most 10,000 rows, so that nobody waits for it; what it leaves, the next run takes. The age of
 * a row is that of its run, whose number is a time. This class is threadsafe.
 */
public final class LogRetention {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  /** Rows in one transaction. */
  static final int PORTION = 10_000;

  private static final Duration LONGEST = Duration.ofSeconds(30);
  private static final String DOING = "delete old rows of the sync logs";

  private final Database database;
  private final Schemas schemas;
  private final String sync;
  private final SyncLogs logs;
  private final Duration longest;

  /** What is deleted: rows of runs before these moments, in milliseconds since 1970. */
  private record Oldest(long own, long ofGone) {}

  /**
   * The retention of a sync's logs.
   *
   * @param database where they are
   * @param schemas in which schema
   * @param sync whose
   * @param logs for how long they are kept
   * @param longest for how long those of syncs without a state are kept; not less than that
   */
  public LogRetention(
      Database database, Schemas schemas, String sync, SyncLogs logs, Duration longest) {
    this.database = database;
    this.schemas = schemas;
    this.sync = sync;
    this.logs = logs;
    this.longest = longest;
  }

  /**
   * Deletes what is old, for at most 30 seconds. What goes wrong is left to the next run: a run
   * does not fail by it.
   *
   * @param application shown in {@code pg_stat_activity}
   * @param about the tail of messages
   * @param now milliseconds since 1970, by the clock that gives runs their numbers
   * @param goOn asked before each portion
   */
  public void expire(String application, String about, long now, BooleanSupplier goOn) {
    if (logs.tables().isEmpty()) {
      return;
    }
    long began = System.nanoTime();
    BooleanSupplier inTime =
        () -> goOn.getAsBoolean() && System.nanoTime() - began < LONGEST.toNanos();
    Oldest oldest = new Oldest(now - logs.retention().toMillis(), now - longest.toMillis());
    try {
      boolean more = true;
      while (more && inTime.getAsBoolean()) {
        more =
            database.write(DOING, application, about, transaction -> portion(transaction, oldest));
      }
    } catch (FulmarException e) {
      LOG.debug("sync={} leaves old rows of its logs: {}", sync, e.getMessage());
    } catch (RuntimeException e) {
      LOG.debug("sync={} leaves old rows of its logs: {}", sync, e.getClass().getName());
    }
  }

  /** Deletes some rows; false if none are left. */
  private boolean portion(Transaction transaction, Oldest oldest) throws SQLException {
    return (logs.tables().contains(Table.CHANGELOG) && changelog(transaction, oldest) > 0)
        || (logs.tables().contains(Table.SNAPSHOT) && snapshot(transaction, oldest) > 0)
        || (logs.tables().contains(Table.RUNS) && runs(transaction, oldest) > 0);
  }

  /** A run in the changelog that has been kept for long enough. */
  private record Run(long run, String sync) {}

  private long changelog(Transaction transaction, Oldest oldest) throws SQLException {
    Optional<Run> found =
        transaction.first(
            LogRetentionSql.OLDEST
                .with("changelog", LogTables.identifier(schemas, Table.CHANGELOG))
                .with("syncs", schemas.syncs())
                .sql(),
            row -> new Run(row.getLong(1), row.getString(2)),
            oldest.own(),
            oldest.own(),
            sync,
            oldest.ofGone());
    if (found.isEmpty()) {
      return 0;
    }
    Run run = found.get();
    if (!logs.tables().contains(Table.SNAPSHOT)) {
      return transaction.update(
          LogRetentionSql.CHANGELOG
              .with("changelog", LogTables.identifier(schemas, Table.CHANGELOG))
              .sql(),
          run.run(),
          PORTION);
    }
    String sql =
        LogRetentionSql.CHANGELOG_AND_SNAPSHOT
            .with("changelog", LogTables.identifier(schemas, Table.CHANGELOG))
            .with("snapshot", LogTables.identifier(schemas, Table.SNAPSHOT))
            .sql();
    boolean gone = !run.sync().equals(sync);
    return transaction.number(sql, run.run(), PORTION, run.sync(), run.run(), gone);
  }

  private long snapshot(Transaction transaction, Oldest oldest) throws SQLException {
    Identifier snapshot = LogTables.identifier(schemas, Table.SNAPSHOT);
    String sql = LogRetentionSql.SNAPSHOT.with("snapshot", snapshot).sql();
    long deleted = 0;
    for (String other : gone(transaction, snapshot)) {
      long age = oldest.ofGone();
      deleted += transaction.update(sql, age, other, other, age, PORTION - deleted);
    }
    return deleted;
  }

  private long runs(Transaction transaction, Oldest oldest) throws SQLException {
    Identifier runs = LogTables.identifier(schemas, Table.RUNS);
    String sql = LogRetentionSql.RUNS.with("runs", runs).sql();
    long deleted = transaction.update(sql, sync, oldest.own(), PORTION);
    for (String other : gone(transaction, runs)) {
      deleted += transaction.update(sql, other, oldest.ofGone(), PORTION - deleted);
    }
    return deleted;
  }

  /** The syncs in a log that have no state any more. */
  private List<String> gone(Transaction transaction, Identifier log) throws SQLException {
    return transaction.list(
        LogRetentionSql.GONE.with("log", log).with("syncs", schemas.syncs()).sql(),
        row -> row.getString(1));
  }
}
