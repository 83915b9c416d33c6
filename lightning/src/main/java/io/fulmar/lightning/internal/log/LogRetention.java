package io.fulmar.lightning.internal.log;

import io.fulmar.StateException;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.SyncLogs.Table;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.Schemas;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes the rows of one sync's logs that are older than they are kept. It works in transactions
 * of its own of at most 10,000 rows, so that nobody waits for it; what it leaves, the next run
 * takes. The age of a row is that of its run, whose number is a time. This class is threadsafe.
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

  /**
   * The retention of a sync's logs.
   *
   * @param database where they are
   * @param schemas in which schema
   * @param sync whose
   * @param logs for how long they are kept
   */
  public LogRetention(Database database, Schemas schemas, String sync, SyncLogs logs) {
    this.database = database;
    this.schemas = schemas;
    this.sync = sync;
    this.logs = logs;
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
    long oldest = now - logs.retention().toMillis();
    try {
      boolean more = true;
      while (more && inTime.getAsBoolean()) {
        more =
            database.write(DOING, application, about, transaction -> portion(transaction, oldest));
      }
    } catch (StateException e) {
      LOG.debug("sync={} leaves old rows of its logs: {}", sync, e.getMessage());
    }
  }

  /** Deletes some rows; false if none are left. */
  private boolean portion(Transaction transaction, long oldest) throws SQLException {
    long gone = 0;
    if (logs.tables().contains(Table.CHANGELOG)) {
      gone = changelog(transaction, oldest);
    }
    if (gone == 0 && logs.tables().contains(Table.RUNS)) {
      String sql =
          LogRetentionSql.RUNS.with("runs", LogTables.identifier(schemas, Table.RUNS)).sql();
      gone = transaction.update(sql, sync, oldest, PORTION);
    }
    return gone > 0;
  }

  private long changelog(Transaction transaction, long oldest) throws SQLException {
    List<Long> run =
        transaction.list(with(LogRetentionSql.OLDEST), row -> row.getLong(1), oldest, oldest, sync);
    if (run.isEmpty()) {
      return 0;
    }
    if (!logs.tables().contains(Table.SNAPSHOT)) {
      return transaction.update(with(LogRetentionSql.CHANGELOG), run.get(0), PORTION);
    }
    String sql =
        LogRetentionSql.CHANGELOG_AND_SNAPSHOT
            .with("changelog", LogTables.identifier(schemas, Table.CHANGELOG))
            .with("snapshot", LogTables.identifier(schemas, Table.SNAPSHOT))
            .sql();
    return transaction.number(sql, run.get(0), PORTION, sync, run.get(0));
  }

  private String with(SqlTemplate template) {
    return template.with("changelog", LogTables.identifier(schemas, Table.CHANGELOG)).sql();
  }
}
