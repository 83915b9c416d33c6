package io.fulmar.lightning.internal.state;

import io.fulmar.StateException;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.fold.Fold;
import io.fulmar.lightning.internal.fold.PreparedState;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the state that a first plan leads to, on a thread and in a transaction of its own, while
 * the plan is being delivered. What is made is nothing until a fold takes it; whatever goes wrong,
 * the fold makes the state itself. It begins when some of the plan has been handed out, so that a
 * run that sends little, or fails at once, does not make a state for nothing; it does not begin
 * where the pool has no connection to spare, or the engine makes another one. This class is
 * threadsafe.
 */
final class Preparation implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  /** This share of the plan, and what is sent of it is likely to be sent as a whole. */
  private static final int SHARE = 8;

  /** One for the reader, one for the ledger, one for another run: this is the fourth. */
  private static final int LEAST_POOL = 4;

  private final LightningStore store;
  private final Lease lease;
  private final SyncTables tables;
  private final Fold fold;
  private final PlanHead head;
  private final CountDownLatch over = new CountDownLatch(1);
  private boolean begun; // guarded by this
  private boolean started; // guarded by this
  private boolean stopped; // guarded by this
  private @Nullable Transaction running; // guarded by this
  private volatile @Nullable PreparedState made;

  private Preparation(
      LightningStore store, Lease lease, SyncTables tables, Fold fold, PlanHead head) {
    this.store = store;
    this.lease = lease;
    this.tables = tables;
    this.fold = fold;
    this.head = head;
  }

  /**
   * What makes the state of a sync that has none; null if the fold had better do it.
   *
   * @param fold of the sync
   * @param head the plan that is about to be delivered
   * @param record what is known of the sync
   */
  static @Nullable Preparation of(
      LightningStore store,
      Lease lease,
      SyncTables tables,
      Fold fold,
      PlanHead head,
      SyncRecord record) {
    boolean room = store.source().dataSource() == null && store.source().poolSize() >= LEAST_POOL;
    boolean worth =
        record.generation == null
            && head.columns().first()
            && head.place() != PlanHead.NO_TABLE
            && head.counts().total() >= store.settings().smallestPreparation();
    return room && worth ? new Preparation(store, lease, tables, fold, head) : null;
  }

  /** So much of the plan has been handed out; begins if that is enough. */
  void reached(long position) {
    if (position < head.counts().total() / SHARE) {
      return;
    }
    synchronized (this) {
      if (begun || stopped || !store.beginPreparation()) {
        return;
      }
      begun = true;
      try {
        store.start("fulmar-" + lease.sync() + "-state", this::make);
      } catch (RuntimeException e) {
        LOG.debug("no thread makes a state: {}", e.getClass().getName());
        ended();
      }
    }
  }

  private void ended() {
    store.endPreparation();
    over.countDown();
  }

  private void make() {
    try {
      made =
          lease.atLength(
              "make the state of %s beside the delivery".formatted(lease.sync()),
              this::isWanted,
              this::make);
      store.passed(CrashPoint.STATE_PREPARED);
    } catch (StateException | CancellationException e) {
      LOG.debug("sync={} the fold makes the state: {}", lease.sync(), e.getMessage());
    } finally {
      ended();
    }
  }

  private PreparedState make(Transaction transaction) throws SQLException {
    running(transaction);
    try {
      fold.prepare(transaction, head);
      return store
          .files()
          .prepared(transaction, tables.stateName(PreparedState.GENERATION))
          .orElseThrow();
    } finally {
      running(null);
    }
  }

  private synchronized void running(@Nullable Transaction transaction) {
    running = transaction;
    if (transaction != null && stopped) {
      throw new CancellationException("it is not needed any more");
    }
    started = true;
  }

  private synchronized boolean isWanted() {
    return !stopped;
  }

  /**
   * Waits for what is being made; what has not come to a connection yet is not waited for. Nothing
   * begins any more.
   *
   * @return what was made; null if nothing was
   */
  @Nullable PreparedState await() {
    synchronized (this) {
      stopped |= !started;
    }
    return ended(false);
  }

  /** Ends what is being made, and waits until it has ended; what was made stays. */
  @Override
  public void close() {
    stop();
  }

  /** As {@link #close}, and gives what was made; null if nothing was. */
  @Nullable PreparedState stop() {
    synchronized (this) {
      stopped = true;
    }
    return ended(true);
  }

  /** An interrupt is for the caller's caller: what is made takes no longer than in a fold. */
  private @Nullable PreparedState ended(boolean cancels) {
    boolean interrupted = false;
    try {
      while (isBegun()) {
        if (cancels) {
          cancel(); // again, if it came between two statements
        }
        try {
          if (over.await(1, TimeUnit.SECONDS)) {
            break;
          }
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      return made;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private synchronized boolean isBegun() {
    return begun;
  }

  private synchronized void cancel() {
    Transaction now = running;
    if (now != null) {
      now.cancel();
    }
  }
}
