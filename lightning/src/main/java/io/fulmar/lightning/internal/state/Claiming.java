package io.fulmar.lightning.internal.state;

import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.standard.Departure;
import io.fulmar.internal.store.SyncStore.Purpose;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.database.Work;
import io.fulmar.lightning.internal.log.RunNumbers;
import io.fulmar.lightning.internal.plan.PlanStore;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SyncColumns;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the right to run a sync: its lease, its state, found or begun, and the number of the run.
 * Stateless.
 */
final class Claiming {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");
  private static final int TRIES = 3;
  private static final int SECRET_BYTES = 16;

  private final LightningStore store;
  private final Database beats;
  private final RunnerSettings runner;

  /**
   * A maker of claims.
   *
   * @param store whose
   * @param beats where heartbeats go, past whatever uses up the connections of the store
   * @param runner threads of the engine
   */
  Claiming(LightningStore store, Database beats, RunnerSettings runner) {
    this.store = store;
    this.beats = beats;
    this.runner = runner;
  }

  /** What is found, or begun. */
  private record Begun(Lease lease, SyncRecord record) {}

  /** How the state is looked at. */
  private interface Opening<T> {
    T open(Transaction transaction, Optional<SyncRecord> found, boolean leasedBefore)
        throws SQLException;
  }

  // ----------------------------------------------------------------------------------------- to
  // run

  LightningClaim claim(Sync sync, Purpose purpose) {
    boolean required =
        purpose == Purpose.EXISTING
            || (purpose == Purpose.RUN
                && store.settings().missingState() == LightningSettings.MissingState.REFUSE);
    LightningClaim claim =
        claim(
            sync,
            "run " + sync.name(),
            (transaction, found, leasedBefore) -> {
              if (found.isEmpty() && required) {
                throw missing(sync);
              }
              return opened(transaction, sync, purpose, found.orElse(null), leasedBefore);
            });
    return claim;
  }

  private StateException missing(Sync sync) {
    return new StateException(
        "Cannot use the state of %s: there is none in the schema %s, and it is required. Bring it back, or initialise the sync. [sync=%s]"
            .formatted(sync.name(), store.schemas().planner(), sync.name()));
  }

  private SyncRecord opened(
      Transaction transaction,
      Sync sync,
      Purpose purpose,
      @Nullable SyncRecord found,
      boolean leasedBefore)
      throws SQLException {
    boolean initialise =
        purpose == Purpose.INITIALISE_EMPTY || purpose == Purpose.INITIALISE_AS_DELIVERED;
    if (found == null) {
      if (leasedBefore) {
        throw StateLost.of(
            sync.name(), "its row in fulmar_syncs is missing, though it has run before");
      }
      return begun(transaction, sync, purpose);
    }
    SyncRecord record = found.copy();
    if (initialise && !record.initialising) {
      throw new StateException(
          "Cannot initialise %s: it has a state in the schema %s. Run it, or forget it first. [sync=%s]"
              .formatted(sync.name(), store.schemas().planner(), sync.name()));
    }
    if (!record.destination.equals(sync.destination().identity())) {
      throw Refusal.destination(sync, record.destination);
    }
    if (record.initialising && !initialise) {
      throw Refusal.beginning(sync);
    }
    if (sync.revision() < record.revision) {
      throw Refusal.revision(sync, record.revision);
    }
    record.revision = sync.revision();
    record.initialising = purpose == Purpose.INITIALISE_AS_DELIVERED;
    look(transaction, record);
    return record;
  }

  private SyncRecord begun(Transaction transaction, Sync sync, Purpose purpose)
      throws SQLException {
    SecureRandom random = new SecureRandom();
    SyncRecord record = new SyncRecord();
    record.sync = sync.name();
    record.destination = sync.destination().identity();
    record.incarnation = random(random);
    record.secret = random(random);
    record.revision = sync.revision();
    record.initialising = purpose == Purpose.INITIALISE_AS_DELIVERED;
    RecordSql.insert(transaction, store.schemas(), record);
    store.files().checkNone(transaction, record);
    return record;
  }

