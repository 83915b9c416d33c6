package io.fulmar.lightning.internal.state;

import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.database.Work;
import io.fulmar.lightning.internal.fold.StateColumns;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.PlanStore;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SyncColumns;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What takes a sync's lease away with it: to forget the sync, or to give it another name. */
final class Upkeep {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");
  private static final int TRIES = 3;

  private final LightningStore store;
  private final Claiming claiming;
  private final Database beats;
  private final RunnerSettings runner;

  /**
   * For a store.
   *
   * @param claiming takes the leases
   * @param beats where heartbeats go
   * @param runner threads of the engine
   */
  Upkeep(LightningStore store, Claiming claiming, Database beats, RunnerSettings runner) {
    this.store = store;
    this.claiming = claiming;
    this.beats = beats;
    this.runner = runner;
  }

  /** Nothing is left of a sync. */
  void forget(Sync sync) {
    String doing = "forget " + sync.name();
    String about = "[sync=" + sync.name() + "]";
    Found found =
        claiming.begin(
            sync.name(),
            doing,
            about,
            (transaction, record, leasedBefore) -> record.orElse(null),
            Found::new);
    try {
      SyncRecord record = found.record();
      if (record != null) {
        settle(sync, found.lease(), record);
      }
      again(
          doing,
          about,
          transaction -> {
            if (!found.lease().isHeld(transaction)) {
              return false;
            }
            Schemas schemas = store.schemas();
            for (long slot : store.files().slots(transaction, sync.name())) {
              store
                  .provision()
                  .dropSync(transaction.connection(), schemas.tables(slot), sync.name(), about);
            }
            transaction.update(
                StateSql.DELETE_PLANS.with("plans", schemas.plans()).sql(), sync.name());
            transaction.update(StateSql.DELETE.with("syncs", schemas.syncs()).sql(), sync.name());
            transaction.update(LeaseSql.DELETE.with("leases", schemas.leases()).sql(), sync.name());
            return true;
          });
      store.passed(CrashPoint.FORGOTTEN);
    } catch (RuntimeException | Error e) {
      Claiming.release(found.lease(), e);
      throw e;
    }
  }

  /** What is found of a sync; null if nothing is. */
  private record Found(Lease lease, @Nullable SyncRecord record) {}

  /** Takes an interrupted run in, if that is possible, and sees that no call can act any more. */
  private void settle(Sync sync, Lease lease, SyncRecord record) {
    SyncRecord settled = record;
    try (Heartbeat heartbeat = Heartbeat.of(lease, beats, runner)) {
      LightningClaim claim =
          new LightningClaim(store, sync, lease, heartbeat, record, record.run + 1, false);
      claim.recover();
      settled = claim.record();
    } catch (StateException e) {
      LOG.warn(
          "sync={} the state that is forgotten cannot be read: {}", sync.name(), e.getMessage());
    }
    long until = Math.max(settled.until, settled.clearUntil);
    if (until > store.clock().millis()) {
      throw new StateException(
          "Cannot forget %s: a call that gave no answer may still act until %s, and a new first run would not wait for it. Forget it after that. [sync=%s]"
              .formatted(sync.name(), Instant.ofEpochMilli(until), sync.name()));
    }
  }

  /** What is remembered of one sync is that of another. */
  void rename(String from, Sync sync) {
    String doing = "rename " + from;
    String about = "[sync=" + from + "]";
    Claiming.Begun begun =
        claiming.begin(
            from,
            doing,
            about,
            (transaction, found, leasedBefore) -> renamed(transaction, from, sync, found),
            Claiming.Begun::new);
    try {
      SyncRecord record = begun.record();
      again(doing, about, transaction -> rename(transaction, from, sync.name(), begun));
      store.passed(CrashPoint.RENAMED);
      LOG.debug("sync={} was {} (number {})", sync.name(), from, record.slot);
    } catch (RuntimeException | Error e) {
      Claiming.release(begun.lease(), e);
      throw e;
    }
  }

  private SyncRecord renamed(
      Transaction transaction, String from, Sync sync, Optional<SyncRecord> found)
      throws SQLException {
    SyncRecord record =
        found.orElseThrow(
            () ->
                new StateException(
                    "Cannot rename %s: it has no state in the schema %s. Give the name that it had. [sync=%s]"
                        .formatted(from, store.schemas().planner(), from)));
    if (Lease.exists(transaction, store.schemas(), sync.name())) {
      throw new StateException(
          "Cannot rename %s: there is a state of %s. Forget that one first, or choose another name. [sync=%s]"
              .formatted(from, sync.name(), from));
    }
    if (!record.destination.equals(sync.destination().identity())) {
      throw Refusal.destination(sync, record.destination);
    }
    claiming.look(transaction, record);
    return record;
  }

  private boolean rename(Transaction transaction, String from, String to, Claiming.Begun begun)
      throws SQLException {
    if (!begun.lease().isHeld(transaction)) {
      return false;
    }
    Schemas schemas = store.schemas();
    SyncRecord record = begun.record().copy();
    SyncTables tables = schemas.tables(record.slot);
    SyncColumns columns;
    try {
      // What waits for approval, and what an interrupted run was delivering.
      new PlanStore(schemas, from, tables).rename(transaction.connection(), to);
      columns = columns(transaction, record, new PlanStore(schemas, to, tables));
    } catch (DamagedException e) {
      throw StateLost.of(from, e);
    }
    transaction.update(StateSql.RENAME.with("syncs", schemas.syncs()).sql(), to, from, record.slot);
    transaction.update(
        LeaseSql.RENAME.with("leases", schemas.leases()).sql(), to, from, begun.lease().token());
    store
        .provision()
        .rename(transaction.connection(), tables, from, to, columns, record.generation);
    return true;
  }

  /** The columns of a sync's tables; null if it has none but those of plans. */
  private static @Nullable SyncColumns columns(
      Transaction transaction, SyncRecord record, PlanStore plans)
      throws SQLException, DamagedException {
    SyncColumns known = RecordColumns.of(record);
    if (known != null || record.stateColumns == null) {
      return known;
    }
    // The first run of this key was interrupted, and its plan knows more than the record.
    PlanHead head = plans.read(transaction.connection(), record.deliveringPlan);
    return head == null ? null : StateColumns.of(head.columns());
  }

  /**
   * Does something that takes the lease away with it, some times if the connection is lost: if the
   * lease is gone then, it came about.
   */
  private void again(String doing, String about, Work<Boolean> work) {
    for (int tried = 1; ; tried++) {
      try {
        boolean done = Database.once(store.database().begin("fulmar", about), work);
        if (!done && tried == 1) {
          throw new StateException(
              "Cannot %s: another runner has taken it over. Try again. %s".formatted(doing, about));
        }
        return;
      } catch (SQLException e) {
        if (tried == TRIES || !SqlStates.isOfConnection(SqlStates.codeOrNull(e))) {
          throw SqlStates.stateException(doing, e, about);
        }
      }
    }
  }
}
