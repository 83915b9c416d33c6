package io.fulmar.lightning.internal.state;

import io.fulmar.internal.row.DamagedException;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.database.Work;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Changes what is known of a sync, and whatever goes with it: one transaction that holds the lease,
 * locks the row of the sync, and writes it last. Used by one thread.
 */
final class Writing {
  private final LightningStore store;
  private final Lease lease;
  private SyncRecord record;

  /** What was written by attempts that were given up without knowing what came of them. */
  private final List<SyncRecord> doubtful = new ArrayList<>();

  /**
   * A writer.
   *
   * @param record what is known of the sync
   */
  Writing(LightningStore store, Lease lease, SyncRecord record) {
    this.store = store;
    this.lease = lease;
    this.record = record;
  }

  /**
   * Changes something.
   *
   * @param <T> what comes of it
   */
  @FunctionalInterface
  interface Change<T> {
    /**
     * Changes something; again from the start, if the transaction did not come about.
     *
     * @param transaction in which it is done
     * @param next what is known of the sync afterwards
     */
    T make(Transaction transaction, SyncRecord next) throws SQLException, DamagedException;
  }

  /** What a transaction wrote whose answer may have been lost. */
  private record Written<T>(SyncRecord record, T result) {}

  /** What is known of the sync, as it was written last. */
  SyncRecord record() {
    return record;
  }

  /**
   * Makes a change in one transaction. If the answer to its commit is lost, the row of the sync
   * says whether it came about: locked, so that a transaction that is still committing is waited
   * for, and written by nobody but the holder of the lease.
   *
   * @param doing what could not be done if it fails
   * @param point passed when it is done
   */
  <T> T write(String doing, CrashPoint point, Change<T> change) {
    return write(doing, point, change, lease::steadily);
  }

  /** As {@link #write}, where the server may be at it for long. */
  <T> T writeAtLength(String doing, CrashPoint point, Change<T> change) {
    return write(doing, point, change, lease::atLength);
  }

  /** How a transaction comes about. */
  private interface Way {
    <T> T take(String doing, Work<T> work);
  }

  private <T> T write(String doing, CrashPoint point, Change<T> change, Way way) {
    List<Written<T>> tried = new ArrayList<>();
    T result;
    try {
      result = way.take(doing, transaction -> attempt(transaction, change, tried));
    } catch (RuntimeException | Error e) {
      tried.forEach(written -> doubtful.add(written.record()));
      throw e;
    }
    doubtful.clear();
    record = tried.get(0).record();
    store.passed(point);
    return result;
  }

  private <T> T attempt(Transaction transaction, Change<T> change, List<Written<T>> tried)
      throws SQLException {
    SyncRecord there = locked(transaction);
    for (Written<T> before : tried) {
      if (there.isStoredLike(before.record())) {
        return before.result();
      }
    }
    tried.clear();
    for (SyncRecord earlier : doubtful) {
      // It came about after all: what is written next must not take it back.
      record = there.isStoredLike(earlier) ? earlier : record;
    }
    SyncRecord next = record.copy();
    T made;
    try {
      made = change.make(transaction, next);
    } catch (DamagedException e) {
      throw StateLost.of(lease.sync(), e);
    }
    RecordSql.update(transaction, store.schemas(), next);
    tried.add(new Written<>(next, made));
    return made;
  }

  private SyncRecord locked(Transaction transaction) throws SQLException {
    SyncRecord there =
        RecordSql.lock(transaction, store.schemas(), lease.sync())
            .orElseThrow(
                () -> StateLost.of(lease.sync(), "its row in fulmar_syncs is gone while it runs"));
    if (there.slot != record.slot) {
      throw StateLost.of(lease.sync(), "its row in fulmar_syncs was replaced while it runs");
    }
    return there;
  }
}
