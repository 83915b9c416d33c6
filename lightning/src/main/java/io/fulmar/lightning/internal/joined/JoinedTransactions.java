package io.fulmar.lightning.internal.joined;

import io.fulmar.SourceException;
import io.fulmar.StateException;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.store.JoinedWrite;
import io.fulmar.internal.store.JoinedWrites;
import io.fulmar.internal.store.Outcome;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.fold.Ledger;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.Lease;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.NotAppliedException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * Transactions in which a destination writes rows and the ledger takes in what became of them. Each
 * holds the lease from its first statement on, so none can commit once another runner has the sync,
 * and whoever holds the lease alone knows that none is under way. This class is threadsafe.
 */
public final class JoinedTransactions implements JoinedWrites {
  private final Database database;
  private final Lease lease;
  private final Ledger ledger;
  private final CrashPoint.Watch watch;
  private volatile boolean used;
  private volatile boolean over;

  /**
   * Transactions of one run.
   *
   * @param database where they go
   * @param lease holds the sync
   * @param ledger takes in what became of changes
   * @param watch hears of what is done
   */
  public JoinedTransactions(Database database, Lease lease, Ledger ledger, CrashPoint.Watch watch) {
    this.database = database;
    this.lease = lease;
    this.ledger = ledger;
    this.watch = watch;
  }

  @Override
  public JoinedWrite begin() throws Exception {
    used = true;
    lease.check();
    Transaction transaction;
    try {
      transaction = database.begin(lease.application(), lease.about());
    } catch (SQLException e) {
      throw notApplied("no transaction could be begun", e);
    } catch (SourceException e) {
      throw new NotAppliedException("there is no connection to the database of the state", e);
    }
    try {
      lease.fence(transaction);
      checkOpen();
      return new Joined(transaction);
    } catch (SQLException e) {
      transaction.markBroken();
      transaction.close();
      throw notApplied("the lease could not be held", e);
    } catch (RuntimeException | Error e) {
      transaction.close();
      throw e;
    }
  }

  /** A thread that was left behind in a call comes too late, whatever it does. */
  private void checkOpen() {
    if (over) {
      throw new StateException(
          "Cannot write together with the state of %s: its run is over. %s"
              .formatted(lease.sync(), lease.about()));
    }
  }

  /**
   * Waits until none of them can commit any more, and lets none begin.
   *
   * @throws StateException if the lease is lost
   */
  public void settle() {
    over = true;
    if (used) {
      lease.alone("wait for what is written with the state of " + lease.sync(), done -> true);
    }
  }

  private static NotAppliedException notApplied(String what, SQLException e) {
    return new NotAppliedException(what + " (sqlstate=" + SqlStates.code(e) + ")", e);
  }

  private final class Joined implements JoinedWrite {
    private final Transaction transaction;
    private long noted;
    private boolean closed;

    Joined(Transaction transaction) {
      this.transaction = transaction;
    }

    @Override
    public Connection connection() {
      return transaction.connection();
    }

    @Override
    public void acknowledge(long from, List<Outcome> outcomes) throws NotAppliedException {
      try {
        // Whatever the destination set, the ledger is written under our own path.
        transaction.execute(JoinedSql.SEARCH_PATH.sql());
        noted = ledger.acknowledge(transaction, from, outcomes);
      } catch (SQLException e) {
        throw notApplied("the outcomes could not be noted", e);
      }
    }

    @Override
    public void commit() throws Exception {
      watch.passed(CrashPoint.JOINED_WRITTEN);
      lease.check();
      try {
        transaction.commit();
      } catch (SQLException e) {
        transaction.markBroken();
        if (!found()) {
          throw SqlStates.isOfRow(e)
              ? new BatchRejectedException(SqlStates.code(e), "The server did not commit.")
              : notApplied("the server did not commit", e);
        }
      }
      watch.passed(CrashPoint.JOINED);
    }

    /** Whether it was committed, though nobody heard so. */
    private boolean found() {
      close();
      return lease.alone(
          "find out whether rows of " + lease.sync() + " were committed",
          looking -> ledger.isNoted(looking, noted));
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        transaction.close();
      }
    }
  }
}
