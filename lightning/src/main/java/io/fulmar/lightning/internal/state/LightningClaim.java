package io.fulmar.lightning.internal.state;

import io.fulmar.ChangeSet;
import io.fulmar.HoldKind;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.Folded;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Recovery;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.store.RunEnd;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.TimelineChange;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.delta.DeltaScan;
import io.fulmar.lightning.internal.fold.Fold;
import io.fulmar.lightning.internal.fold.FoldKind;
import io.fulmar.lightning.internal.fold.FoldResult;
import io.fulmar.lightning.internal.fold.Ledger;
import io.fulmar.lightning.internal.fold.OutcomeParts;
import io.fulmar.lightning.internal.fold.Release;
import io.fulmar.lightning.internal.fold.StateColumns;
import io.fulmar.lightning.internal.log.LogRetention;
import io.fulmar.lightning.internal.log.LoggedRun;
import io.fulmar.lightning.internal.log.SyncLog;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.plan.PlanStore;
import io.fulmar.lightning.internal.plan.PlanTableReader;
import io.fulmar.lightning.internal.plan.Planner;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to run one sync, held by a lease. Whatever moves the state is one transaction that
 * holds the lease, locks the row of the sync, and writes it last.
 */
final class LightningClaim implements Claim {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private final LightningStore store;
  private final Sync sync;
  private final Lease lease;
  private final Heartbeat heartbeat;
  private final long run;
  private final SyncTables tables;
  private final PlanStore plans;
  private final Planner planner;
  private final Fold fold;
  private final SyncLog log;
  private final Instant startedAt;
  private final Map<Long, PlanHead> heads = new HashMap<>();
  private SyncRecord record;
  private boolean resynced;
  private volatile @Nullable Ledger ledger;
  private volatile boolean closed;

  LightningClaim(
      LightningStore store,
      Sync sync,
      Lease lease,
      Heartbeat heartbeat,
      SyncRecord record,
      long run) {
    this.store = store;
    this.sync = sync;
    this.lease = lease;
    this.heartbeat = heartbeat;
    this.record = record;
    this.run = run;
    LightningSettings settings = store.settings();
    this.tables = settings.schemas().tables(record.slot);
    this.plans = new PlanStore(settings.schemas(), sync.name(), tables);
    this.planner = new Planner(store.database(), settings.schemas(), sync, settings, store.clock());
    this.fold = new Fold(settings.schemas(), tables, sync);
    this.log = new SyncLog(settings.schemas(), sync, settings.logs(sync.name()));
    this.startedAt = store.clock().instant();
  }

  /**
   * Changes what is known of the sync, and whatever goes with it.
   *
   * @param <T> what comes of it
   */
  @FunctionalInterface
  private interface Change<T> {
    T make(Transaction transaction, SyncRecord next) throws SQLException, DamagedException;
  }

  /** What a transaction wrote whose answer may have been lost. */
  private record Written<T>(SyncRecord record, T result) {}

  /**
   * Makes a change in one transaction. If the answer to its commit is lost, the row of the sync
   * says whether it came about: locked, so that a transaction that is still committing is waited
   * for, and written by nobody but the holder of the lease.
   */
  private <T> T write(String doing, CrashPoint point, Change<T> change) {
    List<Written<T>> tried = new ArrayList<>();
    T result =
        lease.steadily(
            doing,
            transaction -> {
              SyncRecord there = locked(transaction);
              for (Written<T> before : tried) {
                if (there.isStoredLike(before.record())) {
                  return before.result();
                }
              }
              tried.clear();
              SyncRecord next = record.copy();
              T made;
              try {
                made = change.make(transaction, next);
              } catch (DamagedException e) {
                throw StateLost.of(sync.name(), e);
              }
              RecordSql.update(transaction, store.settings().schemas(), next);
              tried.add(new Written<>(next, made));
              return made;
            });
    record = tried.get(0).record();
    store.passed(point);
    return result;
  }

  private SyncRecord locked(Transaction transaction) throws SQLException {
    SyncRecord there =
        RecordSql.lock(transaction, store.settings().schemas(), sync.name())
            .orElseThrow(
                () -> StateLost.of(sync.name(), "its row in fulmar_syncs is gone while it runs"));
    if (there.slot != record.slot) {
      throw StateLost.of(sync.name(), "its row in fulmar_syncs was replaced while it runs");
    }
    return there;
  }

  private String doing(String what) {
    return what + " of " + sync.name();
  }

  private long now() {
    return store.clock().millis();
  }

  SyncRecord record() {
    return record;
  }

  @Override
  public long run() {
    return run;
  }