  private static String random(SecureRandom random) {
    byte[] bytes = new byte[SECRET_BYTES];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** Whether what the last run left is there, and the server is the one that it ran in. */
  private void look(Transaction transaction, SyncRecord record) throws SQLException {
    store.files().check(transaction, record);
    store
        .provision()
        .requireOurs(
            transaction.connection(), store.schemas().tables(record.slot), transaction.about());
    ServerIdentity now = server(transaction);
    String change = change(record, now);
    if (change != null) {
      record.server = now;
      switch (store.settings().onTimelineChange()) {
        case WARN, RESYNC -> LOG.warn("sync={} {}", record.sync, change);
        case HOLD -> record.objections = List.of(change);
      }
    }
  }

  private static ServerIdentity server(Transaction transaction) throws SQLException {
    return transaction
        .first(
            StateSql.SERVER.sql(),
            row ->
                new ServerIdentity(
                    row.getObject(1, OffsetDateTime.class)
                        .toInstant()
                        .truncatedTo(ChronoUnit.MICROS),
                    row.getString(2),
                    row.getLong(3),
                    row.getInt(5),
                    row.getLong(4)))
        .orElseThrow();
  }

  private static @Nullable String change(SyncRecord record, ServerIdentity now) {
    if (record.systemIdentifier == 0) {
      return null;
    }
    String unknown = "what the destination accepted after that is not known here";
    if (record.systemIdentifier != now.system() || !record.database.equals(now.database())) {
      return "the state was moved from another database (%s in cluster %s) to this one (%s in cluster %s): %s"
          .formatted(
              record.database, record.systemIdentifier, now.database(), now.system(), unknown);
    }
    if (record.timeline != now.timeline()) {
      return "the server was promoted or restored (timeline %s, the last run saw %s): %s"
          .formatted(now.timeline(), record.timeline, unknown);
    }
    return null;
  }

  // ---------------------------------------------------------------------------------------
  // otherwise

  /** The state of a sync, whatever the sync says today. */
  LightningClaim existing(Sync sync, String verb) {
    return claim(
        sync,
        verb + " " + sync.name(),
        (transaction, found, leasedBefore) -> {
          SyncRecord record =
              found.orElseThrow(
                  () ->
                      new StateException(
                          "Cannot %s %s: it has no state in the schema %s. Run it with its new destination. [sync=%s]"
                              .formatted(
                                  verb, sync.name(), store.schemas().planner(), sync.name())));
          look(transaction, record);
          return record;
        });
  }

  /**
   * A sync that has no state, or one that was moved here from the same place: its record says
   * which.
   *
   * @param sync which one
   * @param departure what is to be moved here
   */
  LightningClaim moving(Sync sync, Departure departure) {
    return claim(
        sync,
        "move " + sync.name(),
        (transaction, found, leasedBefore) -> {
          SyncRecord record = found.orElse(null);
          if (record != null && Moving.isFrom(record, departure)) {
            return record;
          }
          if (departure.stage() == Departure.Stage.GONE) {
            throw new StateException(
                "Cannot move %s: what the standard engine remembered was moved to %s before, and what is here did not come from there. Run it there; or forget it in the directory, and the standard engine begins anew. [sync=%s]"
                    .formatted(sync.name(), departure.place(), sync.name()));
          }
          if (record != null && !record.initialising) {
            throw new StateException(
                "Cannot move %s: it has a state in the schema %s already. Run it there; or forget it there first, and move it then. [sync=%s]"
                    .formatted(sync.name(), store.schemas().planner(), sync.name()));
          }
          return opened(transaction, sync, Purpose.INITIALISE_AS_DELIVERED, record, leasedBefore);
        });
  }

  // ----------------------------------------------------------------------------- forget and rename

  /** Nothing is left of a sync. */
  void forget(Sync sync) {
    String doing = "forget " + sync.name();
    String about = "[sync=" + sync.name() + "]";
    Found found =
        begin(
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
      release(found.lease(), e);
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
          new LightningClaim(store, sync, lease, heartbeat, record, record.run + 1);
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
    Begun begun =
        begin(
            from,
            doing,
            about,
            (transaction, found, leasedBefore) -> renamed(transaction, from, sync, found),
            Begun::new);
    try {
      SyncRecord record = begun.record();
      again(doing, about, transaction -> rename(transaction, from, sync.name(), begun));
      store.passed(CrashPoint.RENAMED);
      LOG.debug("sync={} was {} (number {})", sync.name(), from, record.slot);
    } catch (RuntimeException | Error e) {
      release(begun.lease(), e);
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
    if (record.deliveringPlan != 0) {
      throw new StateException(
          "Cannot rename %s: a run of it was interrupted. Run it once under its old name, or discard what it plans. [sync=%s]"
              .formatted(from, from));
    }
    look(transaction, record);
    return record;
  }

  private boolean rename(Transaction transaction, String from, String to, Begun begun)
      throws SQLException {
    if (!begun.lease().isHeld(transaction)) {
      return false;
    }
    Schemas schemas = store.schemas();
    SyncRecord record = begun.record().copy();
    SyncTables tables = schemas.tables(record.slot);
    if (record.keptPlan != 0) {
      new PlanStore(schemas, from, tables).delete(transaction.connection(), record.keptPlan);
      record.keptPlan = 0;
    }
    record.stateVersion++;
    RecordSql.update(transaction, schemas, record);
    transaction.update(StateSql.RENAME.with("syncs", schemas.syncs()).sql(), to, from, record.slot);
    transaction.update(
        LeaseSql.RENAME.with("leases", schemas.leases()).sql(), to, from, begun.lease().token());
    SyncColumns columns = RecordColumns.of(record);
    if (columns != null) {
      store
          .provision()
          .rename(transaction.connection(), tables, from, to, columns, record.generation);
    }
    return true;
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

  // ------------------------------------------------------------------------------------------
  // claim

  private LightningClaim claim(Sync sync, String doing, Opening<SyncRecord> opening) {
    String about = "[sync=" + sync.name() + "]";
    Begun begun = begin(sync.name(), doing, about, opening, Begun::new);
    Lease lease = begun.lease();
    try {
      store.passed(CrashPoint.CLAIMED);
      long run =
          lease.steadily(
              doing,
              transaction -> RunNumbers.next(transaction, store.schemas(), begun.record().run + 1));
      lease.of(PlanTerms.application(sync, run), "[sync=%s run=%s]".formatted(sync.name(), run));
      Heartbeat heartbeat = Heartbeat.of(lease, beats, runner);
      try {
        LightningClaim claim =
            new LightningClaim(store, sync, lease, heartbeat, begun.record(), run);
        claim.tidy();
        return claim;
      } catch (RuntimeException | Error e) {
        heartbeat.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      release(lease, e);
      throw e;
    }
  }

  private static void release(Lease lease, Throwable cause) {
    try {
      lease.release();
    } catch (SQLException | RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  /** What comes of a claim. */
  private interface Taken<T, R> {
    R of(Lease lease, T opened);
  }

  /** Again if the connection is lost: under the same name the lease is found as taken by us. */
  private <T extends @Nullable SyncRecord, R> R begin(
      String sync, String doing, String about, Opening<T> opening, Taken<T, R> taken) {
    String owner = Owner.next();
    for (int left = TRIES - 1; ; left--) {
      try {
        return Database.once(
            store.database().begin("fulmar " + sync, about),
            transaction -> begin(transaction, sync, owner, opening, taken));
      } catch (SQLException e) {
        if (left == 0 || !SqlStates.isOfConnection(SqlStates.codeOrNull(e))) {
          throw SqlStates.stateException(doing, e, about);
        }
        LOG.debug("sync={} claims again: {}", sync, SqlStates.code(e));
      }
    }
  }

  private <T extends @Nullable SyncRecord, R> R begin(
      Transaction transaction, String sync, String owner, Opening<T> opening, Taken<T, R> taken)
      throws SQLException {
    Schemas schemas = store.schemas();
    store.provision().ensure(transaction.connection(), transaction.about());
    store.passed(CrashPoint.TABLES_MADE);
    checkFormat(transaction, schemas, sync);
    boolean leasedBefore = Lease.exists(transaction, schemas, sync);
    Lease lease =
        Lease.take(
            store.database(),
            transaction,
            schemas,
            sync,
            owner,
            store.settings().lease(),
            System::nanoTime);
    Optional<SyncRecord> found = RecordSql.lock(transaction, schemas, sync);
    T opened = opening.open(transaction, found, leasedBefore);
    if (opened != null && found.isPresent() && !opened.isStoredLike(found.get())) {
      RecordSql.update(transaction, schemas, opened);
    }
    return taken.of(lease, opened);
  }

  /**
   * Does nothing for a format that this version reads.
   *
   * @throws StateException if a newer version wrote it
   */
  static void checkFormat(Transaction transaction, Schemas schemas, String sync)
      throws SQLException {
    Optional<Integer> format = RecordSql.format(transaction, schemas, sync);
    if (format.isPresent() && format.get() > SyncRecord.FORMAT) {
      throw new StateException(
          "Cannot use the state of %s: it has the format %s, and this version of Fulmar reads up to %s. Use the version that wrote it, or a later one. [sync=%s]"
              .formatted(sync, format.get(), SyncRecord.FORMAT, sync));
    }
  }
}
