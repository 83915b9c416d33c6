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
import io.fulmar.lightning.internal.database.Patience;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.log.RunNumbers;
import io.fulmar.lightning.internal.schema.Obstacles;
import io.fulmar.lightning.internal.schema.Schemas;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
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
  private final Patience patience;

  /**
   * A maker of claims.
   *
   * @param store whose
   * @param beats where heartbeats go, past whatever uses up the connections of the store
   * @param runner threads of the engine
   * @param patience of whoever claims
   */
  Claiming(LightningStore store, Database beats, RunnerSettings runner, Patience patience) {
    this.store = store;
    this.beats = beats;
    this.runner = runner;
    this.patience = patience;
  }

  /** What is found, or begun. */
  record Begun(Lease lease, SyncRecord record) {}

  /** How the state is looked at. */
  interface Opening<T> {
    T open(Transaction transaction, Optional<SyncRecord> found, boolean leasedBefore)
        throws SQLException;
  }

  LightningClaim claim(Sync sync, Purpose purpose) {
    boolean required =
        purpose == Purpose.EXISTING
            || (purpose == Purpose.RUN
                && store.settings().missingState() == LightningSettings.MissingState.REFUSE);
    return claim(
        sync,
        "run " + sync.name(),
        purpose == Purpose.RUN,
        (transaction, found, leasedBefore) -> {
          if (found.isEmpty() && required) {
            throw missing(sync);
          }
          return opened(transaction, sync, purpose, found.orElse(null), leasedBefore);
        });
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
    store
        .provision()
        .requireFree(
            transaction.connection(),
            store.schemas().tables(record.slot),
            record.sync,
            transaction.about());
    return record;
  }

  private static String random(SecureRandom random) {
    byte[] bytes = new byte[SECRET_BYTES];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** Whether what the last run left is there, and the server is the one that it ran in. */
  void look(Transaction transaction, SyncRecord record) throws SQLException {
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

  /** The state of a sync, whatever the sync says today. */
  LightningClaim existing(Sync sync, String verb) {
    return claim(
        sync,
        verb + " " + sync.name(),
        false,
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
        false,
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

  private LightningClaim claim(Sync sync, String doing, boolean runs, Opening<SyncRecord> opening) {
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
            new LightningClaim(store, sync, lease, heartbeat, begun.record(), run, runs);
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

  static void release(Lease lease, Throwable cause) {
    try {
      lease.release();
    } catch (SQLException | RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  /** What comes of a claim. */
  interface Taken<T, R> {
    R of(Lease lease, T opened);
  }

  /** Again if the connection is lost: under the same name the lease is found as taken by us. */
  <T extends @Nullable SyncRecord, R> R begin(
      String sync, String doing, String about, Opening<T> opening, Taken<T, R> taken) {
    String owner = Owner.next();
    for (int left = TRIES - 1; ; left--) {
      try {
        return Database.once(
            store.database().begin("fulmar " + sync, about),
            begun ->
                patience.during(
                    begun, transaction -> begin(transaction, sync, owner, opening, taken)));
      } catch (SQLException e) {
        if (patience.isOver()) {
          throw new CancellationException("the run was stopped before it had the sync");
        }
        if (left == 0 || !SqlStates.isOfConnection(SqlStates.codeOrNull(e))) {
          throw Obstacles.exception(doing, e, store.database(), store.schemas(), about);
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
            System::nanoTime,
            patience);
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