  // --------------------------------------------------------------------------------------- recover

  /** Removes what dead runs left behind and nothing needs. */
  void tidy() {
    lease.steadily(
        doing("tidy up after an earlier run"),
        transaction -> {
          log.prepare(transaction);
          Set<Long> needed = new HashSet<>();
          needed.add(record.keptPlan);
          needed.add(record.deliveringPlan);
          plans.tidy(transaction.connection(), needed);
          return needed;
        });
    store.passed(CrashPoint.TIDIED);
  }

  @Override
  public @Nullable Recovery recover() {
    long number = record.deliveringPlan;
    if (number == 0) {
      return null;
    }
    FoldResult result =
        write(
            doing("take in the interrupted run"),
            CrashPoint.RECOVERED,
            (transaction, next) -> {
              PlanHead head = plans.read(transaction.connection(), number);
              if (head == null) {
                throw StateLost.of(
                    sync.name(), "the plan " + number + " that was being delivered is missing");
              }
              long deliveredBy = Ledger.deliveredBy(transaction, tables);
              long dead = deliveredBy == 0 ? number : deliveredBy;
              log(
                  transaction,
                  next,
                  head,
                  FoldKind.INTERRUPTED,
                  new LoggedRun(
                      dead,
                      Instant.ofEpochMilli(dead),
                      store.clock().instant(),
                      RunStatus.INTERRUPTED,
                      null));
              FoldResult folded =
                  fold.fold(
                      transaction, next, head, rules(next, head), FoldKind.INTERRUPTED, now());
              next.mode = head.terms().mode();
              next.removal = head.terms().removal();
              next.deltaBase =
                  DeltaScan.after(next.deltaBase, head.base(), head.terms().request(), Extent.PART);
              next.stateVersion++;
              next.foldedRun = number;
              next.run = Math.max(next.run, dead);
              keyed(next, head);
              if (next.unfolded != number) {
                ended(
                    next,
                    new RunEnd(
                        RunStatus.INTERRUPTED, store.clock().instant(), false, Extent.PART, null));
              }
              next.unfolded = 0;
              settled(transaction, next, number);
              return folded;
            });
    return new Recovery(number, result.accepted(), result.unanswered());
  }

  /** Writes what became of a plan into the logs, before the state moves. */
  private void log(
      Transaction transaction, SyncRecord next, PlanHead head, FoldKind kind, LoggedRun ended)
      throws SQLException {
    next.logGaps =
        log.folded(
            transaction,
            next.slot,
            next.logGaps,
            head,
            OutcomeParts.of(kind, tables, now()),
            kind,
            ended);
  }

  /** Nothing is delivered any more, and no plan waits. */
  private void settled(Transaction transaction, SyncRecord next, long plan) throws SQLException {
    if (next.stateColumns != null) {
      Ledger.begin(transaction, tables);
    }
    store.files().note(transaction, next);
    plans.delete(transaction.connection(), plan);
    if (next.keptPlan != 0 && next.keptPlan != plan) {
      plans.delete(transaction.connection(), next.keptPlan);
    }
    next.keptPlan = 0;
    next.deliveringPlan = 0;
  }

  private Rules rules(SyncRecord next, PlanHead head) {
    return PlanTerms.rules(
        sync, head.terms().mode(), head.terms().removal(), next.mode, next.removal);
  }

  // ------------------------------------------------------------------------------------------ plan

  @Override
  public StoredPlan plan(PlanRequest request, LongConsumer progress) {
    boolean restored =
        store.settings().onTimelineChange() == TimelineChange.RESYNC
            && !record.objections.isEmpty()
            && request.kind() == PlanRequest.Kind.RUN;
    if ((request.kind() == PlanRequest.Kind.RESYNC || restored) && !resynced) {
      write(
          doing("make every row due again"),
          CrashPoint.EPOCH_GROWN,
          (transaction, next) -> {
            next.epoch++;
            next.stateVersion++;
            next.deltaBase = null;
            next.objections = List.of();
            if (restored && next.server != null) {
              next.systemIdentifier = next.server.system();
              next.database = next.server.database();
              next.timeline = next.server.timeline();
              next.position = next.server.position();
            }
            return next.epoch;
          });
      resynced = true;
    }
    PlanHead head = planner.plan(record, lease, run, request, progress);
    log.check(head);
    heads.put(head.run(), head);
    store.passed(CrashPoint.PLANNED);
    return head.plan();
  }

  @Override
  public void cancelPlan() {
    planner.cancel();
  }

  // -------------------------------------------------------------------------------------- approval

