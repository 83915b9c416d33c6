package io.fulmar.lightning.internal.state;

import io.fulmar.SourceException;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.standard.Departure;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.move.Arrival;
import java.nio.file.Path;
import java.sql.SQLException;

/**
 * Moves what the standard engine remembers of a sync here. Its directory is told right before the
 * commit that brings everything over, and again after it; whoever asks again after a death in
 * between finds by the row of the sync whether that commit came about. So at each moment one of the
 * engines can run the sync, or none until the move is asked for again. Stateless.
 */
final class Moving {
  private final LightningStore store;
  private final Claiming claiming;
  private final Snapshots snapshots;

  Moving(LightningStore store, Claiming claiming, Snapshots snapshots) {
    this.store = store;
    this.claiming = claiming;
    this.snapshots = snapshots;
  }

  /** Whether a state is the one that departs, moved here. */
  static boolean isFrom(SyncRecord record, Departure departure) {
    return record.movedFrom != null && record.incarnation.equals(departure.incarnation());
  }

  void move(Sync sync, Path stateDirectory) {
    try (Departure departure = Departure.of(stateDirectory, sync, store.clock())) {
      boolean begun = store.record(sync) == null;
      try (LightningClaim claim = claiming.moving(sync, departure)) {
        move(sync, departure, claim);
      } catch (RuntimeException | Error e) {
        if (begun && departure.stage() == Departure.Stage.HERE) {
          forget(sync, e);
        }
        throw e;
      }
    }
  }

  private void move(Sync sync, Departure departure, LightningClaim claim) {
    if (!isFrom(claim.record(), departure)) {
      try {
        takeOver(sync, departure, claim);
      } catch (RuntimeException | Error e) {
        settle(departure, claim, e);
        throw e;
      }
    }
    if (departure.stage() != Departure.Stage.GONE) {
      departure.end();
    }
    store.passed(CrashPoint.MOVE_ENDED);
  }

  private void takeOver(Sync sync, Departure departure, LightningClaim claim) {
    Arrival arrival =
        new Arrival(
            departure,
            sync,
            snapshots,
            store.provision(),
            store.schemas().tables(claim.record().slot),
            store.settings().plan().memoryBytes());
    try {
      claim.moveIn(
          (transaction, next) -> {
            take(arrival, transaction, next, claim.run());
            store.files().note(transaction, next);
            store.passed(CrashPoint.MOVE_WRITTEN);
            if (departure.stage() == Departure.Stage.HERE) {
              departure.begin(place());
            }
            store.passed(CrashPoint.MOVE_ANNOUNCED);
            return next;
          });
    } catch (Unread e) {
      throw e.why;
    }
  }

  /** What keeps the server from reading the model says nothing of the lease. */
  private static void take(Arrival arrival, Transaction transaction, SyncRecord next, long run)
      throws SQLException {
    try {
      arrival.take(transaction, next, run, "a directory of the standard engine");
    } catch (SourceException e) {
      if (SqlStates.isOfConnection(e.sqlState())) {
        throw e; // tried again
      }
      throw new Unread(e);
    }
  }

  /** Carries why the model cannot be read past the lease. */
  private static final class Unread extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient SourceException why;

    Unread(SourceException why) {
      super(null, why, false, false);
      this.why = why;
    }
  }

  private String place() {
    return "Lightning, schema %s".formatted(store.schemas().planner());
  }

  /** Tells the directory that nothing came of it, if that is certain. */
  private static void settle(Departure departure, LightningClaim claim, Throwable cause) {
    if (departure.stage() != Departure.Stage.UNDECIDED) {
      return;
    }
    try {
      if (claim.isMovedIn(departure)) {
        departure.end();
      } else {
        departure.stay();
      }
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  /** Leaves nothing of a state that was begun for a move that did not come about. */
  private void forget(Sync sync, Throwable cause) {
    try {
      SyncRecord record = store.record(sync);
      if (record != null && record.initialising) {
        store.forget(sync);
      }
    } catch (StateException e) {
      cause.addSuppressed(e);
    }
  }
}
