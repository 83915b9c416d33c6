package io.fulmar.lightning.internal.database;

import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How long a run waits for locks that others hold: as long as the server lets it, until it is over.
 * Then the transactions that wait are ended, and whatever they were for is not tried again. This
 * class is threadsafe.
 */
public final class Patience {
  private final Set<Transaction> open = ConcurrentHashMap.newKeySet();
  private volatile boolean over;

  /** Does something in a transaction that is ended if it waits when the patience is over. */
  public <T> T during(Transaction transaction, Work<T> work) throws SQLException {
    open.add(transaction);
    try {
      return work.in(transaction);
    } finally {
      open.remove(transaction);
    }
  }

  /** Whether nothing is worth waiting for any more. */
  public boolean isOver() {
    return over;
  }

  /**
   * Ends what waits for a lock now; to be called again, for what waits later.
   *
   * @param database asked which ones do
   * @param application shown in {@code pg_stat_activity}
   * @param about the tail of messages
   */
  public void end(Database database, String application, String about) {
    over = true;
    Object[] processes = open.stream().map(Transaction::process).toArray();
    if (processes.length > 0) {
      database.write(
          "end what waits for a lock",
          application,
          about,
          transaction ->
              transaction.list(
                  DatabaseSql.END_WAITS.sql(),
                  row -> row.getBoolean(1),
                  transaction.connection().createArrayOf("int4", processes)));
    }
  }
}