  @Override
  public StoredPlan stored(String planId) {
    PlanHead head = keptHead();
    if (head == null || !head.id().equals(planId)) {
      throw new StateException(
          "Cannot apply plan %s of %s: there is no such plan. %s %s"
              .formatted(
                  planId,
                  sync.name(),
                  head == null ? "None is stored." : "The stored one is " + head.id() + ".",
                  lease.about()));
    }
    String stale = stale(head);
    if (stale != null) {
      throw new StateException(
          "Cannot apply plan %s of %s: %s. Run or plan anew. %s"
              .formatted(planId, sync.name(), stale, lease.about()));
    }
    return head.plan();
  }

  @Override
  public @Nullable StoredPlan kept() {
    PlanHead head = keptHead();
    return head == null || stale(head) != null ? null : head.plan();
  }

  private @Nullable PlanHead keptHead() {
    if (record.keptPlan == 0) {
      return null;
    }
    PlanHead head =
        lease.steadily(
            doing("read the stored plan"),
            transaction -> {
              try {
                return plans.read(transaction.connection(), record.keptPlan);
              } catch (DamagedException e) {
                throw StateLost.of(sync.name(), e);
              }
            });
    if (head != null) {
      heads.put(head.run(), head);
    }
    return head;
  }

  private @Nullable String stale(PlanHead head) {
    return head.terms().stale(sync, record.stateVersion, record.clearing, now());
  }

  @Override
  public boolean discard() {
    if (record.keptPlan == 0) {
      return false;
    }
    return write(
        doing("drop the stored plan"),
        CrashPoint.PLAN_DISCARDED,
        (transaction, next) -> {
          plans.delete(transaction.connection(), next.keptPlan);
          next.keptPlan = 0;
          return true;
        });
  }

  @Override
  public void keep(StoredPlan plan) {
    PlanHead head = head(plan).withGuards(plan.changeSet().guards());
    heads.put(head.run(), head);
    write(
        doing("keep the plan"),
        CrashPoint.PLAN_KEPT,
        (transaction, next) -> {
          if (next.keptPlan != 0 && next.keptPlan != head.run()) {
            plans.delete(transaction.connection(), next.keptPlan);
          }
          plans.write(transaction.connection(), head);
          next.keptPlan = head.run();
          next.run = run;
          return head;
        });
  }

  @Override
  public void drop(StoredPlan plan) {
    long number = head(plan).run();
    lease.steadily(
        doing("drop the plan"), transaction -> plans.delete(transaction.connection(), number));
    store.passed(CrashPoint.PLAN_DROPPED);
  }

  private PlanHead head(StoredPlan plan) {
    PlanHead head = heads.get(Long.parseLong(plan.changeSet().id()));
    if (head == null) {
      throw new IllegalArgumentException("this plan is not of this claim");
    }
    return head;
  }

  // --------------------------------------------------------------------------------------- deliver

  @Override
  public PlanReader open(StoredPlan plan) {
    PlanHead head = head(plan);
    write(
        doing("begin to deliver the plan"),
        CrashPoint.DELIVERY_BEGUN,
        (transaction, next) -> {
          tables(transaction, next, head);
          store.files().note(transaction, next);
          Ledger.begin(transaction, tables);
          next.deliveringPlan = head.run();
          return head;
        });
    ledger = new Ledger(lease, tables, run, store.watch());
    return new PlanTableReader(lease, tables, sync, record.incarnation, head, run);
  }

  /**
   * Makes the tables that a plan is folded into, unless they are there; anew, if the sync has got
   * another key, which only a reset or a filling gives it.
   */
  private void tables(Transaction transaction, SyncRecord next, PlanHead head) throws SQLException {
    String columns = head.columns().stored().text();
    boolean same =
        columns.equals(next.stateColumns)
            && (next.keySignature == null || next.keySignature.equals(head.columns().key()));
    if (same) {
      return;
    }
    if (next.stateColumns != null) {
      forgetKeys(transaction, next);
    }
    store
        .provision()
        .createSync(transaction.connection(), tables, sync.name(), StateColumns.of(head.columns()));
    next.stateColumns = columns;
  }

  /** Drops state, holds and ledger; the plans stay. */
  private void forgetKeys(Transaction transaction, SyncRecord next) throws SQLException {
    store.provision().dropSync(transaction.connection(), tables, sync.name(), lease.about());
    next.generation = null;
    next.stateColumns = null;
    next.keySignature = null;
    next.keyShape = null;
    next.remembered = null;
    next.keys = 0;
    next.live = 0;
    next.until = 0;
    next.deltaBase = null;
    store.files().note(transaction, next);
  }

  @Override
  public void reserve(long from, long to, long until) {
    openLedger().reserve(from, to, until);
  }

  @Override
  public void acknowledge(long from, List<Outcome> outcomes) {
    openLedger().acknowledge(from, outcomes);
  }

  @Override
  public void flush() {
    openLedger().flush();
  }

  private Ledger openLedger() {
    Ledger open = ledger;
    if (open == null || closed) {
      throw new StateException(
          "Cannot note an outcome of %s: the run is over. %s"
              .formatted(sync.name(), lease.about()));
    }
    lease.check();
    return open;
  }

  // ------------------------------------------------------------------------------------------ fold

  @Override
  public Folded fold(StoredPlan plan, RunEnd end) {
    PlanHead head = head(plan);
    Ledger noted = ledger;
    if (noted != null) {
      noted.flush();
    }
    long quarantined =
        write(
            "move the state of %s forward".formatted(sync.name()),
            CrashPoint.FOLDED,
            (transaction, next) -> {
              long newly = 0;
              boolean whole = head.counts().total() == 0;
              log(
                  transaction,
                  next,
                  head,
                  FoldKind.DELIVERED,
                  new LoggedRun(run, startedAt, end.endedAt(), end.status(), end.problem()));
              if (moves(transaction, next, head)) {
                tables(transaction, next, head);
                long answered = answered(transaction);
                FoldResult result =
                    fold.fold(
                        transaction, next, head, rules(next, head), FoldKind.DELIVERED, now());
                newly = result.newlyQuarantined();
                whole = answered == head.counts().total();
                next.stateVersion++;
              }
              folded(next, head, end.extent());
              compared(next, head, whole ? end.extent() : Extent.PART);
              if (end.nothingUnsent()) {
                next.upToDateAsOf = head.server().at();
              }
              boolean warn = end.status() == RunStatus.SUCCEEDED && newly > 0;
              ended(next, warn ? end.as(RunStatus.WARNING) : end);
              next.run = run;
              settled(transaction, next, head.run());
              store.passed(CrashPoint.FOLD_WRITTEN);
              return newly;
            });
    ledger = null;
    return new Folded(quarantined);
  }

  /** How many changes of the plan have an outcome that the state takes in. */
  private long answered(Transaction transaction) throws SQLException {
    return transaction.number(StateSql.ANSWERED.with("ledger", tables.ledger()).sql());
  }

  /** Notes what a later scan may go by. */
  private static void compared(SyncRecord next, PlanHead head, Extent delivered) {
    boolean whole =
        delivered == Extent.WHOLE && head.extent() == Extent.WHOLE && head.counts().invalid() == 0;
    next.deltaBase =
        DeltaScan.after(
            next.deltaBase,
            head.base(),
            head.terms().request(),
            whole ? Extent.WHOLE : Extent.PART);
    if (whole && head.way().kind() == ChangeSet.Way.Kind.FULL) {
      next.lastFullDiffAt = Instant.ofEpochMilli(head.terms().madeAt());
    }
  }

  /** Whether a fold of the plan changes what is remembered of some key. */
  private boolean moves(Transaction transaction, SyncRecord next, PlanHead head)
      throws SQLException {
    if (head.counts().total() > 0 || head.counts().effects() > 0) {
      return true;
    }
    return next.stateColumns != null
        && !rules(next, head).holdsSkipped()
        && HoldCounts.read(transaction, store.schemas(), next).of(HoldKind.SKIPPED) > 0;
  }

  /** Notes what the state was folded from. */
  private void folded(SyncRecord next, PlanHead head, Extent extent) {
    next.foldedRun = head.run();
    next.keySignature = head.columns().key();
    next.keyShape = KeyShapeText.of(head.columns().keyRow());
    next.fingerprint = head.terms().fingerprint();
    next.mode = sync.mode();
    next.removal = sync.removal();
    next.systemIdentifier = head.server().system();
    next.database = head.server().database();
    next.timeline = head.server().timeline();
    next.position = head.server().position();
    next.objections = List.of();
    if (extent == Extent.WHOLE) {
      next.definitions = next.definitions.used(head.terms().definition(), store.clock().instant());
    }
  }

  /** Notes by which key the state is, if that is not known. */
  private static void keyed(SyncRecord next, PlanHead head) {
    if (next.keySignature == null) {
      next.keySignature = head.columns().key();
    }
    if (next.keyShape == null) {
      next.keyShape = KeyShapeText.of(head.columns().keyRow());
    }
  }

  @Override
  public void takeAsDelivered(StoredPlan plan) {
    PlanHead head = head(plan);
    write(
        doing("take the present result as accepted for the state"),
        CrashPoint.RESET_TAKEN,
        (transaction, next) -> {
          tables(transaction, next, head);
          if (moves(transaction, next, head)) {
            fold.fold(transaction, next, head, rules(next, head), FoldKind.TAKEN, now());
          }
          folded(next, head, Extent.WHOLE);
          compared(next, head, Extent.WHOLE);
          next.stateVersion++;
          next.initialising = false;
          next.clearing = false;
          next.clearUntil = 0;
          if (head.counts().invalid() == 0) {
            next.upToDateAsOf = head.server().at();
          }
          next.run = run;
          settled(transaction, next, head.run());
          return head;
        });
  }

  // ----------------------------------------------------------------------------- clear and release

  @Override
  public long mayActUntil() {
    return Math.max(record.until, record.clearUntil);
  }

  @Override
  public boolean isClearing() {
    return record.clearing;
  }

  @Override
  public void beginClear(long until) {
    write(
        doing("note the beginning of a clear"),
        CrashPoint.CLEAR_BEGUN,
        (transaction, next) -> {
          next.clearing = true;
          next.clearUntil = Math.max(next.clearUntil, until);
          return until;
        });
  }

  @Override
  public void endClear() {
    store.passed(CrashPoint.CLEARED);
    write(
        doing("note the end of a clear"),
        CrashPoint.CLEAR_ENDED,
        (transaction, next) -> {
          forgetKeys(transaction, next);
          next.clearing = false;
          next.clearUntil = 0;
          next.keptPlan = 0;
          next.upToDateAsOf = null;
          next.stateVersion++;
          return next;
        });
  }

  @Override
  public long release(@Nullable List<String> key) {
    if (record.stateColumns == null) {
      return 0;
    }
    List<ColumnKind> kinds = key == null ? List.of() : keyKinds(key);
    return write(
        doing("release held changes"),
        CrashPoint.RELEASED,
        (transaction, next) -> {
          long found =
              key == null
                  ? Release.all(transaction, tables)
                  : Release.key(transaction, tables, kinds, key);
          next.stateVersion += found > 0 ? 1 : 0;
          return found;
        });
  }

  /** How the columns of the key are read out of the model. */
  private List<ColumnKind> keyKinds(List<String> key) {
    Shape shape = KeyShapeText.parse(record.keyShape);
    if (shape == null) {
      return List.of();
    }
    if (shape.kinds().size() != key.size()) {
      throw Refusal.columns(sync.model().name(), key.size(), shape.kinds().size(), lease.about());
    }
    return shape.kinds();
  }

  // ------------------------------------------------------------------------------------------- end

  @Override
  public void end(RunEnd end) {
    PlanHead head = heads.get(run);
    SyncLog.Ended logged =
        write(
            doing("note the end"),
            CrashPoint.END_NOTED,
            (transaction, next) -> {
              ended(next, end);
              next.run = run;
              next.unfolded = ledger == null ? next.unfolded : next.deliveringPlan;
              SyncLog.Ended done =
                  log.ended(
                      transaction,
                      next.logGaps,
                      head,
                      new LoggedRun(run, startedAt, end.endedAt(), end.status(), end.problem()));
              next.logGaps = done.gaps();
              return done;
            });
    StateException failure = logged.failure();
    if (failure != null) {
      throw failure;
    }
  }

  private static void ended(SyncRecord next, RunEnd end) {
    next.lastStatus = end.status();
    next.lastEndedAt = end.endedAt();
    boolean good = end.status() == RunStatus.SUCCEEDED || end.status() == RunStatus.WARNING;
    next.failuresInARow = good ? 0 : next.failuresInARow + 1;
    if (good) {
      next.lastSuccessAt = end.endedAt();
    }
  }

  /** What is remembered is that of another destination from now on. */
  void rebind(String identity) {
    write(
        doing("note the other destination"),
        CrashPoint.REBOUND,
        (transaction, next) -> {
          next.destination = identity;
          next.stateVersion++;
          next.deltaBase = null;
          return next;
        });
  }

  @Override
  public void close() {
    closed = true;
    new LogRetention(
            store.database(), store.schemas(), sync.name(), store.settings().logs(sync.name()))
        .expire(lease.application(), lease.about(), now(), lease::isHeld);
    heartbeat.close();
    try {
      lease.release();
    } catch (SQLException | RuntimeException e) {
      // It ends by itself.
      LOG.debug(
          "sync={} run={} a lease could not be given back: {}", sync.name(), run, e.toString());
    }
  }
}
